#include "daemon/api/incident_json.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using nlohmann::json;

namespace {

json time_or_null(const std::optional<Timestamp>& at) {
    return at ? json(format_time(*at)) : json();
}

json parsed(const std::string& text, json otherwise) {
    return text.empty() ? otherwise : json::parse(text);
}

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
            {"clock", to_string(row.clock)},
            {"count", row.count},
            {"occurrence", row.occurrence},
            {"previous", row.previous},
            {"reopened", row.reopened},
            {"flapping", row.flapping},
            {"folded_into", row.folded_into},
            {"waiting_for", row.waiting_for},
            {"proof", row.proof},
            {"acknowledged_by", row.acknowledged_by}};
}

json incident_to_json(const IncidentDetail& detail) {
    json value = incident_to_json(detail.incident);
    json members = json::array(), timeline = json::array(), evidence = json::array();
    for (const auto& member : detail.members)
        members.push_back({{"name", member.place.member},
                           {"namespace", member.place.namespace_},
                           {"node", member.place.node},
                           {"container", member.place.container},
                           {"state", to_string(member.state)},
                           {"first_seen", time_or_null(member.first_seen)},
                           {"last_seen", time_or_null(member.last_seen)},
                           {"count", member.count},
                           {"proof", member.proof},
                           {"successor", member.successor}});
    for (const auto& row : detail.timeline)
        timeline.push_back({{"at", time_or_null(row.at)},
                            {"clock", to_string(row.clock)},
                            {"kind", row.kind},
                            {"actor", row.actor},
                            {"text", row.text},
                            {"evidence", row.evidence_ref}});
    for (const auto& row : detail.evidence)
        evidence.push_back({{"ordinal", row.ordinal},
                            {"at", time_or_null(row.at)},
                            {"rule", row.rule},
                            {"member", row.member},
                            {"first_line", row.first_line},
                            {"last_line", row.last_line},
                            {"text", row.text},
                            {"before", row.context_before},
                            {"hash", row.hash}});
    value["members"] = std::move(members);
    value["timeline"] = std::move(timeline);
    value["evidence"] = std::move(evidence);
    return value;
}

std::string problem_json(int status, const std::string& title, const std::string& detail) {
    const json body = {
        {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace runnerwatch
