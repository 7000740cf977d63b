#pragma once

#include "parsers/timestamp.h"

#include <optional>
#include <string_view>

namespace runnerwatch {

// What collectors put in front of a line. Views point into the line.
struct PrefixedLine {
    std::optional<Timestamp> time;  // the log API's, journald's ISO or the CRI file's time
    std::string_view pod;           // of "[pod/NAME/CONTAINER] ", compose's service name, or empty
    std::string_view container;     // of "[pod/NAME/CONTAINER] ", or empty
    std::string_view text;          // what the program itself wrote
};

// Takes off, in any sensible nesting: `kubectl logs --prefix` ("[pod/NAME/CONTAINER] "), the log
// API's time ("TIME "), a CRI file's head ("TIME stdout F "), docker compose ("name-1  | "),
// journald and syslog ("Nov 24 03:12:00 host prog[12]: ", "2026-11-24T03:12:00+0000 host
// prog[12]: "). A classic syslog time has no year and gives no time. What is not surely a prefix
// stays in `text`: a line of the runner is never shortened.
PrefixedLine split_prefix(std::string_view line);

}  // namespace runnerwatch
