#include "daemon/api/incident_json.h"

#include "alerts/message.h"
#include "alerts/steps_json.h"
#include "storage/coverage.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using json = nlohmann::ordered_json;

namespace {

json time_or_null(const std::optional<Timestamp>& at) {
    return at ? json(format_time(*at)) : json();
}

json parsed(const std::string& text, json otherwise) {
    return text.empty() ? otherwise : json::parse(text);
}

json member_to_json(const MemberRow& member) {
    return {{"name", member.place.member},
            {"cluster", member.place.cluster},
            {"namespace", member.place.namespace_},
            {"workload", member.place.workload},
            {"node", member.place.node},
            {"container", member.place.container},
            {"instance", member.place.instance},
            {"state", to_string(member.state)},
            {"first_seen", time_or_null(member.first_seen)},
            {"last_seen", time_or_null(member.last_seen)},
            {"recovered_at", time_or_null(member.recovered_at)},
            {"count", member.count},
            {"proof", member.proof},
            {"successor", member.successor}};
}

json timeline_to_json(const TimelineRow& row) {
    return {{"change", row.change},
            {"at", time_or_null(row.at)},
            {"clock", to_string(row.clock)},
            {"kind", row.kind},
            {"actor", row.actor},
            {"text", row.text},
            {"details", parsed(row.details, json::object())},
            {"evidence", row.evidence_ref}};
}

json evidence_to_json(const EvidenceRow& row) {
    return {{"ordinal", row.ordinal},
            {"at", time_or_null(row.at)},
            {"rule", row.rule},
            {"member", row.member},
            {"instance", row.instance},
            {"first_line", row.first_line},
            {"last_line", row.last_line},
            {"text", row.text},
            {"before", row.context_before},
            {"hash", row.hash}};
}

// One attempt to tell a receiver; `told` is the state of this incident that it told.
json delivery_to_json(const DeliveryAttemptRow& row, const std::string& incident) {
    const json told = json::parse(row.told, nullptr, false);
    return {{"at", format_time(row.at)},
            {"receiver", row.receiver},
            {"verdict", row.verdict},
            {"attempt", row.attempt},
            {"status", row.status},
            {"error", row.error},
            {"told", told.is_object() ? told.value(incident, "") : std::string()},
            {"key", row.delivery_key}};
}

json gap_to_json(const IncidentStory::Gap& gap) {
    return {{"member", gap.place.member},
            {"container", gap.place.container},
            {"instance", gap.row.instance},
            {"kind", gap.row.kind},
            {"certainty", gap.row.certainty},
            {"from", time_or_null(gap.row.from)},
            {"to", time_or_null(gap.row.to)},
            {"lines", gap.row.lines < 0 ? json() : json(gap.row.lines)},
            {"says", gap_words(gap.row)}};
}

json fix_to_json(const std::optional<Fix>& fix) {
    if (!fix) return {};
    return {{"title", fix->title},
            {"steps", steps_json<json>(fix->steps)},
            {"not_a_fix", fix->not_a_fix},
            {"verify", fix->verify}};
}

// An incident where another one is told.
json brief(const IncidentRow& row) {
    const json causes = parsed(row.causes, json::array());
    return {{"number", row.number},
            {"id", row.ulid},
            {"rule", row.rule},
            {"title", row.title},
            {"severity", to_string(row.severity)},
            {"state", to_string(row.state)},
            {"namespace", row.namespace_},
            {"workload", row.workload},
            {"scope", row.scope_words},
            {"first_seen", time_or_null(row.first_seen)},
            {"last_seen", time_or_null(row.last_seen)},
            {"ended_at", time_or_null(row.ended_at)},
            {"count", row.count},
            {"occurrence", row.occurrence},
            {"cause", causes.empty() ? json() : causes.front().value("says", json())},
            {"proof", row.proof}};
}

// null: it is not snoozed.
json snooze_to_json(const IncidentRow& row) {
    if (row.snoozed_by.empty()) return {};
    return {{"by", row.snoozed_by},
            {"until", time_or_null(row.snoozed_until)},
            {"count", row.snoozed_count > 0 ? json(row.snoozed_count) : json()},
            {"until_worse", row.snoozed_until_worse}};
}

json tags_of(const IncidentRow& row) { return json(tag_list(row.tags)); }

}  // namespace

