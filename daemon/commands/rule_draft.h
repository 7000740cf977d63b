#pragma once

#include "parsers/record.h"
#include "parsers/result.h"
#include "parsers/rule.h"

#include <string>

namespace runnerwatch {

struct RuleDraft {
    std::string id;
    std::string text;  // of a rule file that passes `rules test` as it stands
};

// A rule for a message that no rule takes: the pattern is the message with all that differs from
// line to line taken out, the sample is the line. `lines`: the physical lines of one record, as the
// runner wrote them or redacted. The error says why no rule can be made of it.
Result<RuleDraft, std::string> draft_rule(const std::string& lines);

// An RE2 pattern that matches every message that looks like this one; anchored at its start.
std::string message_pattern(const std::string& message);

}  // namespace runnerwatch
