#pragma once

#include "alerts/document.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

// The sections of a postmortem, each made of the incidents alone. Only postmortem*.cpp include
// this.
namespace runnerwatch {

using Stories = std::vector<nlohmann::ordered_json>;
using Section = std::function<std::vector<Block>(const Stories&)>;

const std::map<std::string, Section, std::less<>>& postmortem_sections();

// What may stand within a text: title, date, duration …
std::string postmortem_word(const Stories& stories, std::string_view name, bool& known);

// "2026-11-30 02:10:03 UTC" of an API time, or `otherwise`.
std::string time_words(const nlohmann::ordered_json& time, const std::string& otherwise);

// The timeline with the deliveries in it: rows of {at, clock, what, who, proof, incident}.
std::vector<Block> timeline_section(const Stories& stories);

// Of one incident: what was kept of it.
std::vector<Block> evidence_section(const nlohmann::ordered_json& story);
std::vector<Block> members_section(const nlohmann::ordered_json& story);
std::vector<Block> deliveries_section(const nlohmann::ordered_json& story);

}  // namespace runnerwatch
