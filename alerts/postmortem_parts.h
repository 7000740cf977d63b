#pragma once

#include "alerts/postmortem_sections.h"

// Incidents that people merged are one trouble in a postmortem: the one that speaks for all, with
// its parts behind it. Only the sections of a postmortem include this.
namespace runnerwatch {

// Whether it is merged into another of the stories.
bool is_part(const Stories& stories, const nlohmann::ordered_json& story);

// Those that are no part, each with the timeline, members, deliveries and gaps of its parts beside
// its own; deliveries of several stand once.
Stories wholes_of(const Stories& stories);

// What tells a delivery apart from all others.
std::string delivery_identity(const nlohmann::ordered_json& delivery);

}  // namespace runnerwatch
