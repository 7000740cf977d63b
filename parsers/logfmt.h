#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace runnerwatch {

// Undoes the quotes of Go's %q at the start of `text`: sets `value` and returns the length of the
// quoted text, both quotes included; 0 when it does not begin with a quote. Without a closing
// quote the value is the rest.
std::size_t read_go_quoted(std::string_view text, std::string& value);

// Takes the next `key=value` or `key="quoted value"` off `text`, blanks before it too. False, with
// `text` left at what is no pair, when there is none.
bool read_logfmt_pair(std::string_view& text, std::string& key, std::string& value);

// Appends a character as UTF-8; what is no character becomes U+FFFD.
void append_utf8(std::string& out, unsigned int character);

// Reads `digits` hexadecimal digits at the start of `text`; -1 when there are not that many.
long read_hex(std::string_view text, std::size_t digits);

}  // namespace runnerwatch
