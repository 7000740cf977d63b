#pragma once

#include "storage/store.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace runnerwatch {

// Incidents as the HTTP API shows them. Log text is redacted already; JSON escapes the rest.
nlohmann::json incident_to_json(const IncidentRow& incident);
nlohmann::json incident_to_json(const IncidentDetail& detail);

// RFC 9457: {"type","title","status","detail"}.
std::string problem_json(int status, const std::string& title, const std::string& detail);

}  // namespace runnerwatch
