#pragma once

#include "parsers/rule.h"
#include "parsers/timestamp.h"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// What is remembered, as values: the words that storage, alerts and daemon share. Every text in
// here has been redacted. Times named *_seen, *_at of the log are source time; `noted_at` and
// what the outbox holds are our clock.
namespace runnerwatch {

// Where a line comes from.
struct Place {
    std::string cluster;     // clusters[].name; empty for files and scan
    std::string namespace_;  // empty for files
    std::string workload;    // "Deployment/gitlab-runner"; a file's path; scan's argument
    std::string member;      // pod name; a file's path
    std::string container;
    std::string node;
    std::string instance;  // one container instance or file: what positions are kept for
    std::string member_uid;
    std::optional<Timestamp> member_created;  // the API's creationTimestamp: which pod is newer
    std::string version{};  // of the runner: its own word or its image's tag; empty: not known
    bool operator==(const Place&) const = default;
};

enum class IncidentState { open, recovering, resolved, cannot_tell, folded };
enum class MemberState { failing, recovering, recovered, gone, replaced };
enum class ClockKind { source, ours };

const char* to_string(IncidentState state);
const char* to_string(MemberState state);
const char* to_string(ClockKind clock);

// Neither going on nor to be judged again by itself.
bool is_over(IncidentState state);

// The tags of an incident's row.
std::vector<std::string> tag_list(std::string_view tags);

std::optional<IncidentState> incident_state_from(std::string_view word);
std::optional<MemberState> member_state_from(std::string_view word);

struct IncidentRow {
    std::string key;          // 32 hex digits: hash of database id, identity and occurrence
    std::string ulid;         // 80 bits of the key behind the opening's time
    std::int64_t number = 0;  // "#1283"; given by the commit, 0 until then
    std::string identity;     // canonical text: rule, scope parts, identity fields
    std::int64_t occurrence = 1;
    std::string previous;  // key of the occurrence before, or empty
    std::string rule, catalog, title, impact;
    Severity severity = Severity::warning;
    Severity opened_severity = Severity::warning;
    Response response = Response::ticket;
    IncidentState state = IncidentState::open;
    std::string cluster, namespace_, workload;  // the parts the scope has; others empty
    std::string scope_words;                    // "2 of 2 pods of Deployment/gitlab-runner"
    std::string fields;                         // JSON object: identity fields
    std::string values;       // JSON object: captures and fields of the first record
    std::string causes;       // JSON array: {id, catalog, confidence, says, disproved_by, fix}
    std::string also;         // JSON array of catalogue ids
    std::string symptoms;     // JSON object: rule id -> {count, first, last}
    std::string headline;     // first physical line of the first record
    std::string waiting_for;  // what would end it, in words
    std::string proof;        // of the end: what was seen where and when
    std::string folded_into;  // key of the cause's incident
    std::optional<Timestamp> first_seen, last_seen, ended_at;
    ClockKind clock = ClockKind::source;  // of the three above
    Timestamp noted_at{};                 // our clock, at the opening
    std::int64_t count = 0;
    std::int64_t evidence_count = 0;  // records counted, folded symptoms included
    std::int64_t members_beyond = 0;  // members past the limit, counted only
    std::int64_t changes = 0;         // number of the last timeline row
    int reopened = 0;
    bool flapping = false;

