#pragma once

#include "storage/rows.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

// What people do to an incident. Attributes, not states: they survive re-fire, restart and merge,
// and nothing a log says takes them away. Only resolving by hand changes the state.
namespace runnerwatch {

// Somebody works on it: no reminders, until then or until it is over.
struct Acknowledge {
    std::string owner;  // empty: who acts
    std::optional<Timestamp> until;
};
struct Unacknowledge {};

// Nobody is told anything until the first of these; at least one is given.
struct Snooze {
    std::optional<Timestamp> until;
    std::optional<std::int64_t> count;  // times it was seen in all
    bool until_worse = false;           // its severity rises
};
struct Unsnooze {};

struct Assign {
    std::string to;  // empty: to nobody
};
struct AddNote {};  // the request's note
struct Tag {
    std::vector<std::string> tags;
};
struct Untag {
    std::vector<std::string> tags;
};

// Over, by a person's word; seen again it opens again.
struct ResolveByHand {};

// Shown and told as a part of another, whose key this is. It goes on counting and recovering on its
// own, so that a split leaves what would have been without the merge.
struct MergeInto {
    std::string into;
};
struct Split {};

using IncidentAct = std::variant<Acknowledge, Unacknowledge, Snooze, Unsnooze, Assign, AddNote, Tag,
                                 Untag, ResolveByHand, MergeInto, Split>;

// Its name on the timeline, in the audit and in the API: "ack", "snooze", …
const char* name_of(const IncidentAct& act);

// An act of a person. All text is redacted; sizes are bounded by the constants.
struct ActRequest {
    static constexpr std::size_t name_bytes_max = 100;  // of actor, owner, assignee
    static constexpr std::size_t tag_bytes_max = 60;
    static constexpr std::size_t tags_max = 20;  // of an incident
    static constexpr std::size_t note_bytes_max = 2'000;
    static constexpr std::chrono::hours until_max{366 * 24};

    std::string incident;  // key
    IncidentAct act;
    std::string actor;
    std::string origin;  // how it came: "api", "command"
    std::string note;    // why; a row of its own on the timeline
};

struct ActRefusal {
    enum class Kind {
        no_such_incident,
        invalid,   // what was asked makes no sense, whatever the incident
        conflict,  // it does not fit the incident as it stands
        full       // a limit
    };
    Kind kind = Kind::invalid;
    std::string what;  // what happened, why, which incident, what to do
};

struct ActDone {
    bool changed = false;  // false: it was so already
};

}  // namespace runnerwatch
