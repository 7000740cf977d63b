#pragma once

#include "parsers/matcher.h"
#include "parsers/rule_loader.h"

#include <vector>

namespace runnerwatch {

// What the stories of a rule's samples say that the incident book does not do: one error for each,
// with the story's line; empty when all hold. `rule` is one of the matcher's pack. A story is read
// as one log with a virtual clock, up to the time of its last line. Pure.
std::vector<RuleError> check_stories(const Matcher& matcher, const Rule& rule);

// The same for every rule of the pack whose layer is at least `layer_min`.
std::vector<RuleError> verify_stories(const Matcher& matcher, int layer_min = 0);

}  // namespace runnerwatch
