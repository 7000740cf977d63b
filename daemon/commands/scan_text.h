#pragma once

#include "daemon/commands/scan_report.h"
#include "daemon/commands/text_blocks.h"

#include <string>
#include <string_view>

namespace runnerwatch {

// One finding: what, how often, where, why, and what to do (`fix`, from scan_fix()). `ended` when
// the input has been read to its end, so that it can be said whether the trouble is over.
std::string scan_block(const Finding& finding, const ScanReport& report, std::string_view fix,
                       bool ended, const TextStyle& style);

// The fix of the most likely cause, with its steps; and its title alone, for a finding whose steps
// have been printed already. Empty when there is none.
std::string scan_fix(const Finding& finding, const TextStyle& style);
std::string scan_fix_again(const Finding& finding, const TextStyle& style);

// One finding in one line.
std::string scan_line(const Finding& finding, const ScanReport& report, const TextStyle& style);

// "seen 4 times, last 2026-11-23 20:19:04 UTC (line 25)"
std::string scan_count(const Finding& finding);

}  // namespace runnerwatch
