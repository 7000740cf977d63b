#pragma once

#include "parsers/timestamp.h"

#include <optional>
#include <string_view>

namespace runnerwatch {

// What collectors put in front of a line. Views point into the line.
struct PrefixedLine {
    std::optional<Timestamp> time;  // the log API's, journald's or the CRI file's time
    std::string_view pod;           // of "[pod/NAME/CONTAINER] ", stern, compose; or empty
    std::string_view container;     // of "[pod/NAME/CONTAINER] " and stern, or empty
    std::string_view text;          // what the program itself wrote
    bool partial = false;           // a CRI file's "P": the next line goes on with this one
};

// Takes off, in any sensible nesting:
// - `kubectl logs --prefix` ("[pod/NAME/CONTAINER] ") and stern ("[NAMESPACE ]POD CONTAINER ",
//   coloured or not);
// - the log API's and `docker logs -t`'s time ("TIME "), a CRI file's head ("TIME stdout F ");
// - docker compose ("name-1  | ", coloured or not);
// - syslog and journald: "Nov 24 03:12:00[.123456] host prog[12]: ", "2026-11-24T03:12:00+0000 host
//   prog[12]: ", "Tue 2026-11-24 03:12:00 UTC host prog[12]: ", RFC 5424, a "<14>" before any of
//   them or alone;
// - grep's file name and line number ("runner.log:12:", "12:").
// A classic syslog time has no year and gives no time; nor does a time in a named zone but UTC.
// What is not surely a prefix stays in `text`: a line of the runner is never shortened.
PrefixedLine split_prefix(std::string_view line);

// Whether a text begins with two plain words, as no prefix does. The quick way to know that
// split_prefix would take nothing off.
bool begins_as_sentence(std::string_view text);

}  // namespace runnerwatch
