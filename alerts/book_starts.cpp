// Containers that start again and workloads that are rolled out, on the timelines of what is not
// over there: what people look for first.
#include "alerts/book_state.h"

#include <algorithm>

namespace runnerwatch {

// What the start of an instance that is not known yet is; empty: nothing to tell.
std::string IncidentBook::State::start_words(const Lifecycle& event, std::string& kind) const {
    const Place& place = event.place;
    const auto known = workload_sources.find(workload_key(place));
    if (known == workload_sources.end()) return {};
    bool restarted = false, same_revision = false, other_revision = false;
    std::optional<Timestamp> newest_same, newest_other;  // pods of this revision, and of others
    for (const auto& instance : known->second) {
        const SourceRow& other = sources.at(instance);
        restarted =
            restarted || (same_pod(other.place, place) && other.place.container == place.container);
        if (other.revision.empty()) continue;
        const bool same = other.revision == event.revision;
        std::optional<Timestamp>& newest = same ? newest_same : newest_other;
        newest = std::max(newest, other.place.member_created);
        if (!same)
            other_revision = true;
        else if (!other.gone)  // a rollback brings one back that is gone
            same_revision = true;
    }
    // The one before it was of this revision too: a pod that was deleted is replaced.
    same_revision = same_revision || newest_same > newest_other;
    if (restarted) {
        kind = "container_restarted";
        return "container " + place.container + " of " + place.member + " was started again" +
               (event.before.empty() ? "" : "; the one before ended with " + event.before);
    }
    if (event.revision.empty() || same_revision || !other_revision) return {};
    kind = "rollout";
    return "rollout of " + place.workload + ": " + place.member + " is the first pod of revision " +
           event.revision;
}

void IncidentBook::State::note_start(const Lifecycle& event) {
    if (incidents.empty() || sources.contains(event.place.instance)) return;
    std::string kind;
    const std::string words = start_words(event, kind);
    if (words.empty()) return;
    const std::string workload = workload_key(event.place);
    for (auto& [unused, incident] : incidents) {
        if (is_over(incident.row.state)) continue;
        const bool there = std::any_of(
            incident.members.begin(), incident.members.end(),
            [&](const auto& member) { return workload_key(member.second.place) == workload; });
        if (there) note(incident, event.at, ClockKind::source, kind, event.place.member, words);
    }
}

}  // namespace runnerwatch
