#pragma once

#include "daemon/commands/text_blocks.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace runnerwatch {

// One incident as people read it on a terminal: what, why, where, what to do, what happened. Made
// of what the API gives of it. Escapes and the like in log text are made visible.
std::string incident_text(const nlohmann::ordered_json& story, const TextStyle& style);

// "#12 resolved  ERROR", for a heading.
std::string incident_heading(const nlohmann::ordered_json& incident, const TextStyle& style);

// "2026-11-30 02:10:03 UTC" of an API time; empty when there is none.
std::string time_for_people(const nlohmann::ordered_json& time);

// "30m7s" of seconds, or "-".
std::string seconds_for_people(const nlohmann::ordered_json& seconds);

}  // namespace runnerwatch
