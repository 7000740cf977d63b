#include "parsers/runner_line.h"

#include "parsers/processor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string_view without_log_time(std::string_view line) {
    // "2026-11-23T18:42:52.000917490Z "
    if (line.size() <= 40 || line[4] != '-' || line[10] != 'T' || line[13] != ':') return line;
    // Nearly all have nine digits.
    if (const char* behind = behind_log_time(line.data()); behind != line.data())
        return line.substr(static_cast<std::size_t>(behind - line.data()));
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
    if (line.front() != '\x1b' && holds_quotes(fields)) return std::nullopt;
    return line.substr(0, end + runner_reset.size());
}

bool holds_quotes_by_bytes(std::string_view fields) {
    return fields.find('"') != npos || fields.find(": ") != npos;
}

LineEnd find_line_end_by_bytes(const char* at, const char*) {
    bool quotes = false;
    for (; *at != '\n'; ++at) quotes = quotes || *at == '"' || (*at == ':' && at[1] == ' ');
    return {at, quotes};
}

#if defined(__x86_64__)

#define BLOCK_AT(from) _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))
#define MASK_OF(bytes) static_cast<unsigned>(_mm256_movemask_epi8(bytes))

__attribute__((target("avx2"))) LineEnd find_line_end_by_vectors(const char* at, const char* end) {
    const __m256i newline = _mm256_set1_epi8('\n'), quote = _mm256_set1_epi8('"');
    const __m256i colon = _mm256_set1_epi8(':'), blank = _mm256_set1_epi8(' ');
    bool quotes = false;
    for (; end - at >= 33; at += 32) {
        const __m256i bytes = BLOCK_AT(at);
        const __m256i level = _mm256_and_si256(_mm256_cmpeq_epi8(bytes, colon),
                                               _mm256_cmpeq_epi8(BLOCK_AT(at + 1), blank));
        const __m256i odd = _mm256_or_si256(level, _mm256_cmpeq_epi8(bytes, quote));
        const __m256i newlines = _mm256_cmpeq_epi8(bytes, newline);
        if (MASK_OF(_mm256_or_si256(odd, newlines)) == 0) continue;
        const unsigned ends = MASK_OF(newlines);
        // Of what stands before the newline.
        quotes = quotes || (MASK_OF(odd) & (ends - 1) & ~ends) != 0;
        if (ends != 0) return {at + __builtin_ctz(ends), quotes};
    }
    const LineEnd rest = find_line_end_by_bytes(at, end);
    return {rest.newline, rest.quotes || quotes};
}

__attribute__((target("avx2"))) bool holds_quotes_by_vectors(std::string_view fields) {
    constexpr std::size_t block = 33;  // places, and one behind the last
    if (fields.size() < block) return holds_quotes_by_bytes(fields);
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i colon = _mm256_set1_epi8(':'), blank = _mm256_set1_epi8(' ');
    const char* const last = fields.data() + fields.size() - block;
    for (const char* at = fields.data();; at += block - 1) {
        if (at > last) at = last;
        const __m256i bytes = BLOCK_AT(at);
        const __m256i level = _mm256_and_si256(_mm256_cmpeq_epi8(bytes, colon),
                                               _mm256_cmpeq_epi8(BLOCK_AT(at + 1), blank));
        if (MASK_OF(_mm256_or_si256(level, _mm256_cmpeq_epi8(bytes, quote))) != 0) return true;
        if (at == last) return fields.back() == '"';
    }
}

#undef BLOCK_AT
#undef MASK_OF

namespace {

FindLineEnd& fastest() { return has_avx2() ? find_line_end_by_vectors : find_line_end_by_bytes; }
HoldsQuotes& fastest_quotes() {
    return has_avx2() ? holds_quotes_by_vectors : holds_quotes_by_bytes;
}

}  // namespace

FindLineEnd& find_line_end = fastest();
HoldsQuotes& holds_quotes = fastest_quotes();

#else

LineEnd find_line_end_by_vectors(const char* at, const char* end) {
    return find_line_end_by_bytes(at, end);
}
FindLineEnd& find_line_end = find_line_end_by_bytes;
bool holds_quotes_by_vectors(std::string_view fields) { return holds_quotes_by_bytes(fields); }
HoldsQuotes& holds_quotes = holds_quotes_by_bytes;

#endif

}  // namespace runnerwatch
