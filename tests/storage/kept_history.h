#pragma once

#include "storage/store.h"

#include <memory>
#include <stdexcept>
#include <string>

// Ended incidents as a daemon leaves them, whose rows agree: each with a member, two timeline rows
// and two kept lines. Incident i ended i minutes behind 2024-10-04 12:00 UTC.
namespace runnerwatch {

inline const Timestamp history_start =
    Timestamp(std::chrono::days(20'000)) + std::chrono::hours(12);

inline std::string history_key(int number) {
    std::string key = std::to_string(number);
    return std::string(32 - key.size(), '0') + key;
}

inline void add_kept_incident(ChangeSet& set, int number) {
    const Timestamp at = history_start + std::chrono::minutes(number);
    const std::string word = "word" + std::to_string(number);
    IncidentRow row;
    row.key = history_key(number);
    row.ulid = "01ARYZ" + row.key.substr(12);
    row.identity = "identity " + std::to_string(number);
    row.rule = number % 2 == 0 ? "job-request-forbidden" : "runner-disabled";
    row.title = "GitLab refuses this runner's job requests (403)";
    row.severity = Severity::error;
    row.state = IncidentState::resolved;
    row.cluster = "prod";
    row.namespace_ = "gitlab-runner";
    row.workload = "Deployment/runner";
    row.headline = "Checking for jobs... forbidden " + word;
    row.first_seen = row.last_seen = at - std::chrono::minutes(5);
    row.ended_at = row.noted_at = at;
    row.count = row.evidence_count = 2;
    row.changes = 2;
    set.incidents[row.key] = row;
    set.identities[row.identity] = IdentityRow{row.identity, 1, row.key, "[]"};
    MemberRow member;
    member.incident = row.key;
    member.place.member = "runner-" + std::to_string(number % 7);
    set.members[{row.key, member.place.member}] = member;
    for (int change = 1; change <= 2; ++change)
        set.timeline[{row.key, change}] =
            TimelineRow{row.key, change, at, ClockKind::source, "opened", "", "", "{}", ""};
    for (int slot = 0; slot < 2; ++slot) {
        EvidenceRow evidence;
        evidence.incident = row.key;
        evidence.slot = slot;
        evidence.ordinal = slot + 1;
        evidence.text = row.headline + " of line " + std::to_string(slot);
        evidence.context_before = std::string(2'000, 'x');
        set.evidence[{row.key, slot}] = evidence;
    }
}

inline ChangeSet kept_history(int first, int count) {
    ChangeSet set;
    for (int number = first; number < first + count; ++number) add_kept_incident(set, number);
    return set;
}

inline std::unique_ptr<Store> open_with_history(const std::string& file, int count) {
    auto store = Store::open(file);
    if (!store) throw std::runtime_error(store.error().what);
    const auto written = (*store)->commit(kept_history(0, count));
    if (!written) throw std::runtime_error(written.error().what);
    return std::move(*store);
}

}  // namespace runnerwatch