json incident_to_json(const IncidentRow& row) {
    return {{"number", row.number},
            {"id", row.ulid},
            {"key", row.key},
            {"rule", row.rule},
            {"catalog", row.catalog},
            {"also", parsed(row.also, json::array())},
            {"title", row.title},
            {"impact", row.impact},
            {"severity", to_string(row.severity)},
            {"opened_severity", to_string(row.opened_severity)},
            {"response", to_string(row.response)},
            {"state", to_string(row.state)},
            {"cluster", row.cluster},
            {"namespace", row.namespace_},
            {"workload", row.workload},
            {"scope", row.scope_words},
            {"fields", parsed(row.fields, json::object())},
            {"causes", parsed(row.causes, json::array())},
            {"symptoms", parsed(row.symptoms, json::object())},
            {"line", row.headline},
            {"first_seen", time_or_null(row.first_seen)},
            {"last_seen", time_or_null(row.last_seen)},
            {"ended_at", time_or_null(row.ended_at)},
            {"noted_at", format_time(row.noted_at)},
            {"clock", to_string(row.clock)},
            {"count", row.count},
            {"occurrence", row.occurrence},
            {"previous", row.previous},
            {"reopened", row.reopened},
            {"flapping", row.flapping},
            {"folded_into", row.folded_into},
            {"waiting_for", row.waiting_for},
            {"proof", row.proof},
            {"acknowledged_by", row.acknowledged_by},
            {"acknowledged_until", time_or_null(row.acknowledged_until)},
            {"snooze", snooze_to_json(row)},
            {"assignee", row.assignee},
            {"tags", tags_of(row)},
            {"merged_into", row.merged_into},
            {"resolved_by", row.resolved_by},
            {"changes", row.changes}};
}

json story_to_json(const IncidentStory& story, const RulePack& pack) {
    const IncidentDetail& detail = story.detail;
    json value = incident_to_json(detail.incident);
    value["values"] = parsed(detail.incident.values, json::object());
    value["members_beyond"] = detail.incident.members_beyond;
    value["evidence_count"] = detail.incident.evidence_count;
    value["cause_incident"] = story.cause ? brief(*story.cause) : json();
    value["merged_with"] = story.whole ? brief(*story.whole) : json();
    value["merged"] = json::array();
    for (const auto& part : story.parts) value["merged"].push_back(brief(part));
    value["fix"] = fix_to_json(fix_for(detail.incident, detail.members, pack));
    for (const char* list :
         {"members", "timeline", "evidence", "deliveries", "owed", "gaps", "earlier"})
        value[list] = json::array();
    for (const auto& member : detail.members) value["members"].push_back(member_to_json(member));
    for (const auto& row : detail.timeline) value["timeline"].push_back(timeline_to_json(row));
    for (const auto& row : detail.evidence) value["evidence"].push_back(evidence_to_json(row));
    for (const auto& row : story.deliveries)
        value["deliveries"].push_back(delivery_to_json(row, detail.incident.key));
    for (const auto& row : story.owed)
        value["owed"].push_back({{"receiver", row.receiver},
                                 {"group", row.group_key},
                                 {"told", row.told},
                                 {"owed", row.owed}});
    for (const auto& gap : story.gaps) value["gaps"].push_back(gap_to_json(gap));
    for (const auto& row : story.earlier) value["earlier"].push_back(brief(row));
    return value;
}

json similar_to_json(const std::vector<SimilarIncident>& similar) {
    json list = json::array();
    for (const auto& one : similar) {
        json value = brief(one.incident);
        value["changes"] = json::array();
        for (const auto& row : one.changes) value["changes"].push_back(timeline_to_json(row));
        list.push_back(std::move(value));
    }
    return list;
}

std::string problem_json(int status, const std::string& title, const std::string& detail) {
    const json body = {
        {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace runnerwatch
