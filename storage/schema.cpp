#include "storage/schema.h"

#include "storage/durable_rename.h"

namespace runnerwatch {

namespace {

// Times are nanoseconds since 1970 in UTC. Columns that hold JSON say so by what rows.h says.
constexpr const char* version_1 = R"sql(
PRAGMA application_id = 0x52776174;

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE identity (
    identity TEXT PRIMARY KEY, occurrences INTEGER NOT NULL, last_incident TEXT NOT NULL,
    recent_openings TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    key TEXT PRIMARY KEY, ulid TEXT NOT NULL UNIQUE, number INTEGER NOT NULL UNIQUE,
    identity TEXT NOT NULL, occurrence INTEGER NOT NULL, previous TEXT NOT NULL,
    rule TEXT NOT NULL, catalog TEXT NOT NULL, title TEXT NOT NULL, impact TEXT NOT NULL,
    severity TEXT NOT NULL, opened_severity TEXT NOT NULL, response TEXT NOT NULL,
    state TEXT NOT NULL, cluster TEXT NOT NULL, namespace TEXT NOT NULL, workload TEXT NOT NULL,
    scope_words TEXT NOT NULL, fields TEXT NOT NULL, "values" TEXT NOT NULL, causes TEXT NOT NULL,
    also TEXT NOT NULL, symptoms TEXT NOT NULL, headline TEXT NOT NULL, waiting_for TEXT NOT NULL,
    proof TEXT NOT NULL, folded_into TEXT NOT NULL, first_seen INTEGER, last_seen INTEGER,
    ended_at INTEGER, clock TEXT NOT NULL, noted_at INTEGER NOT NULL, count INTEGER NOT NULL,
    evidence_count INTEGER NOT NULL, members_beyond INTEGER NOT NULL, changes INTEGER NOT NULL,
    reopened INTEGER NOT NULL, flapping INTEGER NOT NULL, acknowledged_by TEXT NOT NULL) STRICT;
CREATE INDEX incident_history ON incident(rule, namespace, last_seen);
CREATE INDEX incident_state ON incident(state, last_seen);

CREATE TABLE member (
    incident TEXT NOT NULL, member TEXT NOT NULL, member_uid TEXT NOT NULL,
    member_created INTEGER, cluster TEXT NOT NULL, namespace TEXT NOT NULL,
    workload TEXT NOT NULL, container TEXT NOT NULL, node TEXT NOT NULL, instance TEXT NOT NULL,
    state TEXT NOT NULL, first_seen INTEGER, last_seen INTEGER, count INTEGER NOT NULL,
    last_line INTEGER NOT NULL, waits_since INTEGER, proof TEXT NOT NULL, recovered_at INTEGER,
    successor TEXT NOT NULL, PRIMARY KEY (incident, member)) STRICT, WITHOUT ROWID;

CREATE TABLE pending (
    identity TEXT PRIMARY KEY, rule TEXT NOT NULL, hits TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE timeline (
    incident TEXT NOT NULL, change INTEGER NOT NULL, at INTEGER, clock TEXT NOT NULL,
    kind TEXT NOT NULL, actor TEXT NOT NULL, text TEXT NOT NULL, details TEXT NOT NULL,
    evidence_ref TEXT NOT NULL, PRIMARY KEY (incident, change)) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
    incident TEXT NOT NULL, slot INTEGER NOT NULL, ordinal INTEGER NOT NULL, rule TEXT NOT NULL,
    instance TEXT NOT NULL, member TEXT NOT NULL, at INTEGER, first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL, text TEXT NOT NULL, context_before TEXT NOT NULL,
    hash TEXT NOT NULL, PRIMARY KEY (incident, slot)) STRICT;
CREATE VIRTUAL TABLE evidence_text USING fts5(text, content='evidence', content_rowid='rowid');
CREATE TRIGGER evidence_added AFTER INSERT ON evidence BEGIN
    INSERT INTO evidence_text(rowid, text) VALUES (new.rowid, new.text);
END;
CREATE TRIGGER evidence_removed AFTER DELETE ON evidence BEGIN
    INSERT INTO evidence_text(evidence_text, rowid, text) VALUES ('delete', old.rowid, old.text);
END;
CREATE TRIGGER evidence_changed AFTER UPDATE OF text ON evidence BEGIN
    INSERT INTO evidence_text(evidence_text, rowid, text) VALUES ('delete', old.rowid, old.text);
    INSERT INTO evidence_text(rowid, text) VALUES (new.rowid, new.text);
END;

CREATE TABLE source (
    instance TEXT PRIMARY KEY, cluster TEXT NOT NULL, namespace TEXT NOT NULL,
    workload TEXT NOT NULL, member TEXT NOT NULL, member_uid TEXT NOT NULL,
    member_created INTEGER, container TEXT NOT NULL, node TEXT NOT NULL, started_at INTEGER,
    watermark INTEGER, ended INTEGER NOT NULL, gone INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_line (
    instance TEXT NOT NULL, pattern TEXT NOT NULL, "values" TEXT NOT NULL,
    at INTEGER, line INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (instance, pattern, "values")) STRICT, WITHOUT ROWID;

CREATE TABLE position (
    instance TEXT PRIMARY KEY, kind TEXT NOT NULL, blob BLOB NOT NULL, lines INTEGER NOT NULL,
    open_record TEXT NOT NULL, complete INTEGER NOT NULL,
    updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (
    instance TEXT NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL, certainty TEXT NOT NULL,
    "from" INTEGER, "to" INTEGER, lines INTEGER NOT NULL, details TEXT NOT NULL,
    noted_at INTEGER NOT NULL, PRIMARY KEY (instance, ordinal)) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    receiver TEXT NOT NULL, group_key TEXT NOT NULL, kind TEXT NOT NULL, labels TEXT NOT NULL,
    due_at INTEGER, last_sent_at INTEGER, next_attempt_at INTEGER, owed_since INTEGER,
    attempts INTEGER NOT NULL, last_error TEXT NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (receiver, group_key)) STRICT, WITHOUT ROWID;

CREATE TABLE outbox_incident (
    receiver TEXT NOT NULL, group_key TEXT NOT NULL, incident TEXT NOT NULL, told TEXT NOT NULL,
    owed TEXT NOT NULL, PRIMARY KEY (receiver, group_key, incident)) STRICT, WITHOUT ROWID;

CREATE TABLE alertmanager_sent (
    receiver TEXT NOT NULL, url TEXT NOT NULL, labels TEXT NOT NULL, incident TEXT NOT NULL,
    resolved INTEGER NOT NULL, starts_at TEXT NOT NULL, ends_at TEXT NOT NULL,
    annotations TEXT NOT NULL, sent_at INTEGER, resolved_at INTEGER,
    PRIMARY KEY (receiver, url, labels)) STRICT, WITHOUT ROWID;

CREATE TABLE delivery_attempt (
    receiver TEXT NOT NULL, group_key TEXT NOT NULL, delivery_key TEXT NOT NULL,
    attempt INTEGER NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL, status INTEGER NOT NULL,
    error TEXT NOT NULL, told TEXT NOT NULL,
    PRIMARY KEY (receiver, delivery_key, attempt, at)) STRICT, WITHOUT ROWID;
)sql";

// Messages that no rule takes.
constexpr const char* version_2 = R"sql(
CREATE TABLE template (
    id TEXT PRIMARY KEY, text TEXT NOT NULL, level TEXT NOT NULL, example TEXT NOT NULL,
    source TEXT NOT NULL, count INTEGER NOT NULL, first_seen INTEGER, last_seen INTEGER,
    noted_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql";

// What tells a rollout.
constexpr const char* version_3 = R"sql(
ALTER TABLE source ADD COLUMN revision TEXT NOT NULL DEFAULT '';
)sql";

// Which deliveries told an incident, and pages of incidents.
constexpr const char* version_4 = R"sql(
CREATE TABLE delivery_incident (
    incident TEXT NOT NULL, receiver TEXT NOT NULL, delivery_key TEXT NOT NULL,
    PRIMARY KEY (incident, receiver, delivery_key)) STRICT, WITHOUT ROWID;
CREATE TRIGGER delivery_told AFTER INSERT ON delivery_attempt WHEN json_valid(new.told) BEGIN
    INSERT OR IGNORE INTO delivery_incident
        SELECT key, new.receiver, new.delivery_key FROM json_each(new.told);
END;
INSERT OR IGNORE INTO delivery_incident
    SELECT key, receiver, delivery_key FROM delivery_attempt,
        json_each(CASE WHEN json_valid(told) THEN told ELSE '{}' END);
CREATE INDEX outbox_of_incident ON outbox_incident(incident);
CREATE INDEX incident_newest ON incident(last_seen, number);
CREATE INDEX incident_of_rule ON incident(rule, last_seen, number);
)sql";

// What people do to incidents: attributes, notes as full text, who did what, and the answers to
// requests that may be sent again.
constexpr const char* version_5 = R"sql(
ALTER TABLE incident ADD COLUMN acknowledged_until INTEGER;
ALTER TABLE incident ADD COLUMN snoozed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN snoozed_until INTEGER;
ALTER TABLE incident ADD COLUMN snoozed_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN snoozed_until_worse INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN wakes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN woke_because TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN assignee TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN resolved_by TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_merged ON incident(merged_into) WHERE merged_into <> '';
CREATE INDEX incident_snoozed ON incident(snoozed_until) WHERE snoozed_until IS NOT NULL;

CREATE TABLE note (
    id INTEGER PRIMARY KEY, incident TEXT NOT NULL, change INTEGER NOT NULL, text TEXT NOT NULL,
    UNIQUE (incident, change)) STRICT;
CREATE VIRTUAL TABLE note_text USING fts5(text, content='note', content_rowid='id');
CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
    INSERT INTO note_text(rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER note_removed AFTER DELETE ON note BEGIN
    INSERT INTO note_text(note_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER note_written AFTER INSERT ON timeline WHEN new.kind = 'note' BEGIN
    INSERT OR IGNORE INTO note (incident, change, text)
        VALUES (new.incident, new.change, new.text);
END;
CREATE TRIGGER note_forgotten AFTER DELETE ON timeline WHEN old.kind = 'note' BEGIN
    DELETE FROM note WHERE incident = old.incident AND change = old.change;
END;
INSERT INTO note (incident, change, text)
    SELECT incident, change, text FROM timeline WHERE kind = 'note';

CREATE TABLE audit (
    incident TEXT NOT NULL, change INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
    origin TEXT NOT NULL, act TEXT NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (incident, change)) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit(at);

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL,
    at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql";

// Forgetting, and indexes for long histories. `lasting`: it goes on, or did for more than a day;
// all others are over a day after they began, so that those of a month stand together.
constexpr const char* version_6 = R"sql(
ALTER TABLE incident ADD COLUMN begun INTEGER
    AS (coalesce(first_seen, noted_at)) VIRTUAL;
ALTER TABLE incident ADD COLUMN lasting INTEGER
    AS (state IN ('open', 'recovering', 'cannot_tell') OR
        max(coalesce(last_seen, noted_at), coalesce(ended_at, last_seen, noted_at))
        - coalesce(first_seen, noted_at) > 86400000000000) VIRTUAL;
ALTER TABLE incident ADD COLUMN kept_since INTEGER
    AS (max(noted_at, coalesce(ended_at, last_seen, noted_at))) VIRTUAL;
ALTER TABLE incident ADD COLUMN workload_name TEXT
    AS (substr(workload, instr(workload, '/') + 1)) VIRTUAL;
ALTER TABLE incident ADD COLUMN outcome TEXT
    AS (CASE WHEN state IN ('open', 'recovering') THEN 'going_on'
             WHEN state = 'resolved' AND resolved_by <> '' THEN 'by_hand'
             WHEN state = 'resolved' THEN 'recovered' ELSE state END) VIRTUAL;

DROP INDEX incident_history;
DROP INDEX incident_state;
CREATE INDEX incident_history ON incident(rule, namespace, last_seen, number);
CREATE INDEX incident_of_namespace ON incident(namespace, last_seen, number);
CREATE INDEX incident_of_workload ON incident(workload_name, last_seen, number);
CREATE INDEX incident_of_state ON incident(state, last_seen, number);
CREATE INDEX incident_of_severity ON incident(severity, last_seen, number);
CREATE INDEX incident_lasting ON incident(last_seen, number, rule, namespace, workload_name, state,
    severity, begun, ended_at) WHERE lasting;
CREATE INDEX incident_facets ON incident(begun, lasting, last_seen, ended_at, rule, severity,
    namespace, workload, workload_name, state, outcome);
CREATE INDEX incident_forgettable ON incident(severity, kept_since)
    WHERE state = 'resolved' AND folded_into = '' AND merged_into = '';
CREATE INDEX incident_folded ON incident(folded_into) WHERE folded_into <> '';
CREATE INDEX member_name ON member(member);
CREATE INDEX delivery_by_time ON delivery_attempt(at);
CREATE INDEX told_by_delivery ON delivery_incident(receiver, delivery_key);
CREATE INDEX coverage_by_time ON coverage(noted_at);

CREATE TABLE hold (
    incident TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
    released_at INTEGER, released_by TEXT NOT NULL,
    PRIMARY KEY (incident, at)) STRICT, WITHOUT ROWID;
)sql";

// Which version of the runner showed an incident.
constexpr const char* version_7 = R"sql(
ALTER TABLE source ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE member ADD COLUMN version TEXT NOT NULL DEFAULT '';
CREATE INDEX member_version ON member(version) WHERE version <> '';
)sql";

// Which runner an incident is of.
constexpr const char* version_8 = R"sql(
ALTER TABLE incident ADD COLUMN runner TEXT
    AS (CASE WHEN json_valid(fields) THEN CAST(json_extract(fields, '$.runner') AS TEXT) END)
    VIRTUAL;
CREATE INDEX incident_of_runner ON incident(runner, last_seen, number) WHERE runner IS NOT NULL;
)sql";

}  // namespace

