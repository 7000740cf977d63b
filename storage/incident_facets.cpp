// How many incidents of a filter have which rule, severity, namespace …
#include "storage/conditions.h"
#include "storage/reader_impl.h"

#include <algorithm>
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

// As with pages: what is not lasting began in the span that is asked for, or a day before it.
std::vector<FacetQuery> facet_queries(Connection& connection, const IncidentFilter& filter) {
    Conditions where;
    IncidentFilter plain = filter;
    plain.pod.clear();
    add_conditions(where, plain);
    if (!filter.pod.empty())
        where.add("key IN (SELECT incident FROM member WHERE member = ?N)", filter.pod);
    if (const auto words = match_expression(connection, filter.text); !words.empty()) {
        const std::string lines = where.bound(
            "key IN (SELECT evidence.incident FROM evidence_text CROSS JOIN evidence ON "
            "evidence.rowid = evidence_text.rowid WHERE evidence_text MATCH ?N)",
            words);
        const std::string notes = where.bound(
            "key IN (SELECT note.incident FROM note_text CROSS JOIN note ON note.id = "
            "note_text.rowid WHERE note_text MATCH ?N)",
            beginnings_expression(filter.text));
        where.add(lines + " OR " + notes);
    }
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

// Of members: an incident counts once for each value that one of them has.
Counts counts_of_members(Connection& connection, const std::vector<FacetQuery>& queries,
                         const std::string& column) {
    Counts counts;
    for (const auto& query : queries) {
        Statement statement(connection, "SELECT member." + column +
                                            ", count(DISTINCT member.incident) FROM " + query.from +
                                            " CROSS JOIN member ON member.incident = incident.key" +
                                            query.where.sql() + " GROUP BY 1");
        query.where.bind(statement);
        while (statement.step()) counts[statement.text(0)] += statement.number(1);
    }
    return counts;
}

}  // namespace

const std::vector<std::string>& IncidentFacets::names() {
    static const std::vector<std::string> all{"rule",  "severity", "namespace", "workload",
                                              "state", "outcome",  "pod",       "node"};
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
        for (const auto& name : names) {
            if (name == "pod") counts[name] = counts_of_members(connection, queries, "member");
            if (name == "node") counts[name] = counts_of_members(connection, queries, "node");
            facets.facets.push_back(facet_of(name, counts[name]));
        }
        return facets;
    });
}

}  // namespace runnerwatch
