#pragma once

#include <map>
#include <string>
#include <vector>

namespace runnerwatch {

// Texts of at least 3 bytes, in lower case, of which every raw record holds one when `pattern`
// (RE2) matches its decoded message, in whatever format it was written: what a format may escape
// is no part of them. Chosen to be few and rare in ordinary logs. Empty: there are none, so the
// pattern must be tried on every record.
//
// Throws std::invalid_argument if the pattern does not compile.
std::vector<std::string> required_literals(const std::string& pattern);

// By pattern. They take long to find, so they are found once and kept.
using LiteralsOfPatterns = std::map<std::string, std::vector<std::string>>;

// The same, from `known` or added to it.
const std::vector<std::string>& required_literals(const std::string& pattern,
                                                  LiteralsOfPatterns& known);

}  // namespace runnerwatch