const std::vector<const char*>& migrations() {
    static const std::vector<const char*> all{version_1, version_2, version_3, version_4,
                                              version_5, version_6, version_7, version_8};
    return all;
}

std::string backup_name(const std::string& file, std::size_t version) {
    return file + ".before-v" + std::to_string(version) + ".backup";
}

// Whole or not at all: a copy that fails leaves what was there before.
static void back_up(Connection& connection, const std::string& file) {
    const std::string unfinished = file + ".unfinished";
    connection.copy_to(unfinished);
    rename_durably(unfinished, file);
}

bool is_ours(Connection& connection) {
    return connection.number("PRAGMA application_id") == application_id ||
           connection.number("SELECT count(*) FROM sqlite_schema") == 0;
}

void migrate(Connection& connection, const std::string& file,
             const std::vector<const char*>& steps) {
    const auto version = static_cast<std::size_t>(connection.user_version());
    if (version >= steps.size()) return;
    if (version > 0) back_up(connection, backup_name(file, steps.size()));
    Transaction transaction(connection);
    for (std::size_t step = version; step < steps.size(); ++step) connection.execute(steps[step]);
    connection.execute(("PRAGMA user_version = " + std::to_string(steps.size())).c_str());
    transaction.commit();
}

}  // namespace runnerwatch
