#pragma once

#include "parsers/rule.h"
#include "storage/history.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

// Incidents as the API and `-o json` give them: names and meanings stay, members are only added
// (docs/history.md). All texts are redacted; control characters of log text are not replaced.
namespace runnerwatch {

nlohmann::ordered_json incident_to_json(const IncidentRow& row);

// The same, as it is sent, behind what stands in `into` already.
void append_incident(const IncidentRow& row, std::string& into);

// With members, timeline, evidence, the fix of `pack`, deliveries, gaps and earlier occurrences.
nlohmann::ordered_json story_to_json(const IncidentStory& story, const RulePack& pack);

nlohmann::ordered_json similar_to_json(const std::vector<SimilarIncident>& similar);

// An RFC 9457 problem document.
std::string problem_json(int status, const std::string& title, const std::string& detail);

}  // namespace runnerwatch
