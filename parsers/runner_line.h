#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

// Lines in the runner's own format, told by a few bytes and without decoding them (runner v19.4
// helpers/runner_formatter.go): time of the log API, colour and level, message, reset, fields.
namespace runnerwatch {

// The reset that ends a message of the runner, and the blank behind it.
inline constexpr std::string_view runner_reset = "\x1b[0;m ";

// The line without the time before it as the log API writes it, if it has one; empty: it has
// something like it.
std::string_view without_log_time(std::string_view line);

// The beginning of a line in the runner's own format as the log API hands it over, its time (if it
// has one) left out: all that its shape, level and message are made from. Much faster than a
// message_key, and good for nothing but to recognise a line whose like was looked at before.
// Nothing where the line may be anything else.
std::optional<std::string_view> runner_head(std::string_view line);

// Where the message begins of a line with such a time of nine digits before it, as nearly all have;
// else where the line begins. May look at the 41 bytes from `line` on, be they its own or not.
inline const char* behind_log_time(const char* line) {
    constexpr std::uint64_t each = 0x0101010101010101u, high = 0x80 * each;
    // Whether eight bytes are all of `least` to `most`.
    const auto all_of = [](const char* at, std::uint64_t least, std::uint64_t most) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, at, sizeof bytes);
        const std::uint64_t not_below = (bytes | high) - least * each;
        const std::uint64_t not_above = (high + most * each) - bytes;
        return (bytes & high) == 0 && (not_below & not_above & high) == high;
    };
    const bool has_time = line[4] == '-' && line[10] == 'T' && line[13] == ':' && line[29] == 'Z' &&
                          line[30] == ' ' && all_of(line + 14, '.', ':') &&
                          all_of(line + 21, '.', ':') && all_of(line, '-', 'T') &&
                          all_of(line + 6, '-', 'T');
    return has_time ? line + 31 : line;
}

// Whether a quote, or a colon and a blank, stand in the fields of a line of information: then it
// may be the prefix of something else.
using HoldsQuotes = bool(std::string_view fields);
HoldsQuotes holds_quotes_by_bytes;
HoldsQuotes holds_quotes_by_vectors;  // only on a processor with AVX2
extern HoldsQuotes& holds_quotes;     // the fastest

// The same of a line that goes on at `at`, and where it ends. There is a newline before `end`.
struct LineEnd {
    const char* newline;
    bool quotes;
};
using FindLineEnd = LineEnd(const char* at, const char* end);
FindLineEnd find_line_end_by_bytes;
FindLineEnd find_line_end_by_vectors;  // only on a processor with AVX2
extern FindLineEnd& find_line_end;     // the fastest

}  // namespace runnerwatch
