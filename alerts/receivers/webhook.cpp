#include "alerts/receivers/webhook.h"

#include "alerts/steps_json.h"
#include "parsers/digest.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using nlohmann::json;

namespace {

json time_or_null(const std::optional<Timestamp>& at) {
    return at ? json(format_time(*at)) : json();
}

json incident_to_json(const MessageIncident& incident) {
    const IncidentRow& row = incident.row;
    json members = json::array();
    for (const auto& member : incident.members)
        members.push_back({{"name", member.place.member},
                           {"state", to_string(member.state)},
                           {"count", member.count},
                           {"first_seen", time_or_null(member.first_seen)},
                           {"last_seen", time_or_null(member.last_seen)},
                           {"node", member.place.node}});
    json value = {{"reason", to_string(incident.reason)},
                  {"id", row.ulid},
                  {"number", row.number > 0 ? json(row.number) : json()},
                  {"rule", row.rule},
                  {"catalog", row.catalog},
                  {"title", row.title},
                  {"impact", row.impact},
                  {"severity", to_string(row.severity)},
                  {"response", to_string(row.response)},
                  {"state", to_string(row.state)},
                  {"cluster", row.cluster},
                  {"namespace", row.namespace_},
                  {"workload", row.workload},
                  {"scope", row.scope_words},
                  {"fields", json::parse(row.fields)},
                  {"first_seen", time_or_null(row.first_seen)},
                  {"last_seen", time_or_null(row.last_seen)},
                  {"ended_at", time_or_null(row.ended_at)},
                  {"clock", to_string(row.clock)},
                  {"count", row.count},
                  {"occurrence", row.occurrence},
                  {"members", members},
                  {"line", row.headline},
                  {"causes", json::parse(row.causes)},
                  {"symptoms", json::parse(row.symptoms)},
                  {"waiting_for", row.waiting_for},
                  {"proof", row.proof},
                  {"acknowledged_by", row.acknowledged_by},
                  {"assignee", row.assignee},
                  {"woke_because", row.woke_because}};
    value["fix"] = incident.fix_title.empty()
                       ? json()
                       : json{{"title", incident.fix_title},
                              {"steps", steps_json<json>(incident.fix_steps)},
                              {"verify", incident.fix_verify}};
    return value;
}

}  // namespace

std::string webhook_event_type(const Message& message) {
    if (message.kind != "group") return "digest." + message.kind;
    if (message.incidents.empty()) return "incident.updated";
    return std::string("incident.") + to_string(message.incidents.front().reason);
}

DeliveryRequest webhook_request(const Message& message, const WebhookTarget& target) {
    json incidents = json::array();
    for (const auto& incident : message.incidents) incidents.push_back(incident_to_json(incident));
    const std::string type = webhook_event_type(message);
    const json body = {{"type", type},
                       {"timestamp", format_time(message.at)},
                       {"data",
                        {{"subject", subject_of(message)},
                         {"text", text_of(message)},
                         {"group", message.labels},
                         {"incidents", incidents},
                         {"incidents_beyond", message.beyond},
                         {"note", message.note}}}};
    DeliveryRequest request;
    request.url = target.url;
    request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
    const std::string seconds = std::to_string(
        std::chrono::floor<std::chrono::seconds>(message.at).time_since_epoch().count());
    request.headers = {
        {"content-type", "application/json"},      {"user-agent", "runnerwatch"},
        {"webhook-id", message.delivery_key},      {"webhook-timestamp", seconds},
        {"idempotency-key", message.delivery_key}, {"ce-specversion", "1.0"},
        {"ce-id", message.delivery_key},           {"ce-source", "/runnerwatch"},
        {"ce-type", "io.runnerwatch." + type},     {"ce-time", format_time(message.at)}};
    if (!message.incidents.empty())
        request.headers.emplace_back("ce-subject", message.incidents.front().row.ulid);
    if (!target.secret.empty())
        request.headers.emplace_back(
            "webhook-signature",
            "v1," + webhook_signature(target.secret,
                                      message.delivery_key + "." + seconds + "." + request.body));
    return request;
}

}  // namespace runnerwatch
