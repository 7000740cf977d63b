#pragma once

#include "storage/change_set.h"
#include "storage/row_io.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

// Rows with something in every column, for whichever columns the tables have.
namespace runnerwatch {

// Values that no other column of no other row has, and that are easy to get wrong: quotes, a NUL,
// bytes that are no UTF-8, numbers beyond 32 bits.
class Filler {
public:
    enum class Texts { hostile, plain };
    explicit Filler(int seed, Texts texts) : next_(seed * 1'000), texts_(texts) {}

    template <class Value>
    void fill(Value& value, const char* column) {
        ++next_;
        if constexpr (std::is_same_v<Value, std::string>)
            value = std::string(column) +
                    (texts_ == Texts::plain ? " " : " '\"\\ ‹ö› " + std::string("\0\xff\n", 3)) +
                    std::to_string(next_);
        else if constexpr (std::is_same_v<Value, bool>)
            value = true;
        else if constexpr (std::is_same_v<Value, Timestamp> ||
                           std::is_same_v<Value, std::optional<Timestamp>>)
            value = Timestamp(std::chrono::hours(24 * 20'000)) + Duration(next_);
        else if constexpr (std::is_enum_v<Value>)
            value = static_cast<Value>(value == static_cast<Value>(1) ? 0 : 1);  // no default
        else if constexpr (sizeof(Value) == 8)
            value = static_cast<Value>(5'000'000'000 + next_);
        else
            value = static_cast<Value>(next_);
    }

private:
    std::int64_t next_;
    Texts texts_;
};

template <class Row>
Row filled(int seed, Filler::Texts texts = Filler::Texts::hostile) {
    Row row;
    Filler filler(seed, texts);
    for_each_column<Row>([&](const auto& column) { filler.fill(column.access(row), column.name); });
    return row;
}

// One row of every kind that a commit can write.
inline ChangeSet filled_changes(int seed, Filler::Texts texts = Filler::Texts::hostile) {
    ChangeSet set;
    const auto identity = filled<IdentityRow>(seed, texts);
    set.identities[identity.identity] = identity;
    const auto incident = filled<IncidentRow>(seed, texts);
    set.incidents[incident.key] = incident;
    auto member = filled<MemberRow>(seed, texts);
    member.incident = incident.key;
    set.members[{member.incident, member.place.member}] = member;
    const auto pending = filled<PendingRow>(seed, texts);
    set.pending[pending.identity] = pending;
    auto change = filled<TimelineRow>(seed, texts);
    change.incident = incident.key;
    set.timeline[{change.incident, change.change}] = change;
    auto note = filled<TimelineRow>(seed, texts);
    note.incident = incident.key;
    note.change = change.change + 1;
    note.kind = "note";
    set.timeline[{note.incident, note.change}] = note;
    auto evidence = filled<EvidenceRow>(seed, texts);
    evidence.incident = incident.key;
    set.evidence[{evidence.incident, evidence.slot}] = evidence;
    const auto source = filled<SourceRow>(seed, texts);
    set.sources[source.place.instance] = source;
    const auto mark = filled<RecoveryMarkRow>(seed, texts);
    set.recovery_marks[{mark.instance, mark.pattern, mark.values}] = mark;
    const auto position = filled<PositionRow>(seed, texts);
    set.positions[position.instance] = position;
    const auto coverage = filled<CoverageRow>(seed, texts);
    set.coverage[{coverage.instance, coverage.ordinal}] = coverage;
    const auto unknown = filled<TemplateRow>(seed, texts);
    set.templates[unknown.id] = unknown;
    const auto outbox = filled<OutboxRow>(seed, texts);
    set.outbox[{outbox.receiver, outbox.group_key}] = outbox;
    const auto told = filled<OutboxIncidentRow>(seed, texts);
    set.outbox_incidents[{told.receiver, told.group_key, told.incident}] = told;
    const auto sent = filled<AlertmanagerSentRow>(seed, texts);
    set.alertmanager_sent[{sent.receiver, sent.url, sent.labels}] = sent;
    auto attempt = filled<DeliveryAttemptRow>(seed, texts);
    attempt.told = R"({"incident )" + std::to_string(seed) + R"(": "opened"})";
    set.attempts.push_back(attempt);
    auto audit = filled<AuditRow>(seed, texts);
    audit.incident = incident.key;
    set.audit[{audit.incident, audit.change}] = audit;
    const auto answered = filled<IdempotencyRow>(seed, texts);
    set.idempotency[answered.key] = answered;
    set.meta["seed " + std::to_string(seed)] = std::to_string(seed);
    return set;
}

// A folder that goes with the test.
class TestFolder {
public:
    TestFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "runnerwatch-storage-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no folder: " + name);
        path = name;
    }
    ~TestFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    std::string file(const std::string& name = "runnerwatch.db") const {
        return (path / name).string();
    }

    std::filesystem::path path;
};

}  // namespace runnerwatch
