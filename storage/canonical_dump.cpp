#include "storage/canonical_dump.h"

#include "storage/row_io.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

json words(const std::optional<Timestamp>& at) { return at ? json(format_time(*at)) : json(); }

json parsed(const std::string& text) {
    if (text.empty()) return {};
    json value = json::parse(text, nullptr, false);
    return value.is_discarded() ? json(text) : value;
}

json incident_to_json(const IncidentRow& row) {
    const bool timed = row.clock == ClockKind::source;
    return {{"key", row.key},
            {"identity", parsed(row.identity)},
            {"occurrence", row.occurrence},
            {"previous", row.previous},
            {"rule", row.rule},
            {"catalog", row.catalog},
            {"also", parsed(row.also)},
            {"severity", to_string(row.severity)},
            {"state", to_string(row.state)},
            {"fields", parsed(row.fields)},
            {"values", parsed(row.values)},
            {"causes", parsed(row.causes)},
            {"symptoms", parsed(row.symptoms)},
            {"headline", row.headline},
            {"proof", row.proof},
            {"folded_into", row.folded_into},
            {"first_seen", timed ? words(row.first_seen) : json()},
            {"last_seen", timed ? words(row.last_seen) : json()},
            {"ended_at", timed ? words(row.ended_at) : json()},
            {"clock", to_string(row.clock)},
            {"count", row.count},
            {"reopened", row.reopened},
            {"flapping", row.flapping}};
}

template <class Row>
std::vector<Row> rows_of_incident(Connection& connection, const std::string& key,
                                  const char* order) {
    Statement& query =
        connection.prepared("SELECT " + column_list<Row>() + " FROM " + Table<Row>::name +
                            " WHERE incident = ? ORDER BY " + order);
    query.bind(1, std::string_view(key));
    return rows_of<Row>(query);
}

// In the order of their times, not in the one they were read in: sources are read in any.
json in_order(std::vector<json> rows) {
    const auto time = [](const json& row) {
        return row.at("at").is_null() ? std::string() : row.at("at").get<std::string>();
    };
    std::stable_sort(rows.begin(), rows.end(), [&](const json& a, const json& b) {
        const std::string first = time(a), second = time(b);
        return first != second ? first < second : a < b;
    });
    return rows;
}

json of_incident(Connection& connection, const IncidentRow& incident) {
    json value = incident_to_json(incident);
    const bool timed = incident.clock == ClockKind::source;
    for (const auto& row : rows_of_incident<MemberRow>(connection, incident.key, "member"))
        value["members"].push_back({{"name", row.place.member},
                                    {"state", to_string(row.state)},
                                    {"count", row.count},
                                    {"last_line", row.last_line},
                                    {"first_seen", timed ? words(row.first_seen) : json()},
                                    {"last_seen", timed ? words(row.last_seen) : json()},
                                    {"proof", row.proof},
                                    {"successor", row.successor}});
    std::vector<json> timeline, evidence;
    for (const auto& row : rows_of_incident<TimelineRow>(connection, incident.key, "change")) {
        if (row.clock != ClockKind::source) continue;
        timeline.push_back({{"at", words(row.at)},
                            {"kind", row.kind},
                            {"actor", row.actor},
                            {"text", row.text},
                            {"details", parsed(row.details)},
                            {"evidence", row.evidence_ref}});
    }
    for (const auto& row : rows_of_incident<EvidenceRow>(connection, incident.key, "ordinal"))
        evidence.push_back({{"rule", row.rule},
                            {"member", row.member},
                            {"at", timed ? words(row.at) : json()},
                            {"lines", {row.first_line, row.last_line}},
                            {"text", row.text},
                            {"hash", row.hash}});
    if (!timeline.empty()) value["timeline"] = in_order(std::move(timeline));
    if (!evidence.empty()) value["evidence"] = in_order(std::move(evidence));
    return value;
}

}  // namespace

std::string dump_canonically(Connection& connection) {
    std::string dump;
    for (const auto& incident : select<IncidentRow>(connection, "ORDER BY key"))
        dump +=
            of_incident(connection, incident).dump(-1, ' ', false, json::error_handler_t::replace) +
            "\n";
    return dump;
}

}  // namespace runnerwatch
