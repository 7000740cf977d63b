#include "parsers/logfmt.h"

#include <algorithm>

namespace runnerwatch {
namespace {

// Undoes the escape behind a backslash at the start of `text`; returns its length.
std::size_t unescape(std::string_view text, std::string& value) {
    static constexpr std::string_view letters = "abfnrtv\\\"'";
    static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\\"'";
    const std::size_t letter = letters.find(text.front());
    if (letter != std::string_view::npos) {
        value += meanings[letter];
        return 1;
    }
    const std::size_t digits = text.front() == 'x'   ? 2
                               : text.front() == 'u' ? 4
                               : text.front() == 'U' ? 8
                                                     : 0;
    const long code = digits == 0 ? -1 : read_hex(text.substr(1), digits);
    if (code < 0) {
        value += '\\';
        return 0;
    }
    if (digits == 2)
        value += static_cast<char>(code);  // %q writes the bytes of invalid UTF-8 this way
    else
        append_utf8(value, static_cast<unsigned int>(code));
    return 1 + digits;
}

}  // namespace

long read_hex(std::string_view text, std::size_t digits) {
    if (text.size() < digits) return -1;
    long value = 0;
    for (const char c : text.substr(0, digits)) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

void append_utf8(std::string& out, unsigned int character) {
    const auto byte = [&](unsigned int bits) { out += static_cast<char>(bits); };
    const auto continuation = [&](int shift) { byte(0x80 | (character >> shift & 0x3f)); };
    if (character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff)) character = 0xfffd;
    if (character < 0x80) return byte(character);
    if (character < 0x800) {
        byte(0xc0 | character >> 6);
    } else if (character < 0x10000) {
        byte(0xe0 | character >> 12);
        continuation(6);
    } else {
        byte(0xf0 | character >> 18);
        continuation(12);
        continuation(6);
    }
    continuation(0);
}

std::size_t read_go_quoted(std::string_view text, std::string& value) {
    value.clear();
    if (!text.starts_with('"')) return 0;
    std::size_t at = 1;
    while (at < text.size()) {
        const std::size_t next = std::min(text.find_first_of("\"\\", at), text.size());
        value += text.substr(at, next - at);
        if (next == text.size()) break;
        at = next + 1;
        if (text[next] == '"') return at;
        if (at < text.size()) at += unescape(text.substr(at), value);
    }
    return text.size();
}

bool read_logfmt_pair(std::string_view& text, std::string& key, std::string& value) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::size_t key_end = text.find_first_of("= \"");
    if (key_end == 0 || key_end == std::string_view::npos || text[key_end] != '=') return false;
    key = text.substr(0, key_end);
    text.remove_prefix(key_end + 1);
    std::size_t length = read_go_quoted(text, value);
    if (length == 0) {
        length = std::min(text.find(' '), text.size());
        value = text.substr(0, length);
    }
    text.remove_prefix(length);
    return true;
}

}  // namespace runnerwatch
