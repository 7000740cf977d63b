// Incidents that people merged. Each goes on living its own life; what is merged is what people
// see and are told. So a split has nothing to undo, and nothing is counted twice.
#include "alerts/book_state.h"

#include <algorithm>

namespace runnerwatch {

bool ended_long_ago(const IncidentRow& row, Timestamp now) {
    const auto last = row.ended_at ? row.ended_at : row.last_seen;
    return is_over(row.state) && last && now - *last > ended_kept;
}

std::string name_for_people(const IncidentRow& row) {
    return row.number > 0 ? "#" + std::to_string(row.number) : "\"" + row.title + "\"";
}

std::string IncidentBook::State::root_of(const std::string& key) const {
    std::string root = key;
    // A merge that would close a circle is refused; the bound is for files that were tampered with.
    for (std::size_t i = 0; i <= merged_max; ++i) {
        const auto found = incidents.find(root);
        if (found == incidents.end() || found->second.row.merged_into.empty()) return root;
        if (!incidents.contains(found->second.row.merged_into)) return root;
        root = found->second.row.merged_into;
    }
    return root;
}

std::vector<const Incident*> IncidentBook::State::group_of(const std::string& root) const {
    std::vector<const Incident*> group;
    std::vector<std::string> keys{root};
    for (std::size_t i = 0; i < keys.size() && i <= merged_max; ++i) {
        const auto found = incidents.find(keys[i]);
        if (found != incidents.end()) group.push_back(&found->second);
        if (const auto parts = merged.find(keys[i]); parts != merged.end())
            keys.insert(keys.end(), parts->second.begin(), parts->second.end());
    }
    return group;
}

bool IncidentBook::State::is_merged(const std::string& key) const {
    const auto found = incidents.find(key);
    return found != incidents.end() &&
           (!found->second.row.merged_into.empty() || merged.contains(key));
}

bool IncidentBook::State::in_living_group(const std::string& key) const {
    if (!is_merged(key)) return false;
    const auto group = group_of(root_of(key));
    return std::any_of(group.begin(), group.end(),
                       [](const Incident* one) { return !is_over(one->row.state); });
}

// What is merged leaves together: each has a part in what is told.
bool IncidentBook::State::must_stay(const Incident& incident, Timestamp now) const {
    const auto behind = [now](const std::optional<Timestamp>& at) { return at && *at > now; };
    const auto stays = [&](const Incident* one) {
        return behind(one->row.snoozed_until) || behind(one->kept_until) ||
               !ended_long_ago(one->row, now);
    };
    const auto group = group_of(root_of(incident.row.key));
    return std::any_of(group.begin(), group.end(), stays);
}

// An earlier occurrence is held for what it is merged with only.
void IncidentBook::State::leave_if_alone(const std::string& key) {
    const auto found = incidents.find(key);
    if (found == incidents.end() || found->second.kept_until || is_merged(key)) return;
    const auto latest = current.find(found->second.row.identity);
    if (latest == current.end() || latest->second != key) forget_incident(key);
}

void IncidentBook::State::put_merged(Incident& incident, const std::string& into) {
    IncidentRow& row = incident.row;
    if (const auto before = merged.find(row.merged_into); before != merged.end()) {
        before->second.erase(row.key);
        if (before->second.empty()) merged.erase(before);
    }
    row.merged_into = into;
    if (!into.empty()) merged[into].insert(row.key);
    touch(incident);
}

Result<ActDone, ActRefusal> IncidentBook::State::merge(Incident& incident,
                                                       const ActRequest& request,
                                                       const std::string& into, Timestamp now) {
    IncidentRow& row = incident.row;
    const std::string name = name_for_people(row);
    const auto refuse = [&](ActRefusal::Kind kind, const std::string& why) {
        return failure(ActRefusal{kind, name + " was not merged: " + why});
    };
    const auto target = incidents.find(into);
    if (target == incidents.end())
        return refuse(ActRefusal::Kind::no_such_incident,
                      "there is no incident " + into +
                          " to merge it into. `runnerwatch incidents` lists those there are.");
    Incident& whole = target->second;
    if (row.merged_into == into) return ActDone{false};
    if (root_of(into) == row.key)
        return refuse(ActRefusal::Kind::conflict,
                      name_for_people(whole.row) + " is " +
                          (into == row.key ? "the same incident." : "a part of it already.") +
                          " Name another one, or split that first.");
    if (!row.merged_into.empty())
        return refuse(ActRefusal::Kind::conflict,
                      "it is a part of another incident already. Split it first.");
    if (whole.row.state == IncidentState::folded)
        return refuse(ActRefusal::Kind::conflict,
                      name_for_people(whole.row) +
                          " is a symptom of another incident. Merge it into that one.");
    if (group_of(root_of(into)).size() + group_of(row.key).size() > merged_max)
        return refuse(ActRefusal::Kind::full, "more than " + std::to_string(merged_max) +
                                                  " incidents would be told as one. Leave it "
                                                  "apart, or split others off first.");
    note_act(incident, request,
             "merged into " + name_for_people(whole.row) + " by " + request.actor,
             "{\"into\":\"" + into + "\"}", now);
    write_row(whole, now, ClockKind::ours, "merged_here", request.actor,
              name + " (" + row.title + ") was merged into this", {},
              "{\"merged\":\"" + row.key + "\"}");
    put_merged(incident, into);
    return ActDone{true};
}

Result<ActDone, ActRefusal> IncidentBook::State::split(Incident& incident,
                                                       const ActRequest& request, Timestamp now) {
    const IncidentRow& row = incident.row;
    if (row.merged_into.empty()) return ActDone{false};
    const auto whole = incidents.find(row.merged_into);
    note_act(incident, request, "split off by " + request.actor,
             "{\"from\":\"" + row.merged_into + "\"}", now);
    if (whole != incidents.end()) {
        write_row(whole->second, now, ClockKind::ours, "split_here", request.actor,
                  name_for_people(row) + " (" + row.title + ") was split off", {},
                  "{\"split\":\"" + row.key + "\"}");
        changed.insert(root_of(whole->first));
    }
    put_merged(incident, "");
    return ActDone{true};
}

// What people said about an occurrence holds for the next: a snooze until its time, and that it is
// the same trouble as another that still lasts.
void IncidentBook::State::carry_over(const IncidentRow& before, Incident& incident, Timestamp now) {
    IncidentRow& row = incident.row;
    if (before.snoozed_until && *before.snoozed_until > now) {
        row.snoozed_by = before.snoozed_by;
        row.snoozed_until = before.snoozed_until;
        row.snoozed_count = before.snoozed_count;
        row.snoozed_until_worse = before.snoozed_until_worse;
        note(incident, now, ClockKind::ours, "snooze_goes_on", "runnerwatch",
             before.snoozed_by + " snoozed the occurrence before until " +
                 format_time_for_people(*before.snoozed_until));
    }
    if (!in_living_group(before.key)) return;
    const std::string root = root_of(before.key);
    const auto whole = incidents.find(root);
    if (whole == incidents.end() || group_of(root).size() >= merged_max) return;
    put_merged(incident, root);
    note(incident, now, ClockKind::ours, "merge_goes_on", "runnerwatch",
         "part of " + name_for_people(whole->second.row) + ", as the occurrence before");
    note(whole->second, now, ClockKind::ours, "merged_here", "runnerwatch",
         "\"" + row.title + "\" came again and is a part of this", {},
         "{\"merged\":\"" + row.key + "\"}");
}

bool IncidentBook::is_merged(const std::string& key) const { return state_->is_merged(key); }

std::optional<IncidentRow> IncidentBook::as_told(const std::string& key) const {
    const auto found = state_->incidents.find(key);
    if (found == state_->incidents.end()) return std::nullopt;
    if (const std::string root = state_->root_of(key); root != key) {
        IncidentRow row = found->second.row;
        row.state = IncidentState::folded;
        row.folded_into = root;
        return row;
    }
    return as_shown(key);
}

std::optional<IncidentRow> IncidentBook::as_shown(const std::string& key) const {
    const auto found = state_->incidents.find(key);
    if (found == state_->incidents.end()) return std::nullopt;
    if (!state_->merged.contains(key) || state_->root_of(key) != key) return found->second.row;
    std::vector<IncidentRow> merged;
    for (const Incident* part : state_->group_of(key)) merged.push_back(part->row);
    return as_whole(merged);
}

std::string IncidentBook::whole_of(const std::string& key) const { return state_->root_of(key); }

std::vector<const IncidentRow*> IncidentBook::told(std::deque<IncidentRow>& made) const {
    std::vector<const IncidentRow*> rows;
    rows.reserve(state_->incidents.size());
    for (const auto& [key, incident] : state_->incidents)
        rows.push_back(is_merged(key) ? &made.emplace_back(*as_told(key)) : &incident.row);
    return rows;
}

}  // namespace runnerwatch
