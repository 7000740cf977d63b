#include "parsers/coloured_fields.h"

#include "parsers/byte_set.h"
#include "parsers/find_text.h"

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

// As is_key_character().
constexpr ByteSet key_characters(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-[]");

// Of the reset that ends in the "m" at `at`; npos: none does.
std::size_t reset_begin(std::string_view text, std::size_t at) {
    for (const std::string_view reset : {std::string_view("\x1b[0;"), std::string_view("\x1b[0")})
        if (text.substr(0, at).ends_with(reset)) return at - reset.size();
    return npos;
}

// Where a colour code ("ESC[31;1m") that ends in or before the key at `key` begins: it looks like a
// part of it from behind.
std::size_t colour_begin(std::string_view text, std::size_t from, std::size_t key) {
    static constexpr std::size_t bytes_max = 8;
    for (std::size_t at = key; at + bytes_max > key; --at) {
        if (at < text.size() && text[at] == '\x1b') return at;
        if (at == from || at == 0) break;
    }
    return npos;
}

}  // namespace

// Every byte is looked at a few times at most: a key is walked back over only to the equals sign of
// the one before it.
ColouredKey next_coloured_key(std::string_view text, std::size_t from) {
    std::size_t walked = from;
    for (std::size_t end = find_text(text, "m=", from); end != npos;
         end = find_text(text, "m=", end + 1)) {
        const std::size_t escape = reset_begin(text, end);
        if (escape == npos || escape < from) continue;
        std::size_t key = escape;
        while (key > walked && key_characters.has(text[key - 1])) --key;
        walked = end + 2;
        std::size_t begin = key;
        const std::size_t colour = colour_begin(text, from, key);
        if (colour != npos && colour < escape && text[colour + 1] == '[') {
            const std::size_t code_end = text.find('m', colour);
            if (code_end < escape) {
                key = code_end + 1;
                begin = colour;
            }
        }
        if (key == escape || begin == 0 || begin - 1 < from || text[begin - 1] != ' ') continue;
        return {begin - 1, walked, text.substr(key, escape - key)};
    }
    return {};
}

}  // namespace runnerwatch
