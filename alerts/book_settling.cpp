// Which incidents are to be judged again, by what was just learned.
#include "alerts/book_state.h"

#include <utility>

namespace runnerwatch {

// Most lines of a healthy log prove something, and nothing waits for it.
std::vector<std::string> IncidentBook::State::open_rules_ended_by(const RecoveryLine& line) const {
    std::vector<std::string> rules;
    for (const auto& [rule, keys] : by_rule)
        if (!keys.empty() && line.proves_end_of(rule)) rules.push_back(rule);
    return rules;
}

void IncidentBook::State::settle_rule(const std::string& rule_id, Timestamp now) {
    const auto keys = by_rule.find(rule_id);
    if (keys == by_rule.end()) return;
    for (const auto& key : std::set<std::string>(keys->second)) settle(incidents.at(key), now);
}

void IncidentBook::State::unsettle_rule(const std::string& rule_id) {
    if (const auto keys = by_rule.find(rule_id); keys != by_rule.end())
        unsettled.insert(keys->second.begin(), keys->second.end());
}

void IncidentBook::State::settle_unsettled(Timestamp now) {
    // Each round can only end incidents, which are finitely many.
    while (!unsettled.empty()) {
        const auto keys = std::exchange(unsettled, {});
        for (const auto& key : keys)
            if (const auto found = incidents.find(key); found != incidents.end())
                settle(found->second, now);
    }
}

void IncidentBook::State::settle_place(const Place& place, Timestamp now) {
    for (auto& [unused, incident] : incidents) {
        if (is_over(incident.row.state)) continue;
        const bool here = std::any_of(
            incident.members.begin(), incident.members.end(),
            [&](const auto& entry) { return same_workload(entry.second.place, place); });
        if (!here) continue;
        settle(incident, now);
        const std::string words = scope_words(incident);
        if (words != incident.row.scope_words) {
            incident.row.scope_words = words;
            touch(incident);
        }
    }
}

}  // namespace runnerwatch
