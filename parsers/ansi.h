#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// Text without ANSI escape sequences (CSI, OSC and two-byte ones).
std::string strip_ansi(std::string_view text);

// ESC, and what is written for it: by rsyslog, by `cat -v`, by languages and viewers.
inline constexpr std::string_view escape_forms[] = {
    "\x1b", "#033", "^[", "\\x1b", "\\x1B", "\\u001b", "\\u001B", "\\033", "\\e", "\u241b"};

// Undoes what collectors make of the runner's colour codes: each of `escape_forms` and "[0;33m"
// with the ESC byte lost become real escapes again, and
// rsyslog's "#011" and "#012" a tab and a newline. Returns false, leaving `restored` alone, when
// there is nothing to undo: the usual case.
bool restore_escapes(std::string_view text, std::string& restored);

}  // namespace runnerwatch
