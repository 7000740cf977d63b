#pragma once

#include <cstdint>
#include <string_view>

namespace runnerwatch {

// How often bytes and short texts stand in what healthy runners log, ASCII case ignored. Measured
// in recordings of healthy runs in all formats (CMakeLists.txt lists them), which are built in,
// with ordinary_words.txt for what no recording has.
//
// The literal filter is tuned by it: it decides how fast lines are found, never which.

// The share of all bytes, 0 … 1. Never 0: other logs hold other bytes.
double byte_share(unsigned char byte);

// The share of all places at which `text` (3, 4 or 8 bytes) stands; estimated where it never does.
double text_share(std::string_view text);

// The share of the rarest part of a text of 3 bytes or more: how often it is found at most.
double rarest_share(std::string_view text);

// ASCII upper case made lower case.
constexpr unsigned char folded(unsigned char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte - 'A' + 'a') : byte;
}

}  // namespace runnerwatch
