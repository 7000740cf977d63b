#pragma once

#include "parsers/rule.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// How commands write for people: labelled rows, wrapped texts, colours on a terminal.
namespace runnerwatch {

struct TextStyle {
    bool colour = false;
    std::size_t width = 100;  // in characters
};

// Of the terminal that standard output is; 100 when it is none.
std::size_t terminal_width();

constexpr std::size_t label_width = 12;

std::size_t character_count(std::string_view text);  // of UTF-8

// `text` in a colour ("1;31"), if the style has colours.
std::string painted(std::string_view text, std::string_view code, const TextStyle& style);

// The severity as people read it first: "ERROR".
std::string badge(Severity severity, const TextStyle& style);

// "  label       text", wrapped behind the label.
std::string row(std::string_view label, std::string_view text, const TextStyle& style);

// "1 line", "26 lines"
std::string counted(std::uint64_t count, std::string_view noun);

// `text` in lines of at most `width` characters; lines after the first begin with `indent` blanks.
// Words longer than a line stay whole.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width);

// Commands stand on lines of their own, unwrapped: they are to be pasted. One of several lines
// begins at the margin, or the end of its here-document would not be recognised.
std::string command_lines(std::string_view command, const TextStyle& style);

}  // namespace runnerwatch
