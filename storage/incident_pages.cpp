#include "storage/incident_pages.h"

#include "storage/incident_search.h"
#include "storage/merged_incidents.h"
#include "storage/newest_lines.h"
#include "storage/row_io.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

namespace runnerwatch {

namespace {

// So many lines are looked up in any case: some 20 ms.
constexpr std::int64_t looked_up_least = 2'000;

// Up to so many are looked up and sorted; where there are more, walking through the pages meets
// enough of them. A step of the walk costs some times a look-up, and a page of `limit` takes
// limit * incidents / found steps: this is where both cost the same.
std::int64_t looked_up_max(Connection& connection, std::size_t limit) {
    constexpr double walk_to_look_up = 25;
    const auto incidents =
        static_cast<double>(connection.number("SELECT coalesce(max(number), 0) FROM incident"));
    const double even = std::sqrt(walk_to_look_up * static_cast<double>(limit) * incidents);
    return static_cast<std::int64_t>(std::clamp(even, 1.0 * looked_up_least, 60'000.0));
}

// The index whose order is that of the pages and that leaves out most. Named in the query: SQLite
// does not know how many incidents have which value, and would take any.
std::string index_for(const IncidentFilter& filter) {
    if (!filter.rule.empty() && !filter.namespace_.empty()) return "incident_history";
    if (!filter.runner.empty()) return "incident_of_runner";
    if (!filter.workload.empty()) return "incident_of_workload";
    if (!filter.rule.empty()) return "incident_of_rule";
    if (!filter.namespace_.empty()) return "incident_of_namespace";
    if (filter.states.size() == 1) return "incident_of_state";
    if (filter.severities.size() == 1) return "incident_of_severity";
    return "incident_newest";
}

PageQuery finished(Conditions where, const std::string& from, const IncidentFilter& filter) {
    PageQuery query{"SELECT " + column_list<IncidentRow>("incident.") + " FROM " + from +
                        where.sql() + " ORDER BY last_seen DESC, number DESC LIMIT " +
                        std::to_string(filter.limit),
                    {}};
    query.where = std::move(where);
    return query;
}

// What the filter names that few incidents may have, the rarest first; counted up to `most`.
struct Rares {
    std::vector<Rare> list;
    std::int64_t most = 0;

    bool any_looked_up() const { return !list.empty() && list.front().found < most; }
    // Whether the rarest are words in lines so many that they are gone through from the newest.
    bool from_newest() const {
        return any_looked_up() && list.front().searches.size() > 1 &&
               list.front().found > looked_up_least;
    }
};

Rares counted_rares(Connection& connection, const IncidentFilter& filter) {
    Rares rares{rares_of(connection, filter), 0};
    if (rares.list.empty()) return rares;
    rares.most = looked_up_max(connection, filter.limit);
    count_places(connection, rares.list, rares.most);
    std::stable_sort(rares.list.begin(), rares.list.end(),
                     [](const Rare& a, const Rare& b) { return a.found < b.found; });
    return rares;
}

std::vector<PageQuery> queries_with(const IncidentFilter& filter, Rares rares) {
    Conditions where;
    std::string driver;
    if (rares.any_looked_up()) {
        driver =
            "(" + keys_of(where, rares.list.front()) +
            ") CROSS JOIN incident INDEXED BY sqlite_autoindex_incident_1 ON incident.key = found";
        rares.list.erase(rares.list.begin());
    }
    add_conditions(where, filter);
    where.add(stands_alone);
    for (const auto& one : rares.list) where.add(condition_of(where, one));
    add_cursor(where, filter);
    if (!driver.empty()) return {finished(std::move(where), driver, filter)};
    if (!filter.since && !filter.until)
        return {finished(std::move(where), "incident INDEXED BY " + index_for(filter), filter)};
    // What is not lasting ended within a day of its beginning, so that it was seen last in the span
    // that is asked for, or a day beside it.
    Conditions brief = where;
    brief.add("NOT lasting");
    if (filter.since) brief.add("last_seen >= ?N", *filter.since - brief_max);
    if (filter.until) brief.add("last_seen <= ?N", *filter.until + brief_max);
    where.add("lasting");
    return {finished(std::move(brief), "incident INDEXED BY " + index_for(filter), filter),
            finished(std::move(where), "incident INDEXED BY incident_lasting", filter)};
}

}  // namespace

void add_cursor(Conditions& where, const IncidentFilter& filter) {
    if (!filter.after) return;
    where.add("last_seen <= ?N", filter.after->last_seen);
    const auto at = filter.after->last_seen.time_since_epoch().count();
    where.add("last_seen < " + std::to_string(at) + " OR number < ?N", filter.after->number);
}

std::vector<PageQuery> page_queries(Connection& connection, const IncidentFilter& filter) {
    return queries_with(filter, counted_rares(connection, filter));
}

std::vector<IncidentRow> page_of(Connection& connection, const IncidentFilter& filter) {
    std::vector<IncidentRow> page;
    Rares rares = counted_rares(connection, filter);
    std::vector<PageQuery> queries;
    if (rares.from_newest())
        page = newest_by_lines(connection, filter, rares.list.front(),
                               {rares.list.begin() + 1, rares.list.end()});
    else
        queries = queries_with(filter, std::move(rares));
    for (const auto& query : queries) {
        Statement statement(connection, query.sql);
        query.where.bind(statement);
        auto rows = rows_of<IncidentRow>(statement);
        page.insert(page.end(), std::make_move_iterator(rows.begin()),
                    std::make_move_iterator(rows.end()));
    }
    for (auto& merged : merged_of(connection, filter)) page.push_back(std::move(merged.row));
    std::sort(page.begin(), page.end(), [](const IncidentRow& a, const IncidentRow& b) {
        return std::tie(a.last_seen, a.number) > std::tie(b.last_seen, b.number);
    });
    if (page.size() > filter.limit) page.resize(filter.limit);
    return page;
}

}  // namespace runnerwatch
