#pragma once

#include "storage/rows.h"

#include <optional>
#include <string>
#include <vector>

// What is asked of the history and what it answers. Times are source time unless a name says
// otherwise.
namespace runnerwatch {

// Behind which incident a page goes on. An incident that grows meanwhile moves ahead of it: pages
// never show one twice, and miss only what a new first page shows. Incidents of a daemon always
// have a last_seen: a line without a time is given ours.
struct IncidentCursor {
    Timestamp last_seen{};
    std::int64_t number = 0;
    bool operator==(const IncidentCursor&) const = default;
};

struct IncidentFilter {
    std::vector<IncidentState> states;  // empty: all
    std::vector<Severity> severities;   // empty: all
    std::string rule, namespace_;       // empty: any
    std::string workload;               // "Deployment/runner", or the name alone
    std::string pod;                    // or file: a member
    std::string version;                // of the runner of a member
    std::string runner;                 // the field of that name by which incidents are told apart
    std::string text;                   // words; each begins a word of one kept log line or note
    std::optional<bool> acknowledged, snoozed;
    std::string assignee, tag;
    std::vector<std::string> visible;  // namespaces; empty: all. What has none is in none of them
    bool parts_too = false;  // also what is merged into another, by itself; else it is only a part
    std::optional<Timestamp> since;  // it was going on at or after this
    std::optional<Timestamp> until;  // it had begun by then
    std::optional<IncidentCursor> after;
    std::size_t limit = 100;
};

struct IncidentDetail {
    IncidentRow incident;
    std::vector<MemberRow> members;
    std::vector<TimelineRow> timeline;
    std::vector<EvidenceRow> evidence;
};

// An incident and all that was kept of it. Where others are merged into it, its row is as it is
// shown (as_whole); members, timeline and lines are its own.
struct IncidentStory {
    static constexpr std::size_t earlier_max = 20;

    struct Gap {
        Place place;  // only the instance where the source is no longer known
        CoverageRow row;
    };
    IncidentDetail detail;
    std::vector<DeliveryAttemptRow> deliveries;  // that told it, in the order of their times
    std::vector<OutboxIncidentRow> owed;         // what receivers are told and owed of it now
    std::vector<Gap> gaps;                       // in the logs of its members, while it lasted
    std::vector<IncidentRow> earlier;  // occurrences, the latest first, at most earlier_max
    std::optional<IncidentRow> cause;  // whose symptom it is
    std::optional<IncidentRow> whole;  // what it is merged into, as that is shown
    std::vector<IncidentRow> parts;    // what is merged into it and into these, by number
};

// A past incident of the same rule, and what stands on its timeline that may have ended it:
// restarts, rollouts, and what people did and noted.
struct SimilarIncident {
    IncidentRow incident;
    std::vector<TimelineRow> changes;
};

// How many incidents of a filter have which value, for each of some properties.
struct IncidentFacets {
    static constexpr std::size_t values_max = 100;

    struct Facet {
        std::string name;
        std::vector<std::pair<std::string, std::int64_t>> values;  // most incidents first
        std::size_t beyond = 0;                                    // further values
    };
    std::int64_t incidents = 0;
    std::vector<Facet> facets;

    // rule, severity, namespace, workload, state, outcome (going_on, recovered, by_hand,
    // cannot_tell, folded); runner, pod, node and version, for which all incidents or their
    // members must be looked up.
    static const std::vector<std::string>& names();
};

// The moments of an incident that statistics are made of.
struct IncidentMoments {
    std::string key, rule, namespace_, workload;
    std::string version;   // of the runner of the member that showed it first; empty: not known
    bool snoozed = false;  // people kept it quiet when it began, or do
    bool drill = false;    // made to see what happens: it has the tag `drill`
    std::int64_t number = 0;
    IncidentState state = IncidentState::open;
    ClockKind clock = ClockKind::source;
    std::optional<Timestamp> started, ended;          // its first line; when recovery was proven
    std::optional<Timestamp> mitigated;               // the last recovery line of its members
    std::optional<Timestamp> previous_ended;          // of the occurrence before
    Timestamp detected{};                             // our clock
    std::optional<Timestamp> notified, acknowledged;  // our clock; the first of each
};

}  // namespace runnerwatch
