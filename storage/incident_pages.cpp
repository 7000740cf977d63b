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

// Up to so many are looked up and sorted; where there are more, walking through the pages meets
// enough of them. A step of the walk costs some times a look-up, and a page of `limit` takes
// limit * incidents / found steps: this is where both cost the same.
std::int64_t looked_up_max(Connection& connection, std::size_t limit) {
    constexpr double walk_to_look_up = 25;
    const auto incidents =
        static_cast<double>(connection.number("SELECT coalesce(max(number), 0) FROM incident"));
    const double even = std::sqrt(walk_to_look_up * static_cast<double>(limit) * incidents);
    return static_cast<std::int64_t>(std::min(even, 60'000.0));
}

// The index whose order is that of the pages and that leaves out most, and what of a filter it
// holds. Named in the query: SQLite does not know how many incidents have which value, and would
// take any.
struct PageIndex {
    std::string name;
    IncidentFilter held;
};

PageIndex index_for(const IncidentFilter& filter) {
    PageIndex index{"incident_newest", {}};
    const auto hold = [&](const std::string& name, const auto... fields) {
        index.name = name;
        ((index.held.*fields = filter.*fields), ...);
    };
    using F = IncidentFilter;
    if (!filter.rule.empty() && !filter.namespace_.empty())
        hold("incident_history", &F::rule, &F::namespace_);
    else if (!filter.runner.empty())
        hold("incident_of_runner", &F::runner);
    else if (!filter.workload.empty())
        hold("incident_of_workload", &F::workload);
    else if (!filter.rule.empty())
        hold("incident_of_rule", &F::rule);
    else if (!filter.namespace_.empty())
        hold("incident_of_namespace", &F::namespace_);
    else if (filter.states.size() == 1)
        hold("incident_of_state", &F::states);
    else if (filter.severities.size() == 1)
        hold("incident_of_severity", &F::severities);
    // The index has the name alone.
    index.held.workload.erase(0, index.held.workload.find('/') + 1);
    return index;
}

// Of incidents that are not lasting: those ended within a day of their beginning, so that they were
// seen last in the span that is asked for, or a day beside it.
void add_brief_span(Conditions& where, const IncidentFilter& filter) {
    if (filter.since) where.add("last_seen >= ?N", *filter.since - brief_max);
    if (filter.until) where.add("last_seen <= ?N", *filter.until + brief_max);
}

// Sorted as little as it takes: rows are fetched of those that are on the page.
PageQuery sorted(Conditions where, const std::string& from, const IncidentFilter& filter) {
    PageQuery query{"SELECT " + column_list<IncidentRow>("incident.") +
                        " FROM (SELECT incident.rowid AS on_page FROM " + from + where.sql() +
                        " ORDER BY incident.last_seen DESC, incident.number DESC LIMIT " +
                        std::to_string(filter.limit) +
                        ") CROSS JOIN incident ON incident.rowid = on_page",
                    {}};
    query.where = std::move(where);
    return query;
}

PageQuery in_order(Conditions where, const std::string& from, const IncidentFilter& filter) {
    PageQuery query{"SELECT " + column_list<IncidentRow>("incident.") + " FROM " + from +
                        where.sql() + " ORDER BY last_seen DESC, number DESC LIMIT " +
                        std::to_string(filter.limit),
                    {}};
    query.where = std::move(where);
    return query;
}

// How the incidents of a page are met.
enum class Way {
    walk,         // in the order of pages, each asked whether it has what is named
    narrow,       // the same, but all are asked at once: they are few
    look_up,      // all that have the rarest thing that is named, sorted
    from_newest,  // lines with the words that are named, from the newest on
};

struct Plan {
    Way way = Way::walk;
    std::vector<Rare> rares;  // what few incidents may have, the rarest first
};

// Whether what indexes tell of the filter leaves few incidents.
bool is_narrow(Connection& connection, const IncidentFilter& filter, std::int64_t few) {
    const PageIndex index = index_for(filter);
    Conditions where;
    add_conditions(where, index.held);
    add_brief_span(where, filter);
    Statement query(connection, "SELECT count(*) FROM (SELECT 1 FROM incident INDEXED BY " +
                                    index.name + where.sql() + " LIMIT " + std::to_string(few) +
                                    ")");
    where.bind(query);
    return query.step() && query.number(0) < few;
}

bool are_dense(Connection& connection, const Search& lines, const PageCosts& costs) {
    Conditions where;
    where.add("evidence_text MATCH ?N", lines.value);
    where.add("rowid > (SELECT max(rowid) FROM evidence) - " + std::to_string(costs.newest_lines));
    Statement query(connection, "SELECT count(*) FROM (SELECT 1 FROM evidence_text" + where.sql() +
                                    " LIMIT " + std::to_string(costs.dense_from) + ")");
    where.bind(query);
    return query.step() && query.number(0) >= costs.dense_from;
}

Way way_to(Connection& connection, const IncidentFilter& filter, const PageCosts& costs,
           std::vector<Rare>& rares) {
    if (rares.empty()) return Way::walk;
    const auto count_up_to = [&](std::int64_t most) {
        count_places(connection, rares, most);
        std::stable_sort(rares.begin(), rares.end(),
                         [](const Rare& a, const Rare& b) { return a.found < b.found; });
    };
    count_up_to(costs.few);
    if (rares.front().found < costs.few) return Way::look_up;
    const auto words = [&] { return rares.front().searches.size() > 1; };
    if (words() && are_dense(connection, rares.front().searches.front(), costs)) return Way::walk;
    if (is_narrow(connection, filter, costs.few)) return Way::narrow;
    if (words() && !filter.until) return Way::from_newest;
    // How many there are before a time the newest lines do not tell.
    const std::int64_t most = std::max(costs.few, looked_up_max(connection, filter.limit));
    count_up_to(most);
    if (rares.front().found >= most) return Way::walk;
    return words() ? Way::from_newest : Way::look_up;
}

Plan plan_for(Connection& connection, const IncidentFilter& filter, const PageCosts& costs) {
    Plan plan{Way::walk, rares_of(connection, filter)};
    plan.way = way_to(connection, filter, costs, plan.rares);
    return plan;
}

// What few incidents may have is asked of each by itself or, where few meet the other conditions,
// of all of those at once.
void add_rares(Connection& connection, Conditions& where, const std::string& from,
               const Plan& plan) {
    const LineSpan lines = plan.way == Way::narrow ? lines_of(connection, from, where) : LineSpan{};
    for (const auto& one : plan.rares)
        where.add(plan.way == Way::narrow ? condition_between(where, one, lines)
                                          : condition_of(where, one));
}

std::vector<PageQuery> queries_with(Connection& connection, const IncidentFilter& filter,
                                    Plan plan) {
    Conditions where;
    std::string driver;
    if (plan.way == Way::look_up || plan.way == Way::from_newest) {
        driver =
            "(" + keys_of(where, plan.rares.front()) +
            ") CROSS JOIN incident INDEXED BY sqlite_autoindex_incident_1 ON incident.key = found";
        plan.rares.erase(plan.rares.begin());
    }
    add_conditions(where, filter);
    where.add(stands_alone);
    add_cursor(where, filter);
    const auto query = [&](Conditions asked, const std::string& from, auto finish) {
        add_rares(connection, asked, from, plan);
        return finish(std::move(asked), from, filter);
    };
    if (!driver.empty()) return {query(std::move(where), driver, sorted)};
    const std::string by_index = "incident INDEXED BY " + index_for(filter).name;
    if (!filter.since && !filter.until) return {query(std::move(where), by_index, in_order)};
    Conditions brief = where;
    brief.add("NOT lasting");
    add_brief_span(brief, filter);
    where.add("lasting");
    return {query(std::move(brief), by_index, in_order),
            query(std::move(where), "incident INDEXED BY incident_lasting", in_order)};
}

}  // namespace

void add_cursor(Conditions& where, const IncidentFilter& filter) {
    if (!filter.after) return;
    where.add("last_seen <= ?N", filter.after->last_seen);
    const auto at = filter.after->last_seen.time_since_epoch().count();
    where.add("last_seen < " + std::to_string(at) + " OR number < ?N", filter.after->number);
}

std::vector<PageQuery> page_queries(Connection& connection, const IncidentFilter& filter) {
    return queries_with(connection, filter, plan_for(connection, filter, {}));
}

std::vector<IncidentRow> page_of(Connection& connection, const IncidentFilter& filter,
                                 const PageCosts& costs) {
    std::vector<IncidentRow> page;
    Plan plan = plan_for(connection, filter, costs);
    std::vector<PageQuery> queries;
    if (plan.way == Way::from_newest)
        page = newest_by_lines(connection, filter, plan.rares.front(),
                               {plan.rares.begin() + 1, plan.rares.end()});
    else
        queries = queries_with(connection, filter, std::move(plan));
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
