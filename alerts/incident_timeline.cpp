#include "alerts/incident_timeline.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

std::optional<Timestamp> time_in(const json& value) {
    const auto parsed = parse_time(words_in(value, "at"));
    return parsed ? std::optional(parsed->time) : std::nullopt;
}

TimelineEntry entry_of_delivery(const json& delivery) {
    TimelineEntry entry;
    entry.delivery = &delivery;
    entry.at = time_in(delivery);
    entry.timed = entry.at.has_value();
    entry.ours = true;
    entry.what = (words_in(delivery, "verdict") == "sent" ? "told " : "could not tell ") +
                 words_in(delivery, "receiver") + ": " + told_words(words_in(delivery, "told"));
    entry.who = "runnerwatch";
    if (const int status = delivery.value("status", 0); status != 0)
        entry.outcome += ", answered with " + std::to_string(status);
    if (const std::string error = words_in(delivery, "error"); !error.empty())
        entry.outcome += ", " + error;
    return entry;
}

}  // namespace

std::string words_in(const json& document, const char* name) {
    const auto found = document.find(name);
    return found != document.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
}

std::string told_words(std::string state) {
    // "open:SEVERITY:…"; what follows tells two openings apart, not people.
    if (state.starts_with("open:")) return "open, " + state.substr(5, state.find(':', 5) - 5);
    std::replace(state.begin(), state.end(), '_', ' ');
    return state;
}

std::vector<TimelineEntry> timeline_of(const json& story) {
    std::vector<TimelineEntry> entries;
    std::optional<Timestamp> before;
    for (const json& change : story.at("timeline")) {
        TimelineEntry entry;
        entry.change = &change;
        entry.at = time_in(change);
        entry.timed = entry.at.has_value();
        entry.ours = words_in(change, "clock") == "ours";
        entry.what = words_in(change, words_in(change, "text").empty() ? "kind" : "text");
        entry.who = words_in(change, "actor");
        if (!entry.at) entry.at = before;
        before = entry.at;
        entries.push_back(std::move(entry));
    }
    for (const json& delivery : story.at("deliveries"))
        entries.push_back(entry_of_delivery(delivery));
    std::stable_sort(entries.begin(), entries.end(),
                     [](const TimelineEntry& a, const TimelineEntry& b) { return a.at < b.at; });
    return entries;
}

}  // namespace runnerwatch
