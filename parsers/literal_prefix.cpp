#include "parsers/literal_prefix.h"

#include "parsers/byte_set.h"

#include <cstddef>

namespace runnerwatch {
namespace {

// Whether the pattern is a choice as a whole: where it begins says nothing then.
bool is_choice(std::string_view pattern) {
    int depth = 0;
    bool in_class = false;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        if (c == '\\' && pattern.substr(at + 1, 1) == "Q") return true;  // said by no one: given up
        if (c == '\\') {
            ++at;
        } else if (in_class) {
            in_class = c != ']';
        } else if (c == '[') {
            in_class = true;
            if (pattern.substr(at + 1, 1) == "^") ++at;
            if (pattern.substr(at + 1, 1) == "]") ++at;  // first in a class it is one of it
        } else if (c == '(' || c == ')') {
            depth += c == '(' ? 1 : -1;
        } else if (c == '|' && depth == 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string literal_prefix(std::string_view pattern) {
    static constexpr ByteSet special(".[]()*+?{}|^$\\");
    std::string prefix;
    if (is_choice(pattern)) return prefix;
    if (pattern.starts_with('^')) pattern.remove_prefix(1);
    while (!pattern.empty()) {
        std::size_t size = 1;
        char c = pattern.front();
        if (c == '\\' && pattern.size() > 1 && special.has(pattern[1])) {
            c = pattern[1];
            size = 2;
        } else if (special.has(c) || static_cast<unsigned char>(c) >= 0x80) {
            break;
        }
        const char next = size < pattern.size() ? pattern[size] : ' ';
        if (next == '*' || next == '?' || next == '{') break;
        prefix += c;
        if (next == '+') break;
        pattern.remove_prefix(size);
    }
    return prefix;
}

}  // namespace runnerwatch
