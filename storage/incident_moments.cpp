// The moments that statistics are made of.
#include "storage/conditions.h"
#include "storage/reader_impl.h"

namespace runnerwatch {

namespace {

std::optional<Timestamp> time_in(const Statement& row, int column) {
    std::optional<Timestamp> at;
    read_value(row, column, at);
    return at;
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
            "WHERE delivery_incident.incident = key)) FROM incident INDEXED BY incident_facets" +
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
            take(moments);
            ++count;
        }
        return count;
    });
}

}  // namespace runnerwatch
