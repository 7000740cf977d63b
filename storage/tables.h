#pragma once

#include "storage/rows.h"
#include "storage/sqlite.h"

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// How rows and tables belong together. Each table's columns are listed once, here; inserting,
// updating, deleting and reading follow from the list. Only storage/ includes this.
namespace runnerwatch {

template <class Access>
struct Column {
    const char* name;
    Access access;
    bool blob = false;
};

template <class Access>
Column(const char*, Access) -> Column<Access>;

template <class Row>
struct Table;  // name, key_columns (the first ones), columns()

#define COLUMN(sql, member)                                \
    Column {                                               \
        sql, [](auto& row) -> auto& { return row.member; } \
    }

template <>
struct Table<IdentityRow> {
    static constexpr const char* name = "identity";
    static constexpr int key_columns = 1;
    static auto columns() {
        return std::tuple{COLUMN("identity", identity), COLUMN("occurrences", occurrences),
                          COLUMN("last_incident", last_incident),
                          COLUMN("recent_openings", recent_openings)};
    }
};

template <>
struct Table<IncidentRow> {
    static constexpr const char* name = "incident";
    static constexpr int key_columns = 1;
    static auto columns() {
        return std::tuple{COLUMN("key", key),
                          COLUMN("ulid", ulid),
                          COLUMN("number", number),
                          COLUMN("identity", identity),
                          COLUMN("occurrence", occurrence),
                          COLUMN("previous", previous),
                          COLUMN("rule", rule),
                          COLUMN("catalog", catalog),
                          COLUMN("title", title),
                          COLUMN("impact", impact),
                          COLUMN("severity", severity),
                          COLUMN("opened_severity", opened_severity),
                          COLUMN("response", response),
                          COLUMN("state", state),
                          COLUMN("cluster", cluster),
                          COLUMN("namespace", namespace_),
                          COLUMN("workload", workload),
                          COLUMN("scope_words", scope_words),
                          COLUMN("fields", fields),
                          COLUMN("\"values\"", values),
                          COLUMN("causes", causes),
                          COLUMN("also", also),
                          COLUMN("symptoms", symptoms),
                          COLUMN("headline", headline),
                          COLUMN("waiting_for", waiting_for),
                          COLUMN("proof", proof),
                          COLUMN("folded_into", folded_into),
                          COLUMN("first_seen", first_seen),
                          COLUMN("last_seen", last_seen),
                          COLUMN("ended_at", ended_at),
                          COLUMN("clock", clock),
                          COLUMN("noted_at", noted_at),
                          COLUMN("count", count),
                          COLUMN("evidence_count", evidence_count),
                          COLUMN("members_beyond", members_beyond),
                          COLUMN("changes", changes),
                          COLUMN("reopened", reopened),
                          COLUMN("flapping", flapping),
                          COLUMN("acknowledged_by", acknowledged_by),
                          COLUMN("acknowledged_until", acknowledged_until),
                          COLUMN("snoozed_by", snoozed_by),
                          COLUMN("snoozed_until", snoozed_until),
                          COLUMN("snoozed_count", snoozed_count),
                          COLUMN("snoozed_until_worse", snoozed_until_worse),
                          COLUMN("wakes", wakes),
                          COLUMN("woke_because", woke_because),
                          COLUMN("assignee", assignee),
                          COLUMN("tags", tags),
                          COLUMN("merged_into", merged_into),
                          COLUMN("resolved_by", resolved_by)};
    }
};

template <>
struct Table<MemberRow> {
    static constexpr const char* name = "member";
    static constexpr int key_columns = 2;
    static auto columns() {
        return std::tuple{COLUMN("incident", incident),
                          COLUMN("member", place.member),
                          COLUMN("member_uid", place.member_uid),
                          COLUMN("member_created", place.member_created),
                          COLUMN("cluster", place.cluster),
                          COLUMN("namespace", place.namespace_),
                          COLUMN("workload", place.workload),
                          COLUMN("container", place.container),
                          COLUMN("node", place.node),
                          COLUMN("instance", place.instance),
                          COLUMN("state", state),
                          COLUMN("first_seen", first_seen),
                          COLUMN("last_seen", last_seen),
                          COLUMN("count", count),
                          COLUMN("last_line", last_line),
                          COLUMN("waits_since", waits_since),
                          COLUMN("proof", proof),
                          COLUMN("recovered_at", recovered_at),
                          COLUMN("successor", successor),
                          COLUMN("version", place.version)};
    }
};

template <>
struct Table<PendingRow> {
    static constexpr const char* name = "pending";
    static constexpr int key_columns = 1;
    static auto columns() {
        return std::tuple{COLUMN("identity", identity), COLUMN("rule", rule), COLUMN("hits", hits)};
    }
};

template <>
struct Table<TimelineRow> {
    static constexpr const char* name = "timeline";
    static constexpr int key_columns = 2;
    static auto columns() {
        return std::tuple{COLUMN("incident", incident),
                          COLUMN("change", change),
                          COLUMN("at", at),
                          COLUMN("clock", clock),
                          COLUMN("kind", kind),
                          COLUMN("actor", actor),
                          COLUMN("text", text),
                          COLUMN("details", details),
                          COLUMN("evidence_ref", evidence_ref)};
    }
};

template <>
struct Table<EvidenceRow> {
    static constexpr const char* name = "evidence";
    static constexpr int key_columns = 2;
    static auto columns() {
        return std::tuple{COLUMN("incident", incident),
                          COLUMN("slot", slot),
                          COLUMN("ordinal", ordinal),
                          COLUMN("rule", rule),
                          COLUMN("instance", instance),
                          COLUMN("member", member),
                          COLUMN("at", at),
                          COLUMN("first_line", first_line),
                          COLUMN("last_line", last_line),
                          COLUMN("text", text),
                          COLUMN("context_before", context_before),
                          COLUMN("hash", hash)};
    }
};

template <>
struct Table<SourceRow> {
    static constexpr const char* name = "source";
    static constexpr int key_columns = 1;
    static auto columns() {
        return std::tuple{COLUMN("instance", place.instance),
                          COLUMN("cluster", place.cluster),
                          COLUMN("namespace", place.namespace_),
                          COLUMN("workload", place.workload),
                          COLUMN("member", place.member),
                          COLUMN("member_uid", place.member_uid),
                          COLUMN("member_created", place.member_created),
                          COLUMN("container", place.container),
                          COLUMN("node", place.node),
                          COLUMN("started_at", started_at),
                          COLUMN("watermark", watermark),
                          COLUMN("ended", ended),
                          COLUMN("gone", gone),
                          COLUMN("revision", revision),
                          COLUMN("version", place.version)};
    }
};

template <>
struct Table<RecoveryMarkRow> {
    static constexpr const char* name = "recovery_line";
    static constexpr int key_columns = 3;
    static auto columns() {
        return std::tuple{COLUMN("instance", instance), COLUMN("pattern", pattern),
                          COLUMN("\"values\"", values), COLUMN("at", at),
                          COLUMN("line", line),         COLUMN("text", text)};
    }
};

template <>
struct Table<PositionRow> {
    static constexpr const char* name = "position";
    static constexpr int key_columns = 1;
    static auto columns() {
        auto blob = COLUMN("blob", blob);
        blob.blob = true;
        return std::tuple{COLUMN("instance", instance),
                          COLUMN("kind", kind),
                          blob,
                          COLUMN("lines", lines),
                          COLUMN("open_record", open_record),
                          COLUMN("complete", complete),
                          COLUMN("updated_at", updated_at)};
    }
};

template <>
struct Table<CoverageRow> {
    static constexpr const char* name = "coverage";
    static constexpr int key_columns = 2;
    static auto columns() {
        return std::tuple{COLUMN("instance", instance), COLUMN("ordinal", ordinal),
                          COLUMN("kind", kind),         COLUMN("certainty", certainty),
                          COLUMN("\"from\"", from),     COLUMN("\"to\"", to),
                          COLUMN("lines", lines),       COLUMN("details", details),
                          COLUMN("noted_at", noted_at)};
    }
};

template <>
struct Table<TemplateRow> {
    static constexpr const char* name = "template";
    static constexpr int key_columns = 1;
    static auto columns() {
        return std::tuple{COLUMN("id", id),
                          COLUMN("text", text),
                          COLUMN("level", level),
                          COLUMN("example", example),
                          COLUMN("source", source),
                          COLUMN("count", count),
                          COLUMN("first_seen", first_seen),
                          COLUMN("last_seen", last_seen),
                          COLUMN("noted_at", noted_at)};
    }
};

template <>
struct Table<OutboxRow> {
    static constexpr const char* name = "outbox";
    static constexpr int key_columns = 2;
    static auto columns() {
        return std::tuple{COLUMN("receiver", receiver),
                          COLUMN("group_key", group_key),
                          COLUMN("kind", kind),
                          COLUMN("labels", labels),
                          COLUMN("due_at", due_at),
                          COLUMN("last_sent_at", last_sent_at),
                          COLUMN("next_attempt_at", next_attempt_at),
                          COLUMN("owed_since", owed_since),
                          COLUMN("attempts", attempts),
                          COLUMN("last_error", last_error),
                          COLUMN("note", note)};
    }
};

template <>
struct Table<OutboxIncidentRow> {
    static constexpr const char* name = "outbox_incident";
    static constexpr int key_columns = 3;
    static auto columns() {
        return std::tuple{COLUMN("receiver", receiver), COLUMN("group_key", group_key),
                          COLUMN("incident", incident), COLUMN("told", told), COLUMN("owed", owed)};
    }
};

template <>
struct Table<AlertmanagerSentRow> {
    static constexpr const char* name = "alertmanager_sent";
    static constexpr int key_columns = 3;
    static auto columns() {
        return std::tuple{COLUMN("receiver", receiver), COLUMN("url", url),
                          COLUMN("labels", labels),     COLUMN("incident", incident),
                          COLUMN("resolved", resolved), COLUMN("starts_at", starts_at),
                          COLUMN("ends_at", ends_at),   COLUMN("annotations", annotations),
                          COLUMN("sent_at", sent_at),   COLUMN("resolved_at", resolved_at)};
    }
};

template <>
struct Table<DeliveryAttemptRow> {
    static constexpr const char* name = "delivery_attempt";
    static constexpr int key_columns = 4;
    static auto columns() {
        return std::tuple{COLUMN("receiver", receiver),
                          COLUMN("delivery_key", delivery_key),
                          COLUMN("attempt", attempt),
                          COLUMN("at", at),
                          COLUMN("group_key", group_key),
                          COLUMN("verdict", verdict),
                          COLUMN("status", status),
                          COLUMN("error", error),
                          COLUMN("told", told)};
    }
};

template <>
struct Table<AuditRow> {
    static constexpr const char* name = "audit";
    static constexpr int key_columns = 2;
    static auto columns() {
        return std::tuple{
            COLUMN("incident", incident), COLUMN("change", change), COLUMN("at", at),
            COLUMN("actor", actor),       COLUMN("origin", origin), COLUMN("act", act),
            COLUMN("details", details)};
    }
};

template <>
struct Table<IdempotencyRow> {
    static constexpr const char* name = "idempotency";
    static constexpr int key_columns = 1;
    static auto columns() {
        return std::tuple{COLUMN("key", key), COLUMN("request", request), COLUMN("status", status),
                          COLUMN("answer", answer), COLUMN("at", at)};
    }
};

#undef COLUMN

}  // namespace runnerwatch
