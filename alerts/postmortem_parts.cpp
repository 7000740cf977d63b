#include "alerts/postmortem_parts.h"

#include "alerts/incident_timeline.h"
#include "parsers/timestamp.h"

#include <algorithm>
#include <set>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

// What has no time stays behind what stood before it.
void sort_by_time(json& rows) {
    std::vector<std::pair<Timestamp, json>> timed;
    Timestamp at{};
    for (json& row : rows) {
        if (const auto parsed = parse_time(words_in(row, "at"))) at = parsed->time;
        timed.emplace_back(at, std::move(row));
    }
    std::stable_sort(timed.begin(), timed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    rows = json::array();
    for (auto& [unused, row] : timed) rows.push_back(std::move(row));
}

void append(const json& part, json& whole) {
    for (const char* list : {"timeline", "members", "gaps"})
        for (const json& row : part.at(list)) {
            json& rows = whole[list];
            // Parts that share a pod share its gaps, and a pod is counted once.
            const bool known = std::any_of(rows.begin(), rows.end(), [&](const json& other) {
                return std::string_view(list) == "members"
                           ? words_in(other, "name") == words_in(row, "name")
                           : std::string_view(list) == "gaps" && other == row;
            });
            if (!known) rows.push_back(row);
        }
    std::set<std::string> told;
    for (const json& delivery : whole.at("deliveries")) told.insert(delivery_identity(delivery));
    for (const json& delivery : part.at("deliveries"))
        if (told.insert(delivery_identity(delivery)).second)
            whole["deliveries"].push_back(delivery);
}

std::int64_t number_of(const json& story) { return story.value("number", std::int64_t{0}); }

// What a part was merged into, as that is shown; null: nothing.
const json& merged_with(const json& story) {
    static const json nothing;
    const auto found = story.find("merged_with");
    return found == story.end() ? nothing : *found;
}

}  // namespace

std::string delivery_identity(const json& delivery) {
    return words_in(delivery, "receiver") + "\n" + words_in(delivery, "key") + "\n" +
           std::to_string(delivery.value("attempt", std::int64_t{0})) + "\n" +
           words_in(delivery, "at");
}

bool is_part(const Stories& stories, const json& story) {
    const json& whole = merged_with(story);
    return !whole.is_null() && std::any_of(stories.begin(), stories.end(), [&](const json& other) {
        return number_of(other) == number_of(whole);
    });
}

Stories wholes_of(const Stories& stories) {
    Stories wholes;
    for (const json& story : stories) {
        if (is_part(stories, story)) continue;
        wholes.push_back(story);
        for (const json& part : stories)
            if (is_part(stories, part) && number_of(merged_with(part)) == number_of(story))
                append(part, wholes.back());
        sort_by_time(wholes.back()["timeline"]);
        sort_by_time(wholes.back()["deliveries"]);
    }
    return wholes;
}

}  // namespace runnerwatch
