#pragma once

#include <cstddef>
#include <string_view>

namespace runnerwatch {

// A field "key<reset>=value" of the coloured formats.
struct ColouredKey {
    static constexpr std::size_t npos = std::string_view::npos;
    std::size_t begin = npos;  // of the blank before it; npos: there is none
    std::size_t value = npos;
    std::string_view key;
};

// The next field at or behind `from`.
ColouredKey next_coloured_key(std::string_view text, std::size_t from);

// Calls `field(key, value)` for each field of a text that is nothing else; values as they stand.
template <class OnField>
void each_coloured_field(std::string_view text, const OnField& field) {
    for (ColouredKey key = next_coloured_key(text, 0); key.begin != ColouredKey::npos;) {
        const ColouredKey next = next_coloured_key(text, key.value);
        const std::size_t end = next.begin == ColouredKey::npos ? text.size() : next.begin;
        field(key.key, text.substr(key.value, end - key.value));
        key = next;
    }
}

}  // namespace runnerwatch
