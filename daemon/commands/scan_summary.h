#pragma once

#include "alerts/unclassified.h"
#include "daemon/commands/scan_histogram.h"
#include "daemon/commands/text_blocks.h"
#include "parsers/rule.h"

#include <cstdint>
#include <map>
#include <string>

namespace runnerwatch {

// What a whole scan came to, whatever the number of files.
struct ScanSummary {
    std::uint64_t files = 0, lines = 0;
    std::map<std::string, std::uint64_t> detections;  // by catalogue id, or rule id where none is
    TimeHistogram when;                               // of the detections
    UnclassifiedBook unclassified;                    // filled only where that was asked for
};

// In labelled rows: what was read, what was found by rule and over time, and what no rule knows.
std::string scan_summary(const ScanSummary& summary, const TextStyle& style);

}  // namespace runnerwatch
