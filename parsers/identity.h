#pragma once

#include "parsers/matcher.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// The parts of a rule's identity in a record: NAME, host(NAME) and mask(NAME) of its `values`. A
// value that is missing is no part.
std::vector<std::pair<std::string, std::string>> identity_of(const Rule& rule,
                                                             const Values& values);

// The host of a URL in lower case, with its port unless that is the scheme's own; empty when
// there is none.
std::string host_of_url(std::string_view url);

}  // namespace runnerwatch
