#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// Text without ANSI escape sequences (CSI, OSC and two-byte ones).
std::string strip_ansi(std::string_view text);

// Undoes what collectors make of the runner's colour codes: "#033[0;33m" (rsyslog), "^[[0;33m"
// (cat -v, some viewers) and "[0;33m" with the ESC byte lost become real escapes again, and
// rsyslog's "#011" and "#012" a tab and a newline. Returns false, leaving `restored` alone, when
// there is nothing to undo: the usual case.
bool restore_escapes(std::string_view text, std::string& restored);

}  // namespace runnerwatch
