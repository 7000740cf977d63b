// What is asked of single incidents and of their history. Conditions are put together from fixed
// texts; values are always bound.
#include "storage/conditions.h"
#include "storage/incident_pages.h"
#include "storage/merged_incidents.h"
#include "storage/reader_impl.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace runnerwatch {
namespace {

std::optional<IncidentRow> incident_row(Connection& connection, const std::string& column,
                                        const std::string& value, std::int64_t number = 0) {
    Statement& query = connection.prepared("SELECT " + column_list<IncidentRow>() +
                                           " FROM incident WHERE " + column + " = ?");
    if (column == "number")
        query.bind(1, number);
    else
        query.bind(1, std::string_view(value));
    auto found = rows_of<IncidentRow>(query);
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

template <class Row>
std::vector<Row> of_incident(Connection& connection, const std::string& key, const char* more) {
    Statement& query = connection.prepared("SELECT " + column_list<Row>() + " FROM " +
                                           Table<Row>::name + " WHERE incident = ? " + more);
    query.bind(1, std::string_view(key));
    return rows_of<Row>(query);
}

std::optional<IncidentDetail> detail_of(Connection& connection, std::string_view id) {
    if (!id.empty() && id.front() == '#') id.remove_prefix(1);
    const bool is_number =
        !id.empty() && id.size() < 19 &&
        std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    const std::string text(id);
    auto row = is_number ? incident_row(connection, "number", "", std::stoll(text))
                         : incident_row(connection, id.size() == 26 ? "ulid" : "key", text);
    if (!row) return std::nullopt;
    IncidentDetail detail;
    detail.incident = std::move(*row);
    const std::string& key = detail.incident.key;
    detail.members = of_incident<MemberRow>(connection, key, "ORDER BY member");
    detail.timeline = of_incident<TimelineRow>(connection, key, "ORDER BY change");
    detail.evidence = of_incident<EvidenceRow>(connection, key, "ORDER BY ordinal");
    return detail;
}

std::vector<IncidentStory::Gap> gaps_of(Connection& connection, const IncidentDetail& detail) {
    std::map<std::string, Place> places;  // by instance
    std::set<std::tuple<std::string, std::string, std::string>> members;
    for (const auto& member : detail.members) {
        places[member.place.instance] = member.place;
        members.insert({member.place.cluster, member.place.namespace_, member.place.member});
    }
    for (const auto& row : detail.evidence) places[row.instance].instance = row.instance;
    for (auto& row : select<SourceRow>(connection)) {
        const Place& place = row.place;
        if (places.contains(place.instance) ||
            members.contains({place.cluster, place.namespace_, place.member}))
            places[place.instance] = place;
    }
    const IncidentRow& incident = detail.incident;
    std::vector<IncidentStory::Gap> gaps;
    for (const auto& [instance, place] : places) {
        Statement& query = connection.prepared(
            "SELECT " + column_list<CoverageRow>() +
            " FROM coverage WHERE instance = ? AND ordinal <> ? ORDER BY ordinal");
        query.bind(1, std::string_view(instance));
        query.bind(2, read_ordinal);
        for (auto& row : rows_of<CoverageRow>(query)) {
            const bool before = row.to && incident.first_seen && *row.to < *incident.first_seen;
            const bool behind = row.from && incident.ended_at && *row.from > *incident.ended_at;
            if (!before && !behind) gaps.push_back({place, std::move(row)});
        }
    }
    return gaps;
}

std::vector<IncidentRow> earlier_of(Connection& connection, const IncidentRow& incident) {
    std::vector<IncidentRow> earlier;
    std::string previous = incident.previous;
    while (!previous.empty() && earlier.size() < IncidentStory::earlier_max) {
        auto row = incident_row(connection, "key", previous);
        if (!row) break;
        previous = row->previous;
        earlier.push_back(std::move(*row));
    }
    return earlier;
}

void add_merged(Connection& connection, const std::vector<std::string>& visible,
                IncidentStory& story) {
    IncidentRow& incident = story.detail.incident;
    for (auto& group : merged_groups(connection, visible)) {
        const auto found = std::find_if(group.begin(), group.end(), [&](const IncidentRow& row) {
            return row.key == incident.key;
        });
        if (found == group.end()) continue;
        if (found != group.begin()) {
            story.whole = as_whole(group);
        } else {
            incident = as_whole(group);
            story.parts.assign(group.begin() + 1, group.end());
        }
        return;
    }
}

std::vector<DeliveryAttemptRow> deliveries_of(Connection& connection, const std::string& key) {
    Statement& query = connection.prepared(
        "SELECT " + column_list<DeliveryAttemptRow>() +
        " FROM delivery_attempt WHERE (receiver, delivery_key) IN (SELECT receiver, delivery_key "
        "FROM delivery_incident WHERE incident = ?) ORDER BY at, receiver, attempt");
    query.bind(1, std::string_view(key));
    return rows_of<DeliveryAttemptRow>(query);
}

}  // namespace

Result<std::vector<IncidentRow>, StoreError> Reader::incidents(const IncidentFilter& filter) {
    return impl_->ask([&](Connection& connection) { return page_of(connection, filter); });
}

Result<std::optional<IncidentDetail>, StoreError> Reader::incident(std::string_view id) {
    return impl_->ask([&](Connection& connection) { return detail_of(connection, id); });
}

Result<std::optional<IncidentStory>, StoreError> Reader::story(
    std::string_view id, const std::vector<std::string>& visible) {
    return impl_->ask([&](Connection& connection) -> std::optional<IncidentStory> {
        auto detail = detail_of(connection, id);
        if (!detail) return std::nullopt;
        IncidentStory story;
        story.detail = std::move(*detail);
        const IncidentRow& incident = story.detail.incident;
        story.deliveries = deliveries_of(connection, incident.key);
        story.owed = of_incident<OutboxIncidentRow>(connection, incident.key,
                                                    "ORDER BY receiver, group_key");
        story.gaps = gaps_of(connection, story.detail);
        story.earlier = earlier_of(connection, incident);
        if (!incident.folded_into.empty())
            story.cause = incident_row(connection, "key", incident.folded_into);
        add_merged(connection, visible, story);
        return story;
    });
}

Result<std::size_t, StoreError> Reader::each_delivery(
    Timestamp since, Timestamp until, const std::vector<std::string>& visible,
    const std::function<void(const DeliveryAttemptRow&)>& take) {
    return impl_->ask([&](Connection& connection) {
        Conditions where;
        where.add("at >= ?N", since);
        where.add("at <= ?N", until);
        const std::string told =
            "SELECT 1 FROM delivery_incident JOIN incident ON incident.key = "
            "delivery_incident.incident WHERE delivery_incident.receiver = attempt.receiver AND "
            "delivery_incident.delivery_key = attempt.delivery_key";
        std::string namespaces;
        for (const auto& one : visible)
            namespaces += (namespaces.empty() ? " AND (" : " OR ") +
                          where.bound("incident.namespace = ?N", one);
        where.add("EXISTS (" + told + namespaces + (namespaces.empty() ? ")" : "))"));
        Statement query(connection, "SELECT " + column_list<DeliveryAttemptRow>("attempt.") +
                                        " FROM delivery_attempt AS attempt INDEXED BY "
                                        "delivery_by_time" +
                                        where.sql() + " ORDER BY at, receiver, attempt");
        where.bind(query);
        std::size_t count = 0;
        for (; query.step(); ++count) take(row_of<DeliveryAttemptRow>(query));
        return count;
    });
}

Result<std::vector<SimilarIncident>, StoreError> Reader::similar(const IncidentRow& incident,
                                                                 std::size_t limit) {
    return impl_->ask([&](Connection& connection) {
        Statement& query = connection.prepared(
            "SELECT " + column_list<IncidentRow>() +
            " FROM incident WHERE rule = ? AND state = 'resolved' AND key <> ? "
            "ORDER BY cluster = ? AND namespace = ? AND workload = ? DESC, last_seen DESC, "
            "number DESC LIMIT ?");
        int index = 0;
        for (const auto* text : {&incident.rule, &incident.key, &incident.cluster,
                                 &incident.namespace_, &incident.workload})
            query.bind(++index, std::string_view(*text));
        query.bind(++index, static_cast<std::int64_t>(limit));
        std::vector<SimilarIncident> list;
        for (auto& row : rows_of<IncidentRow>(query)) {
            SimilarIncident similar{std::move(row), {}};
            similar.changes = of_incident<TimelineRow>(
                connection, similar.incident.key,
                "AND kind IN ('container_restarted', 'rollout', 'member_replaced', 'note', "
                "'resolve') ORDER BY change");
            list.push_back(std::move(similar));
        }
        return list;
    });
}

}  // namespace runnerwatch