    // What people did to it. Attributes, not states: nothing a log says takes them away. All times
    // are our clock; a name is empty where nobody did.
    std::string acknowledged_by;                  // who works on it: no reminders
    std::optional<Timestamp> acknowledged_until;  // none: until it is over
    std::string snoozed_by;                       // nobody is told until one of these:
    std::optional<Timestamp> snoozed_until;       //   this time,
    std::int64_t snoozed_count = 0;               //   a `count` of this (0: none),
    bool snoozed_until_worse = false;             //   a severity that rises
    std::int64_t wakes = 0;    // snoozes that ended by themselves: each is told once
    std::string woke_because;  // why the last one ended, in words
    std::string assignee;
    std::string tags;         // words in order, one space between them
    std::string merged_into;  // key of the incident it is shown and told as a part of
    std::string resolved_by;  // the person, while it is over by hand
    bool operator==(const IncidentRow&) const = default;
};

// How the first of `merged` is shown and told, which stands for all: open as long as any of them
// is, as severe as the worst that is not over, seen whenever one was. Its own is its name and
// scope, what people did to it, and the number of its last change.
IncidentRow as_whole(const std::vector<IncidentRow>& merged);

struct MemberRow {
    std::string incident;  // key
    Place place;           // instance: the one that showed it last
    MemberState state = MemberState::failing;
    std::optional<Timestamp> first_seen, last_seen;
    std::int64_t count = 0;
    std::uint64_t last_line = 0;            // in that instance
    std::optional<Timestamp> waits_since;   // our clock: gone, or its proof is awaited, since
    std::string proof;                      // why it counts as recovered or recovering
    std::optional<Timestamp> recovered_at;  // source time: the proof's line plus its hold-down
    std::string successor;                  // member whose evidence counted
    bool operator==(const MemberRow&) const = default;
};

// One identity that ever opened an incident.
struct IdentityRow {
    std::string identity;
    std::int64_t occurrences = 0;
    std::string last_incident;
    std::string recent_openings;  // JSON array of times: for flapping
    bool operator==(const IdentityRow&) const = default;
};

// Hits of an identity whose threshold is not met yet.
struct PendingRow {
    std::string identity;
    std::string rule;
    std::string hits;  // JSON; written and read by the incident book
    bool operator==(const PendingRow&) const = default;
};

struct TimelineRow {
    std::string incident;
    std::int64_t change = 0;  // from 1, per incident
    std::optional<Timestamp> at;
    ClockKind clock = ClockKind::source;
    std::string kind;   // opened, grew, symptom, severity, recovering, resolved, reopened, …
    std::string actor;  // "runnerwatch", a person, or the member
    std::string text;
    std::string details;       // JSON object
    std::string evidence_ref;  // "instance:line" of the log line that proves it
    bool operator==(const TimelineRow&) const = default;
};

// A record kept as proof. Slots 0–4 hold the first five, 5–19 the last fifteen.
struct EvidenceRow {
    static constexpr int first_max = 5;
    static constexpr int last_max = 15;
    std::string incident;
    int slot = 0;
    std::int64_t ordinal = 0;  // of the record within the incident, from 1
    std::string rule;          // the incident's, or a folded symptom's
    std::string instance, member;
    std::optional<Timestamp> at;
    std::uint64_t first_line = 0, last_line = 0;
    std::string text;            // redacted physical lines; grows by raw continuation lines
    std::string context_before;  // redacted lines before it
    std::string hash;            // SHA-256 of the redacted text
    bool operator==(const EvidenceRow&) const = default;
};

// A container instance or file the book knows: how far it is proven read, and whether it ended.
struct SourceRow {
    Place place;
    std::optional<Timestamp> started_at;
    std::optional<Timestamp> watermark;  // source time
    bool ended = false;                  // this container instance
    bool gone = false;                   // its pod
    std::string revision;                // of the workload's template; or empty
    bool operator==(const SourceRow&) const = default;
};

// The newest line of a source that matched one recovery pattern with these `same` values.
struct RecoveryMarkRow {
    std::string instance;
    std::string pattern;  // what the line is, whichever rules it is proof for
    std::string values;   // JSON object: the `same` fields the line has
    std::optional<Timestamp> at;
    std::uint64_t line = 0;
    std::string text;  // the line, redacted
    bool operator==(const RecoveryMarkRow&) const = default;
};

// Where reading of one source goes on and what proves it.
struct PositionRow {
    std::string instance;
    std::string kind;         // "pod", "file": who reads `blob`
    std::string blob;         // bytes
    std::uint64_t lines = 0;  // handed over so far: the number of the last line
    std::string open_record;  // JSON, or empty
    bool complete = false;    // ended and read to its end
    Timestamp updated_at{};   // our clock
    bool operator==(const PositionRow&) const = default;
};

// A span of a source that was read, or is known to be missing.
struct CoverageRow {
    std::string instance;
    std::int64_t ordinal = 0;  // per instance
    std::string kind;       // read, rotated_while_disconnected, tail_unproven, local_overload, …
    std::string certainty;  // proven, lost, possibly_lost, possibly_duplicated
    std::optional<Timestamp> from, to;  // source time
    std::int64_t lines = -1;            // exact count where known
    std::string details;
    Timestamp noted_at{};
    bool operator==(const CoverageRow&) const = default;
};

// Messages of warning and worse that no rule takes, by what they have in common.
struct TemplateRow {
    std::string id;       // "t-" and ten hex digits of the text's hash
    std::string text;     // "error: Job ‹n› failed"
    std::string level;    // warning, error, fatal, panic
    std::string example;  // the first record, redacted
    std::string source;   // where the last one stood, for people
    std::int64_t count = 0;
    std::optional<Timestamp> first_seen, last_seen;  // source time
    Timestamp noted_at{};                            // our clock, of the first
    bool operator==(const TemplateRow&) const = default;
};

// What is owed to one receiver about one group of incidents, and what it was told.
struct OutboxRow {
    std::string receiver, group_key;
    std::string kind;    // group, start (the digest of a start), daily (the tickets' digest)
    std::string labels;  // JSON object: what the group has in common
    std::optional<Timestamp> due_at, last_sent_at, next_attempt_at;
    std::optional<Timestamp> owed_since;
    int attempts = 0;  // of what is owed now
    std::string last_error;
    std::string note;  // digest: what else is to be said
    bool operator==(const OutboxRow&) const = default;
};

struct OutboxIncidentRow {
    std::string receiver, group_key, incident;
    std::string told;  // "", "opened", "severity:critical", "resolved", "cannot_tell", …
    std::string owed;
    bool operator==(const OutboxIncidentRow&) const = default;
};

struct AlertmanagerSentRow {
    std::string receiver, url, labels;  // labels: canonical JSON, the alert's identity
    std::string incident;
    bool resolved = false;
    std::string starts_at, ends_at, annotations;
    std::optional<Timestamp> sent_at, resolved_at;  // our clock
    bool operator==(const AlertmanagerSentRow&) const = default;
};

struct DeliveryAttemptRow {
    std::string receiver, group_key, delivery_key;
    int attempt = 0;
    Timestamp at{};
    std::string verdict;  // sent, retry, gave_up
    int status = 0;
    std::string error, told;  // told: JSON object incident -> state
    bool operator==(const DeliveryAttemptRow&) const = default;
};

// One change by a person. The timeline has the same for readers of an incident; this is for who
// asks what was done by whom, and how the request came.
struct AuditRow {
    std::string incident;     // key
    std::int64_t change = 0;  // the number of its timeline row
    Timestamp at{};           // our clock
    std::string actor;
    std::string origin;   // "api", "command"
    std::string act;      // ack, snooze, merge, …
    std::string details;  // JSON object
    bool operator==(const AuditRow&) const = default;
};

// The answer to a request that named itself, for when it is sent again.
struct IdempotencyRow {
    std::string key;
    std::string request;  // hash of method, path and body
    int status = 0;
    std::string answer;
    Timestamp at{};  // our clock
    bool operator==(const IdempotencyRow&) const = default;
};

}  // namespace runnerwatch
