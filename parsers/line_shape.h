#pragma once

#include "parsers/record.h"

#include <cstddef>
#include <string_view>

namespace runnerwatch {

// What a physical line shows by itself, before anything is known of its neighbours.
struct LineShape {
    Format format = Format::plain;
    Level level = Level::none;
    bool begins = false;      // can only be the first line of a record
    bool panics = false;      // the first words of a crash of the Go runtime
    bool complete = true;     // a head that begins here ends here
    bool reset = false;       // holds the reset that ends a message
    bool raw = false;         // of no format: may continue what stands before it
    bool stays_open = false;  // raw lines behind this head can belong to its record
    // Bytes before the record that no known collector writes, in front of a start that can be
    // nothing else: "myapp: {"level":…". Records of several lines cannot be told apart behind such.
    std::size_t foreign_prefix = 0;
};
LineShape shape_of_line(std::string_view line);

// The blanks before the "{" of a JSON object over several lines, whose first line holds only that;
// npos: `line` does not begin one. The object ends at "}" behind as many blanks.
std::size_t object_indent(std::string_view line);

// The level of the klog letter that a head begins with.
Level level_of_klog(char letter);

// Of "panic: …", "fatal error: …" and "SIGABRT: …"; none for anything else.
Level level_of_crash(std::string_view line);

// The start of a record in the runner's own format: colour code and level.
struct RunnerStart {
    Level level = Level::none;
    bool coloured = false;
    std::size_t length = 0;  // 0: neither is there
};
RunnerStart runner_start(std::string_view line);

// The start of logrus' terminal form, "WARN[0031] ", coloured or not.
struct TerminalStart {
    Level level = Level::none;
    std::size_t length = 0;  // 0: it is none
};
TerminalStart terminal_start(std::string_view line);

// The length of a klog head, "I1123 20:32:07.024098      35 reflector.go:1261] "; 0: it is none.
std::size_t klog_head_length(std::string_view line);

// The reset that ends a message, its ESC (or what became of it) included.
struct Span {
    std::size_t begin = std::string_view::npos;
    std::size_t end = std::string_view::npos;
    explicit operator bool() const { return begin != std::string_view::npos; }
};
Span find_reset(std::string_view text, bool coloured);

// Where fields begin in a text that lost its colour codes: the first blank of "  key=value".
std::size_t find_bare_fields(std::string_view text);

// Characters of a field's key: all of them, and its first.
bool is_key_character(char c);
bool is_key_start(char c);

}  // namespace runnerwatch
