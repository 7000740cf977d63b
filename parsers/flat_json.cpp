#include "parsers/flat_json.h"

#include "parsers/logfmt.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {
namespace {

void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

// Reads the "XXXX" of a \u escape, and that of its second half where it is the first of a pair.
bool read_unicode(std::string_view& text, std::string& value) {
    long code = read_hex(text, 4);
    if (code < 0) return false;
    text.remove_prefix(4);
    if (code >= 0xd800 && code <= 0xdbff && text.starts_with("\\u")) {
        const long low = read_hex(text.substr(2), 4);
        if (low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            text.remove_prefix(6);
        }
    }
    append_utf8(value, static_cast<unsigned int>(code));
    return true;
}

// Behind the opening quote. Control characters are let through: what is a usable line to people
// is one to us.
bool read_string(std::string_view& text, std::string& value) {
    static constexpr std::string_view letters = "bfnrt\\\"/";
    static constexpr std::string_view meanings = "\b\f\n\r\t\\\"/";
    for (;;) {
        const std::size_t next = text.find_first_of("\"\\");
        if (next == std::string_view::npos) {
            value += text;
            return false;
        }
        value += text.substr(0, next);
        const bool end = text[next] == '"';
        text.remove_prefix(next + 1);
        if (end) return true;
        if (text.empty()) return false;
        const char letter = text.front();
        text.remove_prefix(1);
        const std::size_t known = letters.find(letter);
        if (known != std::string_view::npos)
            value += meanings[known];
        else if (letter != 'u' || !read_unicode(text, value))
            return false;
    }
}

// An object or array: up to its closing bracket, strings in it skipped.
bool read_nested(std::string_view& text, std::string& value) {
    std::size_t depth = 0, at = 0;
    bool in_string = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\') ++at;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) break;
        }
    }
    if (at >= text.size()) return false;
    value = text.substr(0, at + 1);
    text.remove_prefix(at + 1);
    return true;
}

bool read_value(std::string_view& text, JsonMember& member) {
    if (take(text, '"')) {
        member.string = true;
        return read_string(text, member.value);
    }
    if (text.starts_with('{') || text.starts_with('[')) return read_nested(text, member.value);
    const std::size_t length = std::min(text.find_first_of(",} \t\r\n"), text.size());
    member.value = text.substr(0, length);
    text.remove_prefix(length);
    return length > 0 &&
           member.value.find_first_not_of("0123456789+-.eEaflnrstu") == std::string::npos;
}

// `"key": value`. What was read of a member that was cut stays in it.
bool read_member(std::string_view& text, JsonMember& member) {
    skip_blanks(text);
    if (!take(text, '"') || !read_string(text, member.key)) return false;
    skip_blanks(text);
    if (!take(text, ':')) return false;
    skip_blanks(text);
    return read_value(text, member);
}

}  // namespace

bool read_flat_json(std::string_view text, std::vector<JsonMember>& members) {
    members.clear();
    if (!take(text, '{')) return false;
    skip_blanks(text);
    if (!text.starts_with('}')) {
        do {
            JsonMember member;
            if (!read_member(text, member)) return false;
            skip_blanks(text);
            members.push_back(std::move(member));
        } while (take(text, ','));
    }
    if (!take(text, '}')) return false;
    skip_blanks(text);
    return text.empty();
}

void read_cut_json(std::string_view text, std::vector<JsonMember>& members) {
    members.clear();
    take(text, '{');
    for (;;) {
        JsonMember member;
        const bool whole = read_member(text, member);
        // A number may have lost its last digits; of a text the beginning is worth having.
        if (!whole && !(member.string && !member.value.empty())) return;
        members.push_back(std::move(member));
        if (!whole) return;
        skip_blanks(text);
        if (!take(text, ',')) return;
    }
}

std::size_t find_json_member(std::string_view text) {
    constexpr auto npos = std::string_view::npos;
    for (std::size_t comma = text.find(",\""); comma != npos; comma = text.find(",\"", comma + 1)) {
        const std::size_t end = text.find_first_of("\"\\ =:", comma + 2);
        if (end == npos) return npos;
        if (end > comma + 2 && text.substr(end).starts_with("\":")) return comma + 1;
    }
    return npos;
}

}  // namespace runnerwatch
