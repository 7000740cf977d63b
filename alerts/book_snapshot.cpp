#include "alerts/book_state.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using nlohmann::json;

namespace {

json words(const std::optional<Timestamp>& at) { return at ? json(format_time(*at)) : json(); }

json incident_words(const Incident& incident) {
    const IncidentRow& row = incident.row;
    json members = json::array(), evidence = json::array();
    for (const auto& [name, member] : incident.members)
        members.push_back({name, member.place.instance, to_string(member.state),
                           words(member.first_seen), words(member.last_seen), member.count,
                           member.last_line, words(member.waits_since), member.proof,
                           words(member.recovered_at), member.successor});
    for (const auto& [slot, proof] : incident.evidence)
        evidence.push_back({slot, proof.ordinal, proof.instance, proof.first_line, proof.last_line,
                            proof.hash, proof.rule});
    return {
        {"key", row.key},
        {"ulid", row.ulid},
        {"identity", row.identity},
        {"occurrence", row.occurrence},
        {"previous", row.previous},
        {"severity", to_string(row.severity)},
        {"state", to_string(row.state)},
        {"first", words(row.first_seen)},
        {"last", words(row.last_seen)},
        {"ended", words(row.ended_at)},
        {"count", row.count},
        {"evidence_count", row.evidence_count},
        {"changes", row.changes},
        {"reopened", row.reopened},
        {"flapping", row.flapping},
        {"folded_into", row.folded_into},
        {"symptoms", row.symptoms},
        {"causes", row.causes},
        {"scope", row.scope_words},
        {"waiting_for", row.waiting_for},
        {"proof", row.proof},
        {"acknowledged", {row.acknowledged_by, words(row.acknowledged_until)}},
        {"snoozed",
         {row.snoozed_by, words(row.snoozed_until), row.snoozed_count, row.snoozed_until_worse}},
        {"wakes", {row.wakes, row.woke_because}},
        {"assignee", row.assignee},
        {"tags", row.tags},
        {"merged_into", row.merged_into},
        {"resolved_by", row.resolved_by},
        {"members", members},
        {"evidence", evidence}};
}

}  // namespace

std::string IncidentBook::snapshot() const {
    json all;
    for (const auto& [key, incident] : state_->incidents)
        all["incidents"].push_back(incident_words(incident));
    for (const auto& [identity, key] : state_->current) all["current"].push_back({identity, key});
    for (const auto& [into, keys] : state_->merged) all["merged"].push_back({into, keys});
    for (const auto& [identity, waiting] : state_->pending)
        all["pending"].push_back({identity, pending_to_json(waiting)});
    for (const auto* index : {&state_->promises, &state_->sequences})
        for (const auto& [key, identities] : *index)
            for (const auto& identity : identities) all["waits"].push_back({key, identity});
    for (const auto& [identity, row] : state_->identities)
        all["identities"].push_back(
            {identity, row.occurrences, row.last_incident, row.recent_openings});
    for (const auto& [instance, row] : state_->sources)
        all["sources"].push_back({instance, row.place.member, words(row.started_at),
                                  words(row.watermark), row.ended, row.gone});
    for (const auto& [instance, marks] : state_->marks)
        for (const RecoveryMarkRow* row : marks.sorted())
            all["marks"].push_back(
                {instance, row->pattern, row->values, words(row->at), row->line, row->text});
    for (const auto& [key, instances] : state_->wanted)
        for (const auto& [instance, due] : instances)
            all["wanted"].push_back({key, instance, words(due)});
    return all.dump(1, ' ', false, json::error_handler_t::replace);
}

}  // namespace runnerwatch
