// The moments that statistics are made of.
#include "storage/conditions.h"
#include "storage/merged_incidents.h"
#include "storage/reader_impl.h"

#include <algorithm>
#include <map>
#include <vector>

namespace runnerwatch {

namespace {

std::optional<Timestamp> time_in(const Statement& row, int column) {
    std::optional<Timestamp> at;
    read_value(row, column, at);
    return at;
}

// What moments_in() reads.
constexpr const char* columns =
    "SELECT key, number, rule, namespace, workload, state, clock, first_seen, ended_at, noted_at, "
    "(SELECT coalesce(before.ended_at, before.last_seen) FROM incident before WHERE before.key = "
    "incident.previous), (SELECT max(at) FROM timeline WHERE timeline.incident = key AND kind IN "
    "('member_recovering', 'member_recovered') AND at <= ended_at), (SELECT min(at) FROM timeline "
    "WHERE timeline.incident = key AND kind = 'ack'), (SELECT min(at) FROM delivery_attempt WHERE "
    "verdict = 'sent' AND (receiver, delivery_key) IN (SELECT receiver, delivery_key FROM "
    "delivery_incident WHERE delivery_incident.incident = key)), (SELECT version FROM member WHERE "
    "member.incident = key ORDER BY first_seen, member LIMIT 1), snoozed_by <> '' OR EXISTS "
    "(SELECT 1 FROM timeline WHERE timeline.incident = key AND kind = 'snooze_goes_on'), "
    "instr(' ' || tags || ' ', ' drill ') > 0 FROM incident ";

IncidentMoments moments_in(const Statement& row) {
    IncidentMoments moments;
    moments.key = row.text(0);
    moments.number = row.number(1);
    moments.rule = row.text(2);
    moments.namespace_ = row.text(3);
    moments.workload = row.text(4);
    from_word(row.text(5), moments.state);
    from_word(row.text(6), moments.clock);
    moments.started = time_in(row, 7);
    moments.ended = time_in(row, 8);
    read_value(row, 9, moments.detected);
    moments.previous_ended = time_in(row, 10);
    moments.mitigated = time_in(row, 11);
    moments.acknowledged = time_in(row, 12);
    moments.notified = time_in(row, 13);
    if (!row.is_null(14)) moments.version = row.text(14);
    moments.snoozed = row.number(15) != 0;
    moments.drill = row.number(16) != 0;
    return moments;
}

// By the key of the incident that stands for all: people say that it is one trouble.
using Parts = std::map<std::string, std::vector<IncidentMoments>>;

Parts parts_of_merged(Connection& connection) {
    std::map<std::string, std::string> whole_of;
    for (const auto& group : merged_groups(connection, {}))
        for (const auto& part : group) whole_of[part.key] = group.front().key;
    Parts parts;
    Statement query(connection,
                    std::string(columns) + "INDEXED BY incident_merged WHERE merged_into <> ''");
    while (query.step()) {
        IncidentMoments part = moments_in(query);
        if (const auto whole = whole_of.find(part.key);
            whole != whole_of.end() && whole->second != part.key)
            parts[whole->second].push_back(std::move(part));
    }
    return parts;
}

void take_earlier(std::optional<Timestamp>& first, const std::optional<Timestamp>& other) {
    if (other && (!first || *other < *first)) first = other;
}

void include(IncidentMoments& whole, const std::vector<IncidentMoments>& parts) {
    bool over = whole.state == IncidentState::resolved;
    for (const auto& part : parts) {
        take_earlier(whole.started, part.started);
        take_earlier(whole.notified, part.notified);
        take_earlier(whole.acknowledged, part.acknowledged);
        whole.detected = std::min(whole.detected, part.detected);
        whole.mitigated = std::max(whole.mitigated, part.mitigated);
        whole.ended = std::max(whole.ended, part.ended);
        over = over && is_over(part.state);
    }
    if (over) return;
    whole.state = IncidentState::open;
    whole.ended.reset();
    whole.mitigated.reset();
}

}  // namespace

Result<std::size_t, StoreError> Reader::each_moments(
    const IncidentFilter& filter, const std::function<void(const IncidentMoments&)>& take) {
    return impl_->ask([&](Connection& connection) {
        IncidentFilter scope;
        scope.rule = filter.rule;
        scope.namespace_ = filter.namespace_;
        scope.workload = filter.workload;
        scope.visible = filter.visible;
        Conditions where;
        add_conditions(where, scope);
        where.add("state <> 'folded'");
        where.add("merged_into = ''");
        const auto parts = parts_of_merged(connection);
        if (filter.since) where.add("begun >= ?N", *filter.since);
        if (filter.until) where.add("begun <= ?N", *filter.until);
        Statement query(connection,
                        std::string(columns) + "INDEXED BY incident_facets" + where.sql());
        where.bind(query);
        std::size_t count = 0;
        while (query.step()) {
            IncidentMoments moments = moments_in(query);
            if (const auto merged = parts.find(moments.key); merged != parts.end())
                include(moments, merged->second);
            take(moments);
            ++count;
        }
        return count;
    });
}

}  // namespace runnerwatch
