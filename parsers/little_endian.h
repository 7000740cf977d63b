#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace runnerwatch {

// Unsigned numbers as bytes, least significant first: how positions are stored, and how the
// journal's export gives lengths.

template <class Number>
void append_little_endian(std::string& bytes, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

// The number that `bytes` begin with; there must be as many as it has.
template <class Number>
Number read_little_endian(std::string_view bytes) {
    Number value = 0;
    for (std::size_t i = sizeof value; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

// The same, taken off them.
template <class Number>
Number take_little_endian(std::string_view& bytes) {
    const Number value = read_little_endian<Number>(bytes);
    bytes.remove_prefix(sizeof value);
    return value;
}

}  // namespace runnerwatch
