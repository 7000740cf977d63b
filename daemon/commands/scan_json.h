#pragma once

#include "daemon/commands/scan_report.h"

#include <string>

namespace runnerwatch {

// One detection as one line of JSON, newline included. Its keys are relied on by scripts.
std::string scan_json(const ScanHit& hit);

}  // namespace runnerwatch
