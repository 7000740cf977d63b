// A rule file: whatever it holds, it is a rule or reasons why not, each with a place.
#include "parsers/rule_loader.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    const auto rule = load_rule({"fuzz.yaml", std::string(text_of(data, size))});
    if (rule) {
        must(!rule->id.empty(), "a rule has an id");
        return 0;
    }
    must(!rule.error().empty(), "a refusal has a reason");
    for (const RuleError& error : rule.error())
        must(!error.what.empty() && error.line >= 0, "a reason says what and where");
    return 0;
}
