#include "parsers/rule.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace runnerwatch {
namespace {

// The words of an enum, in the order of its values.
constexpr std::array severities{"info", "warning", "error", "critical"};
constexpr std::array responses{"advice", "ticket", "page"};
constexpr std::array scopes{"workload", "host", "cluster"};
constexpr std::array statuses{"experimental", "test", "stable", "deprecated"};
constexpr std::array confidences{"possible", "likely", "certain"};

template <class Enum, std::size_t n>
const char* word(const std::array<const char*, n>& words, Enum value) {
    return words[static_cast<std::size_t>(value)];
}

template <class Enum, std::size_t n>
std::optional<Enum> value(const std::array<const char*, n>& words, std::string_view word) {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) return std::nullopt;
    return static_cast<Enum>(found - words.begin());
}

}  // namespace

const char* to_string(Severity severity) { return word(severities, severity); }
const char* to_string(Response response) { return word(responses, response); }
const char* to_string(Scope scope) { return word(scopes, scope); }
const char* to_string(RuleStatus status) { return word(statuses, status); }
const char* to_string(Confidence confidence) { return word(confidences, confidence); }

std::optional<Severity> severity_from(std::string_view word) {
    return value<Severity>(severities, word);
}
std::optional<Response> response_from(std::string_view word) {
    return value<Response>(responses, word);
}
std::optional<Scope> scope_from(std::string_view word) { return value<Scope>(scopes, word); }
std::optional<RuleStatus> status_from(std::string_view word) {
    return value<RuleStatus>(statuses, word);
}
std::optional<Confidence> confidence_from(std::string_view word) {
    return value<Confidence>(confidences, word);
}

bool has_group(const std::string& pattern, const std::string& name) {
    return pattern.find("(?P<" + name + ">") != std::string::npos;
}

bool captures(const Detect& detect, const std::string& name) {
    return has_group(detect.message, name) ||
           std::any_of(detect.capture.begin(), detect.capture.end(),
                       [&](const FieldPattern& one) { return has_group(one.pattern, name); });
}

const Fix* Rule::fix(std::string_view fix_id) const {
    const auto found =
        std::find_if(fixes.begin(), fixes.end(), [&](const Fix& fix) { return fix.id == fix_id; });
    return found == fixes.end() ? nullptr : &*found;
}

const Rule* RulePack::find(std::string_view rule_id) const {
    const auto found = std::find_if(rules.begin(), rules.end(),
                                    [&](const Rule& rule) { return rule.id == rule_id; });
    return found == rules.end() ? nullptr : &*found;
}

std::string Recovery::line_id() const {
    std::string id = message;
    for (const std::string& field : same) id += '\n' + field;
    if (hold.count() > 0) id += "\nfor " + format_duration(hold);
    return id;
}

}  // namespace runnerwatch
