#pragma once

#include "parsers/timestamp.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

// What happened to an incident and who was told, in one order and the same words wherever it is
// shown: on a terminal, in a postmortem. Made of the API's document of an incident. Pure.
namespace runnerwatch {

// The text of a member; empty where there is none.
std::string words_in(const nlohmann::ordered_json& document, const char* name);

struct TimelineEntry {
    // In the order of; a change without a time stands behind the one before it.
    std::optional<Timestamp> at;
    bool timed = false;  // `at` is its own
    bool ours = false;   // by our clock, not the log's
    std::string what;    // "told on-call: open, critical"
    std::string who;
    std::string outcome;  // of a delivery, after its proof: ", answered with 503, no such channel"
    // Of these one: what it is about, in the story, which must outlive the entry.
    const nlohmann::ordered_json* change = nullptr;
    const nlohmann::ordered_json* delivery = nullptr;
};

// Of the same time: changes in their order, then deliveries in theirs.
std::vector<TimelineEntry> timeline_of(const nlohmann::ordered_json& story);

// What a receiver was told, for people: "open, critical", "cannot tell".
std::string told_words(std::string state);

}  // namespace runnerwatch
