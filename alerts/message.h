#pragma once

#include "alerts/dispatcher.h"
#include "parsers/rule.h"
#include "storage/store.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Why an incident is told (again).
enum class Reason {
    opened,
    was_open,  // it began and ended before anybody could be reached
    severity_raised,
    reopened,
    resolved,
    part_of,  // it turned out to be a symptom of another
    cannot_tell,
    flapping,
    snooze_ended,
    reminder,
    found_at_start
};

const char* to_string(Reason reason);
Reason reason_for(const DueMessage& message, const DueMessage::Entry& entry);

// One incident as a receiver is told it.
struct MessageIncident {
    static constexpr std::size_t members_max = 20;
    Reason reason = Reason::opened;
    IncidentRow row;
    std::vector<MemberRow> members;  // at most members_max
    std::string fix_title;
    std::vector<FixStep> fix_steps;
    std::string fix_verify;
};

// What is said, for any receiver. All text is redacted; visible_text has not been applied.
struct Message {
    static constexpr std::size_t incidents_max = 20;
    std::string receiver, delivery_key, kind;
    std::map<std::string, std::string> labels;
    std::vector<MessageIncident> incidents;  // worst first
    std::size_t beyond = 0;                  // incidents not listed
    std::string note;
    Timestamp at{};
};

Message compose(const DueMessage& due, const std::vector<IncidentDetail>& details,
                const RulePack& pack, Timestamp now);

// One line: "[critical] GitLab refuses this runner's job requests (403): 2 of 2 …".
std::string subject_of(const Message& message);

// Plain text for a person: what, since when, how wide, why, the first command.
std::string text_of(const Message& message);

// What to do about an incident, its values filled in: the fix of its first cause, else the rule's
// first. None where the pack no longer has the rule, or the rule no fix.
// Commands are for the manager that showed it first.
std::optional<Fix> fix_for(const IncidentRow& incident, const std::vector<MemberRow>& members,
                           const RulePack& pack);

// The cause most people should look at first: {id, confidence, says, …} of IncidentRow::causes.
struct TopCause {
    std::string id, catalog, confidence, says, disproved_by, fix;
};
std::optional<TopCause> top_cause(const IncidentRow& incident);

}  // namespace runnerwatch
