#pragma once

#include "alerts/delivery.h"
#include "alerts/route.h"
#include "storage/change_set.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace runnerwatch {

// One message that is to be sent now: the state of a group of incidents.
struct DueMessage {
    std::string receiver, group_key;
    std::string kind;          // group, start, daily
    std::string delivery_key;  // the idempotency key: the same state has the same key
    std::map<std::string, std::string> labels;
    struct Entry {
        std::string incident;  // key
        std::string told, owed;
    };
    std::vector<Entry> entries;  // what changed; a reminder: what is open
    bool reminder = false;
    int attempt = 1;
    Timestamp owed_since{};
    std::string note;
};

// Who is told what, and when: routes, groups, digests, reminders and the outbox.
//
// Pure bookkeeping: no I/O, no clock, no thread. What is owed is a state, not an event: telling
// the newest state settles all before it. What it holds is in the outbox rows, so a restart goes
// on where it was. A row is due only once its commit is confirmed, unless commits fail.
class Dispatcher {
public:
    // Tickets are told once a day at this time (UTC).
    static constexpr std::chrono::hours digest_at{8};
    static constexpr std::size_t outbox_max = 100'000;

    // `own_grouping`: receivers that group and repeat themselves (Alertmanager): they get no rows.
    Dispatcher(Route root, std::set<std::string> own_grouping);

    void load(const StoredState& state);

    // From the start until caught_up(): nothing new is told.
    bool catching_up() const { return catching_up_; }

    // The sources known at the start have been read (or it took too long). What is open and was
    // not told goes out as one digest per receiver. `outage`: our own, in words, or empty.
    void caught_up(const std::vector<const IncidentRow*>& incidents, const std::string& outage,
                   Timestamp now);

    // As it is told: IncidentBook::as_told().
    void incident_changed(const IncidentRow& incident, Timestamp now);

    std::vector<DueMessage> due(Timestamp now, bool even_uncommitted = false);
    std::optional<Timestamp> next_due() const;

    // What came of a message. The row is settled for the states it carried.
    void finished(const DueMessage& message, const DeliveryOutcome& outcome,
                  const DeliveryVerdict& verdict, Timestamp now);

    // A due message was not sent after all; it stays due.
    void postpone(const DueMessage& message);

    // Lays its dirty rows into `changes`; they count as written once committed(number) comes.
    std::uint64_t take_changes(ChangeSet& changes);
    void committed(std::uint64_t number) { committed_ = number; }

    // Whether a message is due or being sent.
    bool owes_by(Timestamp now) const;

    std::size_t owed() const;  // rows with something to tell
    std::optional<Timestamp> oldest_owed() const;

private:
    using GroupKey = std::pair<std::string, std::string>;  // receiver, group
    struct Group {
        OutboxRow row;
        Duration interval{};
        Duration repeat{};
        std::map<std::string, OutboxIncidentRow> incidents;
        std::set<std::string> acknowledged;  // incidents a person has taken: no reminders
        std::set<std::string> snoozed;       // of these nothing is told at all
        std::uint64_t written = 0;           // number of the take_changes that holds it
        bool sending = false;
    };

    void owe(const Route& route, const IncidentRow& incident, Timestamp now);
    void put(Group& group, const IncidentRow& incident, Timestamp now, Timestamp due);
    static bool owes(const Group& group);
    std::optional<Timestamp> due_time(const Group& group) const;
    void settle(Group& group, const DueMessage& message, Timestamp now);
    void touch(const GroupKey& key);

    Route root_;
    std::set<std::string> own_grouping_;
    bool catching_up_ = true;
    std::map<GroupKey, Group> groups_;
    std::map<std::string, std::set<GroupKey>> groups_of_;  // incident -> groups
    std::set<GroupKey> dirty_;
    ChangeSet changes_;
    std::uint64_t taken_ = 0, committed_ = 0;
};

// The state of an incident as a receiver is told it: "open:error:0" (severity, how often it was
// opened again, and behind a third colon how many snoozes ended by themselves), "resolved", …
std::string told_state(const IncidentRow& incident);

}  // namespace runnerwatch
