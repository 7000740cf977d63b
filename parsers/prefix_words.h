#pragma once

#include <cstddef>
#include <string_view>

namespace runnerwatch {

// The words prefixes are made of. Each `take_…` removes what it is named after from the front of
// `text` and returns whether it was there; otherwise `text` is left alone.

bool take(std::string_view& text, std::string_view literal);

// A blank, or the end of a line whose trailing blank a viewer removed.
bool take_blank(std::string_view& text);

// A colour code, "ESC[1;36m".
bool take_colour(std::string_view& text);

// Letters, digits, '-', '_' and '.': a host, a pod, a program. Empty when there is none.
std::string_view take_name(std::string_view& text);

// 1 to `most` digits.
bool take_digits(std::string_view& text, std::size_t most);

// A pod's name as a controller makes it: "NAME-5d9c8b7f6d-xbcdf" or "NAME-xbcdf", whose endings
// Kubernetes draws from consonants and digits so that they form no word.
bool has_generated_ending(std::string_view pod);

}  // namespace runnerwatch
