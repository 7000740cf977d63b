#include "alerts/dispatcher.h"

#include "parsers/digest.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

constexpr const char* start_group = "start";
constexpr const char* daily_group = "daily";

bool says_open(const std::string& state) { return state.rfind("open:", 0) == 0; }
bool says_over(const std::string& state) { return state == "resolved" || state == "folded"; }

// "open:error:0" -> error; nothing for other states.
std::optional<Severity> severity_said(const std::string& state) {
    if (!says_open(state)) return std::nullopt;
    return severity_from(state.substr(5, state.find(':', 5) - 5));
}

Timestamp next_digest(Timestamp now) {
    const Timestamp today = std::chrono::floor<std::chrono::days>(now) + Dispatcher::digest_at;
    return today > now ? today : today + std::chrono::days(1);
}

std::string group_key(const Route& route, const IncidentRow& incident, json& labels) {
    const auto all = labels_of(incident);
    labels = json::object();
    for (const auto& name : route.group_by)
        if (const auto value = all.find(name); value != all.end()) labels[name] = value->second;
    return labels.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string told_state(const IncidentRow& incident) {
    // A flapping incident is told once, whatever it does afterwards.
    if (incident.flapping) return "flapping";
    switch (incident.state) {
        case IncidentState::resolved:
            return "resolved";
        case IncidentState::folded:
            return "folded";
        case IncidentState::cannot_tell:
            return "cannot_tell";
        case IncidentState::open:
        case IncidentState::recovering:
            break;
    }
    return std::string("open:") + to_string(incident.severity) + ":" +
           std::to_string(incident.reopened) +
           (incident.wakes > 0 ? ":" + std::to_string(incident.wakes) : "");
}

Dispatcher::Dispatcher(Route root, std::set<std::string> own_grouping)
    : root_(std::move(root)), own_grouping_(std::move(own_grouping)) {}

void Dispatcher::load(const StoredState& state) {
    for (const auto& row : state.outbox) {
        Group& group = groups_[{row.receiver, row.group_key}];
        group.row = row;
        group.interval = root_.group_interval;
        group.repeat = root_.repeat_interval;
    }
    for (const auto& row : state.outbox_incidents) {
        const GroupKey key{row.receiver, row.group_key};
        const auto group = groups_.find(key);
        if (group == groups_.end()) continue;
        group->second.incidents[row.incident] = row;
        groups_of_[row.incident].insert(key);
    }
}

void Dispatcher::touch(const GroupKey& key) {
    dirty_.insert(key);
    groups_[key].written = taken_ + 1;
}

void Dispatcher::incident_changed(const IncidentRow& incident, Timestamp now) {
    if (incident.response == Response::advice) return;
    if (const auto known = groups_of_.find(incident.key); known != groups_of_.end()) {
        for (const auto& key : std::set<GroupKey>(known->second)) {
            Group& group = groups_[key];
            const auto& told = group.incidents[incident.key].told;
            const auto before = severity_said(told), after = severity_said(told_state(incident));
            const bool raised = before && after && *after > *before;
            // Whoever snoozed it asked to hear now.
            const bool woke = group.snoozed.contains(incident.key) && incident.snoozed_by.empty();
            const bool waits = group.row.last_sent_at && !raised && !woke;
            put(group, incident, now,
                group.row.kind == daily_group ? next_digest(now)
                : waits ? std::max(now, *group.row.last_sent_at + group.interval)
                        : now + root_.group_wait);
        }
        return;
    }
    if (catching_up_ || says_over(told_state(incident))) return;
    for (const Route* route : routes_for(root_, incident)) owe(*route, incident, now);
}

// Puts an incident into the group its route gives it.
void Dispatcher::owe(const Route& route, const IncidentRow& incident, Timestamp now) {
    if (route.receiver.empty() || own_grouping_.contains(route.receiver)) return;
    const bool ticket = incident.response == Response::ticket;
    json labels = json::object();
    const std::string name = ticket ? daily_group : group_key(route, incident, labels);
    const GroupKey key{route.receiver, name};
    if (!groups_.contains(key) && groups_.size() >= outbox_max) return;
    Group& group = groups_[key];
    if (group.row.receiver.empty()) {
        group.row.receiver = route.receiver;
        group.row.group_key = name;
        group.row.kind = ticket ? daily_group : "group";
        group.row.labels = labels.dump(-1, ' ', false, json::error_handler_t::replace);
    }
    group.interval = route.group_interval;
    group.repeat = route.repeat_interval;
    groups_of_[incident.key].insert(key);
    const Timestamp due =
        ticket ? next_digest(now)
        : group.row.last_sent_at
            ? std::max(now + route.group_wait, *group.row.last_sent_at + route.group_interval)
            : now + route.group_wait;
    put(group, incident, now, due);
}

void Dispatcher::put(Group& group, const IncidentRow& incident, Timestamp now, Timestamp due) {
    if (incident.acknowledged_by.empty())
        group.acknowledged.erase(incident.key);
    else
        group.acknowledged.insert(incident.key);
    const GroupKey key{group.row.receiver, group.row.group_key};
    const bool sleeps = !incident.snoozed_by.empty();
    const bool woke = !sleeps && group.snoozed.erase(incident.key) > 0;
    if (sleeps && group.snoozed.insert(incident.key).second && !owes(group)) {
        group.row.due_at.reset();
        group.row.owed_since.reset();
        touch(key);
    }
    OutboxIncidentRow& entry = group.incidents[incident.key];
    const std::string state = told_state(incident);
    if (entry.owed == state && !woke) return;
    entry.receiver = group.row.receiver;
    entry.group_key = group.row.group_key;
    entry.incident = incident.key;
    entry.owed = state;
    touch(key);
    const bool never_mind =
        entry.told.empty() &&
        (state == "folded" || (state == "resolved" && (sleeps || group.row.kind == daily_group)));
    if (never_mind) {
        group.incidents.erase(incident.key);
        group.snoozed.erase(incident.key);
        groups_of_[incident.key].erase(key);
        if (groups_of_[incident.key].empty()) groups_of_.erase(incident.key);
        changes_.outbox_incidents[{key.first, key.second, incident.key}] = std::nullopt;
        if (owes(group)) return;
        // Or what comes next would be due when this was.
        group.row.due_at.reset();
        group.row.owed_since.reset();
        return;
    }
    if (!owes(group)) return;
    if (!group.row.owed_since) group.row.owed_since = now;
    if (!group.row.due_at || due < *group.row.due_at) group.row.due_at = due;
}

bool Dispatcher::owes(const Group& group) {
    return std::any_of(group.incidents.begin(), group.incidents.end(),
                       [&](const auto& entry) {
                           return entry.second.told != entry.second.owed &&
                                  !group.snoozed.contains(entry.first);
                       }) ||
           (group.row.kind == start_group && !group.row.last_sent_at);
}

void Dispatcher::caught_up(const std::vector<const IncidentRow*>& incidents,
                           const std::string& outage, Timestamp now) {
    catching_up_ = false;
    std::map<std::string, std::vector<const IncidentRow*>> found;
    for (const IncidentRow* incident : incidents) {
        if (incident->response == Response::advice || groups_of_.contains(incident->key)) continue;
        if (says_over(told_state(*incident))) continue;
        for (const Route* route : routes_for(root_, *incident)) {
            if (route->receiver.empty() || own_grouping_.contains(route->receiver)) continue;
            owe(*route, *incident, now);
            if (incident->response == Response::page && incident->snoozed_by.empty())
                found[route->receiver].push_back(incident);
        }
    }
    if (!outage.empty())
        for (const Route* route : routes_for(root_, IncidentRow{}))
            if (!route->receiver.empty() && !own_grouping_.contains(route->receiver))
                found.try_emplace(route->receiver);
    for (const auto& [receiver, open] : found) {
        const GroupKey key{receiver, start_group};
        Group& digest = groups_[key];
        digest = Group{};
        digest.row.receiver = receiver;
        digest.row.group_key = start_group;
        digest.row.kind = start_group;
        digest.row.labels = "{}";
        digest.row.note = outage;
        digest.row.due_at = digest.row.owed_since = now;
        for (const IncidentRow* incident : open) {
            // The digest tells it; its own group only goes on from there.
            for (const auto& own : groups_of_[incident->key]) {
                if (own.first != receiver || own == key) continue;
                OutboxIncidentRow& entry = groups_[own].incidents[incident->key];
                entry.told = entry.owed;
                if (!owes(groups_[own])) {
                    groups_[own].row.due_at.reset();
                    groups_[own].row.owed_since.reset();
                }
                groups_[own].row.last_sent_at = now;
            }
            digest.incidents[incident->key] =
                OutboxIncidentRow{receiver, start_group, incident->key, "", told_state(*incident)};
            groups_of_[incident->key].insert(key);
        }
        touch(key);
    }
}

std::optional<Timestamp> Dispatcher::due_time(const Group& group) const {
    if (group.sending) return std::nullopt;
    std::optional<Timestamp> due;
    if (owes(group)) {
        due = group.row.due_at;
        if (due && group.row.next_attempt_at) due = std::max(*due, *group.row.next_attempt_at);
    } else if (group.row.kind == "group" && group.row.last_sent_at) {
        const bool open =
            std::any_of(group.incidents.begin(), group.incidents.end(), [&](const auto& entry) {
                return says_open(entry.second.told) && !group.acknowledged.contains(entry.first) &&
                       !group.snoozed.contains(entry.first);
            });
        if (open) due = *group.row.last_sent_at + group.repeat;
    }
    return due;
}

std::optional<Timestamp> Dispatcher::next_due() const {
    if (catching_up_) return std::nullopt;
    std::optional<Timestamp> next;
    for (const auto& [unused, group] : groups_)
        if (const auto due = due_time(group); due && (!next || *due < *next)) next = due;
    return next;
}

std::vector<DueMessage> Dispatcher::due(Timestamp now, bool even_uncommitted) {
    std::vector<DueMessage> messages;
    if (catching_up_) return messages;
    for (auto& [key, group] : groups_) {
        const auto at = due_time(group);
        if (!at || *at > now) continue;
        if (group.written > committed_ && !even_uncommitted) continue;
        DueMessage message;
        message.receiver = key.first;
        message.group_key = key.second;
        message.kind = group.row.kind;
        message.reminder = !owes(group);
        message.attempt = group.row.attempts + 1;
        message.owed_since = group.row.owed_since.value_or(now);
        message.note = group.row.note;
        const json labels = json::parse(group.row.labels);
        for (const auto& [name, value] : labels.items())
            message.labels[name] = value.get<std::string>();
        std::string state = key.first + "\n" + key.second;
        for (const auto& [incident, entry] : group.incidents) {
            if (group.snoozed.contains(incident)) continue;
            const bool wanted =
                message.reminder ? says_open(entry.told) && !group.acknowledged.contains(incident)
                                 : entry.told != entry.owed;
            if (!wanted) continue;
            message.entries.push_back({incident, entry.told, entry.owed});
            state += "\n" + incident + "=" + entry.owed;
        }
        if (message.reminder || message.kind == start_group)
            state +=
                "\n" + format_time(message.reminder ? *group.row.last_sent_at : message.owed_since);
        message.delivery_key = sha256_hex(state).substr(0, 32);
        group.sending = true;
        messages.push_back(std::move(message));
    }
    return messages;
}

void Dispatcher::settle(Group& group, const DueMessage& message, Timestamp now) {
    const GroupKey key{message.receiver, message.group_key};
    for (const auto& sent : message.entries) {
        const auto entry = group.incidents.find(sent.incident);
        if (entry == group.incidents.end()) continue;
        entry->second.told = sent.owed;
        const bool done = entry->second.told == entry->second.owed;
        if (done && (says_over(sent.owed) || group.row.kind != "group")) {
            // A ticket that is still open stays with its digest until its end has been told.
            if (group.row.kind == daily_group && !says_over(sent.owed)) continue;
            group.incidents.erase(entry);
            group.snoozed.erase(sent.incident);
            groups_of_[sent.incident].erase(key);
            if (groups_of_[sent.incident].empty()) groups_of_.erase(sent.incident);
            changes_.outbox_incidents[{key.first, key.second, sent.incident}] = std::nullopt;
        }
    }
    group.row.last_sent_at = now;
    group.row.attempts = 0;
    group.row.next_attempt_at.reset();
    group.row.owed_since.reset();
    group.row.due_at.reset();
    if (owes(group)) {
        group.row.owed_since = now;
        group.row.due_at = now + group.interval;
    }
}

void Dispatcher::finished(const DueMessage& message, const DeliveryOutcome& outcome,
                          const DeliveryVerdict& verdict, Timestamp now) {
    const GroupKey key{message.receiver, message.group_key};
    const auto found = groups_.find(key);
    if (found == groups_.end()) return;
    Group& group = found->second;
    group.sending = false;
    DeliveryAttemptRow attempt{message.receiver,
                               message.group_key,
                               message.delivery_key,
                               message.attempt,
                               now,
                               "sent",
                               outcome.status,
                               outcome.error,
                               "{}"};
    json told = json::object();
    for (const auto& entry : message.entries) told[entry.incident] = entry.owed;
    attempt.told = told.dump();
    if (const auto* again = std::get_if<RetryAt>(&verdict)) {
        attempt.verdict = "retry";
        group.row.attempts = message.attempt;
        group.row.next_attempt_at = again->when;
        group.row.last_error =
            outcome.error.empty() ? "status " + std::to_string(outcome.status) : outcome.error;
    } else {
        const auto* gave_up = std::get_if<GaveUp>(&verdict);
        if (gave_up) attempt.verdict = "gave_up";
        group.row.last_error = gave_up ? gave_up->reason : "";
        settle(group, message, now);
    }
    changes_.attempts.push_back(std::move(attempt));
    touch(key);
    if (group.incidents.empty()) {
        dirty_.erase(key);
        changes_.outbox[key] = std::nullopt;
        groups_.erase(found);
    }
}

void Dispatcher::postpone(const DueMessage& message) {
    const auto found = groups_.find({message.receiver, message.group_key});
    if (found != groups_.end()) found->second.sending = false;
}

std::uint64_t Dispatcher::take_changes(ChangeSet& changes) {
    for (const auto& key : dirty_) {
        const Group& group = groups_.at(key);
        changes_.outbox[key] = group.row;
        for (const auto& [incident, entry] : group.incidents)
            changes_.outbox_incidents[{key.first, key.second, incident}] = entry;
    }
    dirty_.clear();
    changes.merge(std::exchange(changes_, ChangeSet{}));
    return ++taken_;
}

bool Dispatcher::owes_by(Timestamp now) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const auto& entry) {
        const auto due = due_time(entry.second);
        return entry.second.sending || (due && *due <= now);
    });
}

std::size_t Dispatcher::owed() const {
    return static_cast<std::size_t>(std::count_if(
        groups_.begin(), groups_.end(), [](const auto& entry) { return owes(entry.second); }));
}

std::optional<Timestamp> Dispatcher::oldest_owed() const {
    std::optional<Timestamp> oldest;
    for (const auto& [unused, group] : groups_)
        if (group.row.owed_since && (!oldest || *group.row.owed_since < *oldest))
            oldest = group.row.owed_since;
    return oldest;
}

}  // namespace runnerwatch
