// The moments that statistics are made of.
#include "storage/conditions.h"
#include "storage/merged_incidents.h"
#include "storage/reader_impl.h"

#include <algorithm>
#include <map>

namespace runnerwatch {

namespace {

std::optional<Timestamp> time_in(const Statement& row, int column) {
    std::optional<Timestamp> at;
    read_value(row, column, at);
    return at;
}

// What was merged into an incident, summed up: people say that it is one trouble.
struct Parts {
    std::optional<Timestamp> started, ended, detected;
    bool over = true;
};

// By the incident that stands for all.
std::map<std::string, Parts> parts_of_merged(Connection& connection) {
    std::map<std::string, Parts> sums;
    for (const auto& group : merged_groups(connection, {})) {
        Parts& sum = sums[group.front().key];
        for (std::size_t i = 1; i < group.size(); ++i) {
            const IncidentRow& part = group[i];
            if (part.first_seen && (!sum.started || *part.first_seen < *sum.started))
                sum.started = part.first_seen;
            if (!sum.detected || part.noted_at < *sum.detected) sum.detected = part.noted_at;
            sum.ended = std::max(sum.ended, part.ended_at);
            sum.over = sum.over && is_over(part.state);
        }
    }
    return sums;
}

void include(IncidentMoments& whole, const Parts& parts) {
    if (parts.started && (!whole.started || *parts.started < *whole.started))
        whole.started = parts.started;
    if (parts.detected) whole.detected = std::min(whole.detected, *parts.detected);
    if (parts.over && whole.state == IncidentState::resolved) {
        whole.ended = std::max(whole.ended, parts.ended);
        return;
    }
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
        Statement query(
            connection,
            "SELECT key, number, rule, namespace, workload, state, clock, first_seen, ended_at, "
            "noted_at, (SELECT coalesce(before.ended_at, before.last_seen) FROM incident before "
            "WHERE before.key = incident.previous), (SELECT max(at) FROM timeline WHERE "
            "timeline.incident = key AND kind IN ('member_recovering', 'member_recovered') AND "
            "at <= ended_at), (SELECT min(at) FROM timeline WHERE timeline.incident = key AND "
            "kind = 'ack'), (SELECT min(at) FROM delivery_attempt WHERE verdict = 'sent' AND "
            "(receiver, delivery_key) IN (SELECT receiver, delivery_key FROM delivery_incident "
            "WHERE delivery_incident.incident = key)), (SELECT version FROM member WHERE "
            "member.incident = key ORDER BY first_seen, member LIMIT 1), snoozed_by <> '' OR "
            "EXISTS (SELECT 1 FROM timeline WHERE timeline.incident = key AND kind = "
            "'snooze_goes_on') FROM incident INDEXED BY incident_facets" +
                where.sql());
        where.bind(query);
        std::size_t count = 0;
        while (query.step()) {
            IncidentMoments moments;
            moments.key = query.text(0);
            moments.number = query.number(1);
            moments.rule = query.text(2);
            moments.namespace_ = query.text(3);
            moments.workload = query.text(4);
            from_word(query.text(5), moments.state);
            from_word(query.text(6), moments.clock);
            moments.started = time_in(query, 7);
            moments.ended = time_in(query, 8);
            read_value(query, 9, moments.detected);
            moments.previous_ended = time_in(query, 10);
            moments.mitigated = time_in(query, 11);
            moments.acknowledged = time_in(query, 12);
            moments.notified = time_in(query, 13);
            if (!query.is_null(14)) moments.version = query.text(14);
            moments.snoozed = query.number(15) != 0;
            if (const auto merged = parts.find(moments.key); merged != parts.end())
                include(moments, merged->second);
            take(moments);
            ++count;
        }
        return count;
    });
}

}  // namespace runnerwatch
