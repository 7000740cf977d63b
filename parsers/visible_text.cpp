#include "parsers/visible_text.h"

#include <array>
#include <cstdint>
#include <cstdio>

namespace runnerwatch {
namespace {

struct Range {
    std::uint32_t first, last;
};

// Characters that change how others look or cannot be seen: C1 controls, bidirectional marks
// ("Trojan source"), zero-width ones, fillers, separators, interlinear and tag characters.
constexpr Range invisible[] = {
    {0x80, 0x9f},     {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
    {0x3164, 0x3164}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

bool is_invisible(std::uint32_t character) {
    for (const auto& [first, last] : invisible)
        if (character >= first && character <= last) return true;
    return false;
}

struct Decoded {
    std::uint32_t character;
    std::size_t length;
    bool valid;
};

// One UTF-8 character; for invalid bytes the length of the part that could have begun one, as
// Unicode recommends for replacement.
Decoded decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1, true};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) return {0, 1, false};
    std::uint32_t character = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (i >= text.size()) return {0, i, false};
        // The second byte excludes overlong forms, surrogates and what is past U+10FFFF.
        unsigned char low = 0x80, high = 0xbf;
        if (i == 1 && first == 0xe0) low = 0xa0;
        if (i == 1 && first == 0xed) high = 0x9f;
        if (i == 1 && first == 0xf0) low = 0x90;
        if (i == 1 && first == 0xf4) high = 0x8f;
        if (byte(i) < low || byte(i) > high) return {0, i, false};
        character = character << 6 | (byte(i) & 0x3fu);
    }
    return {character, length, true};
}

// U+2400…: pictures of the control characters.
void append_picture(std::string& out, std::uint32_t control) {
    out += "\xe2\x90";
    out += static_cast<char>(control == 0x7f ? 0xa1 : 0x80 + control);
}

}  // namespace

std::string visible_text(std::string_view text, Newlines newlines) {
    std::string out;
    out.reserve(text.size() + 16);
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode(text.substr(at));
        if (!next.valid) {
            out += "\ufffd";
        } else if (next.character == '\t' ||
                   (next.character == '\n' && newlines == Newlines::keep)) {
            out += text[at];
        } else if (next.character < 0x20 || next.character == 0x7f) {
            append_picture(out, next.character);
        } else if (is_invisible(next.character)) {
            std::array<char, 16> code{};
            std::snprintf(code.data(), code.size(), "U+%04X", next.character);
            out += "\u2039";
            out += code.data();
            out += "\u203a";
        } else {
            out += text.substr(at, next.length);
        }
        at += next.length;
    }
    return out;
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string(text);
    static constexpr std::string_view ellipsis = "\u2026";
    const bool room = bytes_max >= ellipsis.size();
    std::size_t end = room ? bytes_max - ellipsis.size() : bytes_max;
    // Not inside a character: back over its continuation bytes, at most three.
    const auto continues = [&](std::size_t i) {
        return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
    };
    for (int back = 0; back < 3 && end > 0 && continues(end); ++back) --end;
    std::string cut(text.substr(0, end));
    if (room) cut += ellipsis;
    return cut;
}

}  // namespace runnerwatch
