#include "parsers/prefix_words.h"

#include <algorithm>

namespace runnerwatch {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

// apimachinery util/rand: no vowels, no digit that looks like one.
bool is_drawn(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string_view::npos;
}

}  // namespace

bool take(std::string_view& text, std::string_view literal) {
    if (!text.starts_with(literal)) return false;
    text.remove_prefix(literal.size());
    return true;
}

bool take_blank(std::string_view& text) { return text.empty() || take(text, " "); }

bool take_colour(std::string_view& text) {
    if (!text.starts_with("\x1b[")) return false;
    const std::size_t end = text.find_first_not_of("0123456789;", 2);
    if (end == std::string_view::npos || text[end] != 'm') return false;
    text.remove_prefix(end + 1);
    return true;
}

std::string_view take_name(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_name);
    const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(name.size());
    return name;
}

bool take_digits(std::string_view& text, std::size_t most) {
    std::size_t count = 0;
    while (count < text.size() && count <= most && is_digit(text[count])) ++count;
    if (count == 0 || count > most) return false;
    text.remove_prefix(count);
    return true;
}

bool has_generated_ending(std::string_view pod) {
    const std::size_t last = pod.rfind('-');
    if (last == std::string_view::npos || last == 0) return false;
    const std::string_view ending = pod.substr(last + 1);
    if (ending.size() != 5 || !is_drawn(ending)) return false;
    const std::size_t hash_at = pod.rfind('-', last - 1);
    const std::string_view hash =
        hash_at == std::string_view::npos ? "" : pod.substr(hash_at + 1, last - hash_at - 1);
    if (hash_at > 0 && hash.size() >= 6 && hash.size() <= 10 && is_drawn(hash)) return true;
    // Alone, five digits are a job's number sooner than an ending.
    return ending.find_first_not_of("0123456789") != std::string_view::npos;
}

}  // namespace runnerwatch
