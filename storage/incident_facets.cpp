// How many incidents of a filter have which rule, severity, namespace …
#include "storage/conditions.h"
#include "storage/incident_search.h"
#include "storage/merged_incidents.h"
#include "storage/reader_impl.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>

namespace runnerwatch {

namespace {

using Counts = std::unordered_map<std::string, std::int64_t>;

// What an index of all incidents holds, in the order in which it is selected.
constexpr const char* of_incidents[] = {"rule",     "severity", "namespace",
                                        "workload", "state",    "outcome"};

struct FacetQuery {
    std::string from;
    Conditions where;
};

// Of what stands alone. As with pages: what is not lasting began in the span that is asked for, or
// a day before it.
std::vector<FacetQuery> facet_queries(Connection& connection, const IncidentFilter& filter) {
    Conditions where;
    add_conditions(where, filter);
    where.add(stands_alone);
    for (const auto& rare : rares_of(connection, filter))
        where.add("incident.key IN (" + keys_of(where, rare) + ")");
    if (!filter.since) return {{"incident INDEXED BY incident_facets", std::move(where)}};
    Conditions brief = where;
    brief.add("NOT lasting");
    brief.add("begun >= ?N", *filter.since - brief_max);
    where.add("lasting");
    return {{"incident INDEXED BY incident_facets", std::move(brief)},
            {"incident INDEXED BY incident_lasting", std::move(where)}};
}

IncidentFacets::Facet facet_of(const std::string& name, const Counts& counts) {
    IncidentFacets::Facet facet{name, {counts.begin(), counts.end()}, 0};
    std::sort(facet.values.begin(), facet.values.end(), [](const auto& a, const auto& b) {
        return std::tie(b.second, a.first) < std::tie(a.second, b.first);
    });
    if (facet.values.size() > IncidentFacets::values_max) {
        facet.beyond = facet.values.size() - IncidentFacets::values_max;
        facet.values.resize(IncidentFacets::values_max);
    }
    return facet;
}

const char* outcome_of(const IncidentRow& row) {  // as the column of that name
    switch (row.state) {
        case IncidentState::open:
        case IncidentState::recovering:
            return "going_on";
        case IncidentState::resolved:
            return row.resolved_by.empty() ? "recovered" : "by_hand";
        case IncidentState::cannot_tell:
        case IncidentState::folded:
            break;
    }
    return to_string(row.state);
}

void count_row(std::map<std::string, Counts>& counts, const IncidentRow& row) {
    const std::string values[] = {row.rule,     to_string(row.severity), row.namespace_,
                                  row.workload, to_string(row.state),    outcome_of(row)};
    static_assert(std::size(values) == std::size(of_incidents));
    for (std::size_t i = 0; i < std::size(values); ++i) ++counts[of_incidents[i]][values[i]];
}

// Of members: an incident counts once for each value that one of them has.
Counts counts_of_members(Connection& connection, const std::vector<FacetQuery>& queries,
                         const std::vector<ShownMerged>& merged, const std::string& column) {
    Counts counts;
    for (const auto& query : queries) {
        Statement statement(connection, "SELECT member." + column +
                                            ", count(DISTINCT member.incident) FROM " + query.from +
                                            " CROSS JOIN member ON member.incident = incident.key" +
                                            query.where.sql() + " GROUP BY 1");
        query.where.bind(statement);
        while (statement.step()) counts[statement.text(0)] += statement.number(1);
    }
    for (const auto& one : merged) {
        std::set<std::string> values;
        for (const auto& key : one.keys) {
            Statement& members = connection.prepared("SELECT DISTINCT " + column +
                                                     " FROM member WHERE incident = ?");
            members.bind(1, std::string_view(key));
            const StatementReset at_end(members);
            while (members.step()) values.insert(members.text(0));
        }
        for (const auto& value : values) ++counts[value];
    }
    return counts;
}

// Incidents of rules that know no runner count for none.
Counts counts_of_runners(Connection& connection, const std::vector<FacetQuery>& queries,
                         const std::vector<ShownMerged>& merged) {
    Counts counts;
    for (const auto& query : queries) {
        Conditions where = query.where;
        where.add("incident.runner <> ''");
        Statement statement(connection, "SELECT incident.runner, count(*) FROM " + query.from +
                                            where.sql() + " GROUP BY 1");
        where.bind(statement);
        while (statement.step()) counts[statement.text(0)] += statement.number(1);
    }
    for (const auto& one : merged) {
        std::set<std::string> values;
        for (const auto& key : one.keys) {
            Statement& runner =
                connection.prepared("SELECT runner FROM incident WHERE key = ? AND runner <> ''");
            runner.bind(1, std::string_view(key));
            const StatementReset at_end(runner);
            while (runner.step()) values.insert(runner.text(0));
        }
        for (const auto& value : values) ++counts[value];
    }
    return counts;
}

}  // namespace

const std::vector<std::string>& IncidentFacets::names() {
    static const std::vector<std::string> all{"rule",  "severity", "namespace", "workload",
                                              "state", "outcome",  "runner",    "pod",
                                              "node",  "version"};
    return all;
}

Result<IncidentFacets, StoreError> Reader::facets(const IncidentFilter& filter,
                                                  const std::vector<std::string>& names) {
    return impl_->ask([&](Connection& connection) {
        const auto queries = facet_queries(connection, filter);
        std::map<std::string, Counts> counts;
        IncidentFacets facets;
        for (const auto& query : queries) {
            Statement statement(connection,
                                "SELECT rule, severity, namespace, workload, state, outcome FROM " +
                                    query.from + query.where.sql());
            query.where.bind(statement);
            std::string value;
            Counts* into[std::size(of_incidents)];
            for (std::size_t i = 0; i < std::size(of_incidents); ++i)
                into[i] = &counts[of_incidents[i]];
            while (statement.step()) {
                ++facets.incidents;
                for (std::size_t i = 0; i < std::size(of_incidents); ++i) {
                    statement.text(static_cast<int>(i), value);
                    ++(*into[i])[value];
                }
            }
        }
        const auto merged = merged_of(connection, filter);
        facets.incidents += static_cast<std::int64_t>(merged.size());
        for (const auto& one : merged) count_row(counts, one.row);
        for (const auto& name : names) {
            if (name == "runner") counts[name] = counts_of_runners(connection, queries, merged);
            if (name == "pod")
                counts[name] = counts_of_members(connection, queries, merged, "member");
            if (name == "node" || name == "version")
                counts[name] = counts_of_members(connection, queries, merged, name);
            facets.facets.push_back(facet_of(name, counts[name]));
        }
        return facets;
    });
}

}  // namespace runnerwatch
