#pragma once

#include "daemon/commands/scan_report.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace runnerwatch {

// How findings are written for people.
struct ScanStyle {
    bool colour = false;
    std::size_t width = 100;
};

// One finding: what, how often, where, why, and what to do (`fix`, from scan_fix()). `ended` when
// the input has been read to its end, so that it can be said whether the trouble is over.
std::string scan_block(const Finding& finding, const ScanReport& report, std::string_view fix,
                       bool ended, const ScanStyle& style);

// The fix of the most likely cause, with its steps; and its title alone, for a finding whose steps
// have been printed already. Empty when there is none.
std::string scan_fix(const Finding& finding, const ScanStyle& style);
std::string scan_fix_again(const Finding& finding, const ScanStyle& style);

// One finding in one line.
std::string scan_line(const Finding& finding, const ScanReport& report, const ScanStyle& style);

// "seen 4 times, last 2026-11-23 20:19:04 UTC (line 25)"
std::string scan_count(const Finding& finding);

// "1 line", "26 lines"
std::string counted(std::uint64_t count, std::string_view noun);

// `text` in lines of at most `width` characters; lines after the first begin with `indent` blanks.
// Words longer than a line stay whole.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width);

}  // namespace runnerwatch
