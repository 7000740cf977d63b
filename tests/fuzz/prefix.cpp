// Prefixes: what is left is the end of the line, and names are parts of the line.
#include "parsers/line_prefix.h"
#include "tests/fuzz/target.h"

#include <functional>

namespace {

bool lies_within(std::string_view part, std::string_view whole) {
    const std::less_equal<const char*> before;
    return part.empty() || (before(whole.data(), part.data()) &&
                            before(part.data() + part.size(), whole.data() + whole.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    const std::string_view line = text_of(data, size);
    const PrefixedLine split = split_prefix(line);
    must(line.ends_with(split.text), "the text is the end of the line");
    must(lies_within(split.pod, line), "the pod's name stands in the line");
    must(lies_within(split.container, line), "the container's name stands in the line");
    return 0;
}
