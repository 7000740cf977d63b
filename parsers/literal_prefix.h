#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// The bytes with which each match of a pattern (RE2) begins, as far as the pattern says so plainly;
// often none.
std::string literal_prefix(std::string_view pattern);

}  // namespace runnerwatch
