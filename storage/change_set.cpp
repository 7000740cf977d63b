#include "storage/change_set.h"

#include <iterator>

namespace runnerwatch {

namespace {

constexpr std::size_t row_overhead = 256;

template <class Key, class Row>
void lay_over(ChangeSet::Rows<Key, Row>& rows, ChangeSet::Rows<Key, Row>&& later) {
    for (auto& [key, row] : later) rows.insert_or_assign(key, std::move(row));
}

// The texts that make rows large; the rest is the overhead.
std::size_t text_bytes(const IncidentRow& row) {
    return row.values.size() + row.causes.size() + row.symptoms.size() + row.headline.size() +
           row.proof.size() + row.identity.size() + row.waiting_for.size() + 512;
}
std::size_t text_bytes(const EvidenceRow& row) {
    return row.text.size() + row.context_before.size();
}
std::size_t text_bytes(const PendingRow& row) { return row.hits.size(); }
std::size_t text_bytes(const TimelineRow& row) { return row.text.size() + row.details.size(); }
std::size_t text_bytes(const PositionRow& row) { return row.blob.size() + row.open_record.size(); }
std::size_t text_bytes(const TemplateRow& row) { return row.text.size() + row.example.size(); }
std::size_t text_bytes(const AuditRow& row) { return row.details.size(); }
std::size_t text_bytes(const IdempotencyRow& row) { return row.answer.size(); }
template <class Row>
std::size_t text_bytes(const Row&) {
    return 0;
}

template <class Key, class Row>
std::size_t bytes_of(const ChangeSet::Rows<Key, Row>& rows) {
    std::size_t bytes = 0;
    for (const auto& [unused, row] : rows) bytes += row_overhead + (row ? text_bytes(*row) : 0);
    return bytes;
}

}  // namespace

bool ChangeSet::urgent() const {
    return !identities.empty() || !incidents.empty() || !members.empty() || !pending.empty() ||
           !timeline.empty() || !evidence.empty() || !outbox.empty() || !outbox_incidents.empty() ||
           !alertmanager_sent.empty() || !attempts.empty() || !audit.empty() ||
           !idempotency.empty();
}

bool ChangeSet::empty() const {
    return !urgent() && sources.empty() && recovery_marks.empty() && positions.empty() &&
           coverage.empty() && templates.empty() && meta.empty();
}

std::size_t ChangeSet::bytes() const {
    return bytes_of(identities) + bytes_of(incidents) + bytes_of(members) + bytes_of(pending) +
           bytes_of(timeline) + bytes_of(evidence) + bytes_of(sources) + bytes_of(recovery_marks) +
           bytes_of(positions) + bytes_of(coverage) + bytes_of(templates) + bytes_of(outbox) +
           bytes_of(outbox_incidents) + bytes_of(alertmanager_sent) + bytes_of(audit) +
           bytes_of(idempotency) + attempts.size() * row_overhead + meta.size() * row_overhead;
}

void ChangeSet::merge(ChangeSet later) {
    lay_over(identities, std::move(later.identities));
    lay_over(incidents, std::move(later.incidents));
    lay_over(members, std::move(later.members));
    lay_over(pending, std::move(later.pending));
    lay_over(timeline, std::move(later.timeline));
    lay_over(evidence, std::move(later.evidence));
    lay_over(sources, std::move(later.sources));
    lay_over(recovery_marks, std::move(later.recovery_marks));
    lay_over(positions, std::move(later.positions));
    lay_over(coverage, std::move(later.coverage));
    lay_over(templates, std::move(later.templates));
    lay_over(outbox, std::move(later.outbox));
    lay_over(outbox_incidents, std::move(later.outbox_incidents));
    lay_over(alertmanager_sent, std::move(later.alertmanager_sent));
    lay_over(audit, std::move(later.audit));
    lay_over(idempotency, std::move(later.idempotency));
    attempts.insert(attempts.end(), std::make_move_iterator(later.attempts.begin()),
                    std::make_move_iterator(later.attempts.end()));
    for (auto& [name, value] : later.meta) meta.insert_or_assign(name, std::move(value));
}

}  // namespace runnerwatch
