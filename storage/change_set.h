#pragma once

#include "storage/rows.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace runnerwatch {

// What one commit writes: state, not deltas. Whole rows by their key; no value means the row is
// deleted. Merging a later set over an earlier one gives what both would have left, so a commit
// that failed is retried together with whatever became dirty since.
struct ChangeSet {
    template <class Key, class Row>
    using Rows = std::map<Key, std::optional<Row>>;
    using Pair = std::pair<std::string, std::string>;
    using PairNumber = std::pair<std::string, std::int64_t>;
    using Triple = std::tuple<std::string, std::string, std::string>;

    Rows<std::string, IdentityRow> identities;            // identity
    Rows<std::string, IncidentRow> incidents;             // key
    Rows<Pair, MemberRow> members;                        // incident, place.member
    Rows<std::string, PendingRow> pending;                // identity
    Rows<PairNumber, TimelineRow> timeline;               // incident, change
    Rows<PairNumber, EvidenceRow> evidence;               // incident, slot
    Rows<std::string, SourceRow> sources;                 // instance
    Rows<Triple, RecoveryMarkRow> recovery_marks;         // instance, pattern, values
    Rows<std::string, PositionRow> positions;             // instance
    Rows<PairNumber, CoverageRow> coverage;               // instance, ordinal
    Rows<std::string, TemplateRow> templates;             // id
    Rows<Pair, OutboxRow> outbox;                         // receiver, group
    Rows<Triple, OutboxIncidentRow> outbox_incidents;     // receiver, group, incident
    Rows<Triple, AlertmanagerSentRow> alertmanager_sent;  // receiver, url, labels
    Rows<PairNumber, AuditRow> audit;                     // incident, change
    Rows<std::string, IdempotencyRow> idempotency;        // key
    std::vector<DeliveryAttemptRow> attempts;             // append only
    std::map<std::string, std::string> meta;

    bool empty() const;

    // Whether there is more in it than how far reading has come: that may wait 5 s.
    bool urgent() const;

    // About what it holds in memory.
    std::size_t bytes() const;

    // Lays `later` over this set.
    void merge(ChangeSet later);
};

// Everything a start needs to go on as if nothing had happened.
struct StoredState {
    std::string database_id;
    std::vector<IdentityRow> identities;
    // Open ones, ended ones a late line could still join, and what is merged with those.
    std::vector<IncidentRow> incidents;
    std::vector<MemberRow> members;     // of those
    std::vector<EvidenceRow> evidence;  // of those: which slots are used, texts included
    std::vector<PendingRow> pending;
    std::vector<SourceRow> sources;
    std::vector<RecoveryMarkRow> recovery_marks;
    std::vector<PositionRow> positions;
    std::map<std::string, std::int64_t> coverage_ordinals;  // instance -> last ordinal
    std::vector<TemplateRow> templates;
    std::vector<OutboxRow> outbox;
    std::vector<OutboxIncidentRow> outbox_incidents;
    std::vector<AlertmanagerSentRow> alertmanager_sent;
    std::vector<IdempotencyRow> idempotency;
    std::map<std::string, std::string> meta;
};

}  // namespace runnerwatch
