#include "storage/merged_incidents.h"

#include "storage/conditions.h"
#include "storage/incident_search.h"
#include "storage/row_io.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace runnerwatch {

namespace {

#define MERGED_ROWIDS                                                                  \
    "(SELECT part.rowid FROM incident AS part INDEXED BY incident_merged "             \
    "WHERE part.merged_into <> '' UNION ALL SELECT whole.rowid FROM incident AS part " \
    "INDEXED BY incident_merged CROSS JOIN incident AS whole ON whole.key = "          \
    "part.merged_into WHERE part.merged_into <> '')"

constexpr const char* is_merged = "incident.rowid IN " MERGED_ROWIDS;

std::set<std::string> keys_where(Connection& connection, const Conditions& where) {
    Statement query(connection, "SELECT incident.key FROM incident" + where.sql());
    where.bind(query);
    std::set<std::string> keys;
    while (query.step()) keys.insert(query.text(0));
    return keys;
}

template <class Value>
bool is_asked(const std::vector<Value>& asked, Value value) {
    return asked.empty() || std::find(asked.begin(), asked.end(), value) != asked.end();
}

// What conditions.cpp asks of a row, of one that is made of several.
bool has_asked_life(const IncidentFilter& filter, const IncidentRow& row) {
    if (!is_asked(filter.states, row.state) || !is_asked(filter.severities, row.severity))
        return false;
    const auto reaches = [&](const std::optional<Timestamp>& at) {
        return at && *at >= *filter.since;
    };
    if (filter.since && is_over(row.state) && !reaches(row.last_seen) && !reaches(row.ended_at))
        return false;
    if (filter.until && row.first_seen.value_or(row.noted_at) > *filter.until) return false;
    return !filter.after || std::tuple(row.last_seen.value_or(Timestamp{}), row.number) <
                                std::tuple(filter.after->last_seen, filter.after->number);
}

}  // namespace

const char* const stands_alone = "incident.rowid NOT IN " MERGED_ROWIDS;

std::vector<MergedGroup> merged_groups(Connection& connection,
                                       const std::vector<std::string>& visible) {
    IncidentFilter seen;
    seen.visible = visible;
    Conditions where;
    where.add(is_merged);
    add_attributes(where, seen);
    Statement query(connection, "SELECT " + column_list<IncidentRow>("incident.") +
                                    " FROM incident" + where.sql() + " ORDER BY number");
    where.bind(query);
    std::map<std::string, IncidentRow> rows;
    std::vector<std::string> by_number;
    for (auto& row : rows_of<IncidentRow>(query)) {
        by_number.push_back(row.key);
        rows[row.key] = std::move(row);
    }
    std::map<std::string, MergedGroup> groups;  // by the key of what stands for all
    for (const auto& key : by_number) {
        std::string root = key;
        // A merge that would close a circle is refused; the bound is for a file that says it.
        for (std::size_t i = 0; i < rows.size() && rows.contains(rows.at(root).merged_into); ++i)
            root = rows.at(root).merged_into;
        MergedGroup& group = groups[root];
        group.insert(key == root ? group.begin() : group.end(), rows.at(key));
    }
    std::vector<MergedGroup> list;
    for (auto& [root, group] : groups) list.push_back(std::move(group));
    return list;
}

std::vector<ShownMerged> merged_of(Connection& connection, const IncidentFilter& filter) {
    const auto groups = merged_groups(connection, filter.visible);
    if (groups.empty()) return {};
    // Of the runner, as of words and pods, any part may be.
    IncidentFilter attributes = filter;
    attributes.runner.clear();
    Conditions like;
    like.add(is_merged);
    add_attributes(like, attributes);
    const auto alike = keys_where(connection, like);
    const auto rares = rares_of(connection, filter);
    Conditions having;
    having.add(is_merged);
    for (const auto& rare : rares) having.add(condition_of(having, rare));
    const auto with_rares =
        rares.empty() ? std::set<std::string>{} : keys_where(connection, having);
    const auto has_rares = [&](const std::string& key) {
        return rares.empty() || with_rares.contains(key);
    };
    Conditions of_runner;
    of_runner.add(is_merged);
    of_runner.add("incident.runner = ?N", filter.runner);
    const auto of_it =
        filter.runner.empty() ? std::set<std::string>{} : keys_where(connection, of_runner);
    const auto is_of_runner = [&](const std::string& key) {
        return filter.runner.empty() || of_it.contains(key);
    };

    std::vector<ShownMerged> shown;
    for (const auto& group : groups) {
        ShownMerged whole{as_whole(group), {}};
        for (const auto& row : group) whole.keys.push_back(row.key);
        if (alike.contains(whole.row.key) && has_asked_life(filter, whole.row) &&
            std::any_of(whole.keys.begin(), whole.keys.end(), has_rares) &&
            std::any_of(whole.keys.begin(), whole.keys.end(), is_of_runner))
            shown.push_back(std::move(whole));
        if (!filter.parts_too) continue;
        for (std::size_t i = 1; i < group.size(); ++i)
            if (alike.contains(group[i].key) && has_rares(group[i].key) &&
                is_of_runner(group[i].key) && has_asked_life(filter, group[i]))
                shown.push_back({group[i], {group[i].key}});
    }
    return shown;
}

}  // namespace runnerwatch
