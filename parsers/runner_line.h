#pragma once

#include <cstddef>
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

// The first line of a text.
struct FirstLine {
    std::string_view line;  // without its end, "\n" or "\r\n"
    std::string_view head;  // its runner_head(); empty: it has none
    std::size_t end = 0;    // of the line in the text, its newline included
};
// `text` must hold a newline. As fast as memory is read.
FirstLine first_line(std::string_view text);

}  // namespace runnerwatch
