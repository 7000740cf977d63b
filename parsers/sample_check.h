#pragma once

#include "parsers/matcher.h"
#include "parsers/rule_loader.h"

#include <vector>

namespace runnerwatch {

// What the samples of `rule` say that the pack of `matcher` does not do: one error for each, with
// the sample's line; empty when all hold. `rule` is one of the matcher's pack. Stories are not
// looked at: they need an incident book (alerts/story_check.h).
std::vector<RuleError> check_samples(const Matcher& matcher, const Rule& rule);

}  // namespace runnerwatch
