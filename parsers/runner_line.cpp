#include "parsers/runner_line.h"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether eight bytes are digits, points, colons or slashes: what a time is made of.
bool is_of_time(const char* at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    constexpr std::uint64_t each = 0x0101010101010101u, high = 0x80 * each;
    const std::uint64_t not_below = (bytes | high) - '.' * each;
    const std::uint64_t not_above = (high + ':' * each) - bytes;
    return (bytes & high) == 0 && (not_below & not_above & high) == high;
}

// Whether the first line is long enough for a time: without_log_time() looks no further.
bool is_long_enough(std::string_view text) {
    constexpr std::size_t bytes = 41;
    if (text.size() <= bytes) return false;
#if defined(__SSE2__)
    const __m128i newline = _mm_set1_epi8('\n');
    const auto is_newline = [&](std::size_t at) {
        return _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&text[at])),
                              newline);
    };
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is_newline(0), is_newline(16)),
                                          is_newline(bytes - 16))) == 0;
#else
    return text.substr(0, bytes).find('\n') == npos;
#endif
}

// What a text from `at` to `end` holds before its first newline.
struct Walk {
    const char* at;   // on return: the newline, or what was looked for
    const char* end;  // a newline stands before it
};

// To the first escape or newline.
void to_escape(Walk& walk) {
#if defined(__SSE2__)
    const __m128i escape = _mm_set1_epi8('\x1b'), newline = _mm_set1_epi8('\n');
    for (; walk.end - walk.at >= 16; walk.at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(walk.at));
        const auto found = static_cast<unsigned>(_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, escape), _mm_cmpeq_epi8(bytes, newline))));
        if (found == 0) continue;
        walk.at += __builtin_ctz(found);
        return;
    }
#endif
    while (*walk.at != '\x1b' && *walk.at != '\n') ++walk.at;
}

// To the newline; whether a quote or a colon and a blank stand before it.
bool quotes_before_newline(Walk& walk) {
    bool any = false;
#if defined(__SSE2__)
    const __m128i newline = _mm_set1_epi8('\n'), quote = _mm_set1_epi8('"');
    const __m128i colon = _mm_set1_epi8(':'), blank = _mm_set1_epi8(' ');
    for (; walk.end - walk.at >= 17; walk.at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(walk.at));
        const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(walk.at + 1));
        const __m128i level =
            _mm_and_si128(_mm_cmpeq_epi8(bytes, colon), _mm_cmpeq_epi8(next, blank));
        const auto odd = static_cast<unsigned>(
            _mm_movemask_epi8(_mm_or_si128(level, _mm_cmpeq_epi8(bytes, quote))));
        const auto ends = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, newline)));
        // Of what stands before the newline.
        any = any || (odd & (ends - 1) & ~ends) != 0;
        if (ends == 0) continue;
        walk.at += __builtin_ctz(ends);
        return any;
    }
#endif
    for (; *walk.at != '\n'; ++walk.at)
        any = any || *walk.at == '"' || (*walk.at == ':' && walk.at[1] == ' ');
    return any;
}

}  // namespace

std::string_view without_log_time(std::string_view line) {
    // "2026-11-23T18:42:52.000917490Z "
    if (line.size() <= 40 || line[4] != '-' || line[10] != 'T' || line[13] != ':') return line;
    // Nearly all have nine digits.
    if (line[29] == 'Z' && line[30] == ' ' && is_of_time(line.data() + 14) &&
        is_of_time(line.data() + 21))
        return line.substr(31);
    std::size_t end = 14;
    while (end < 36 && (line[end] == ':' || line[end] == '.' || is_digit(line[end]))) ++end;
    return line[end] == 'Z' && line[end + 1] == ' ' ? line.substr(end + 2) : std::string_view();
}

std::optional<std::string_view> runner_head(std::string_view line) {
    line = without_log_time(line);
    const std::size_t end = line.find(runner_reset);
    if (end == npos) return std::nullopt;
    // Information can be taken for the prefix of something else behind it; that has quotes or a
    // level in its text.
    const std::string_view fields = line.substr(end + runner_reset.size());
    if (line.front() != '\x1b' && (fields.find('"') != npos || fields.find(": ") != npos))
        return std::nullopt;
    return line.substr(0, end + runner_reset.size());
}

FirstLine first_line(std::string_view text) {
    const char* const begin = text.data();
    Walk walk{begin, begin + text.size()};
    const char* message = begin;
    if (is_long_enough(text)) {
        const std::string_view rest = without_log_time({begin, text.size()});
        message = rest.empty() ? nullptr : rest.data();
    }
    const char* reset = nullptr;
    if (message != nullptr) {
        walk.at = message;
        for (to_escape(walk); *walk.at != '\n'; ++walk.at, to_escape(walk)) {
            if (static_cast<std::size_t>(walk.end - walk.at) < runner_reset.size() ||
                std::memcmp(walk.at, runner_reset.data(), runner_reset.size()) != 0)
                continue;
            reset = walk.at;
            walk.at += runner_reset.size();
            break;
        }
    }
    const bool quotes = quotes_before_newline(walk);
    const auto length = static_cast<std::size_t>(walk.at - begin);
    FirstLine first{text.substr(0, length), {}, length + 1};
    if (first.line.ends_with('\r')) {
        first.line.remove_suffix(1);
        first.head = runner_head(first.line).value_or(std::string_view());
    } else if (reset != nullptr && (*message == '\x1b' || !quotes)) {
        first.head = {message, static_cast<std::size_t>(reset - message) + runner_reset.size()};
    }
    return first;
}

}  // namespace runnerwatch
