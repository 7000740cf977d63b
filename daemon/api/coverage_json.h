#pragma once

#include "storage/coverage.h"

#include <nlohmann/json_fwd.hpp>

namespace runnerwatch {

// What is covered, as the HTTP API and the command show it.
nlohmann::ordered_json coverage_to_json(const CoverageReport& report);

}  // namespace runnerwatch
