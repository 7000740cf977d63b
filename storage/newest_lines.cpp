#include "storage/newest_lines.h"

#include "storage/incident_pages.h"
#include "storage/merged_incidents.h"
#include "storage/row_io.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace runnerwatch {

namespace {

constexpr const char* by_its_key =
    "CROSS JOIN incident INDEXED BY sqlite_autoindex_incident_1 ON incident.key = ";

// What was found, and where the page would end.
class Found {
public:
    explicit Found(std::size_t limit) : limit_(limit) {}

    void add(IncidentRow row) {
        const auto [at, fresh] = rows_.try_emplace(row.key, std::move(row));
        if (fresh) places_.emplace(at->second.last_seen, at->second.number);
    }
    bool is_full() const { return places_.size() >= limit_; }
    // Of the last one on the page; a page that is full has one.
    std::optional<Timestamp> last_seen() const {
        return std::next(places_.begin(), static_cast<std::ptrdiff_t>(limit_ - 1))->first;
    }
    std::vector<IncidentRow> take() {
        std::vector<IncidentRow> rows;
        for (auto& [unused, row] : rows_) rows.push_back(std::move(row));
        return rows;
    }

private:
    using Place = std::pair<std::optional<Timestamp>, std::int64_t>;
    std::size_t limit_;
    std::map<std::string, IncidentRow> rows_;
    std::multiset<Place, std::greater<>> places_;
};

void add_all(Conditions& where, const IncidentFilter& filter, const std::vector<Rare>& others) {
    add_conditions(where, filter);
    where.add(stands_alone);
    for (const auto& one : others) where.add(condition_of(where, one));
    add_cursor(where, filter);
}

void add_rows(Connection& connection, const std::string& from, const Conditions& where,
              Found& found) {
    Statement query(connection, "SELECT " + column_list<IncidentRow>("incident.") + " FROM " +
                                    from + where.sql());
    where.bind(query);
    for (auto& row : rows_of<IncidentRow>(query)) found.add(std::move(row));
}

// Until the page is full and it is known that what is left to read belongs to incidents with a
// number below the one returned; 0: all was read.
std::int64_t add_from_newest(Connection& connection, const IncidentFilter& filter,
                             const Search& lines, const std::vector<Rare>& others,
                             std::int64_t opened_at_once, Found& found) {
    Conditions where;
    where.add("evidence_text MATCH ?N", lines.value);
    add_all(where, filter, others);
    Statement query(connection, "SELECT " + column_list<IncidentRow>("incident.") +
                                    ", evidence.slot FROM evidence_text CROSS JOIN evidence ON "
                                    "evidence.rowid = evidence_text.rowid " +
                                    by_its_key + "evidence.incident" + where.sql() +
                                    " ORDER BY evidence_text.rowid DESC");
    where.bind(query);
    constexpr int slot_column =
        static_cast<int>(std::tuple_size_v<decltype(Table<IncidentRow>::columns())>);
    std::optional<std::int64_t> when_full;
    while (query.step()) {
        IncidentRow row = row_of<IncidentRow>(query);
        const std::int64_t number = row.number;
        found.add(std::move(row));
        if (!found.is_full()) continue;
        if (!when_full) when_full = number;
        // The first line of an incident is written by the commit that opens it.
        const bool is_first = query.number(slot_column) == 0;
        if (is_first && number + opened_at_once < *when_full) return number + opened_at_once + 1;
    }
    return 0;
}

}  // namespace

std::vector<IncidentRow> newest_by_lines(Connection& connection, const IncidentFilter& filter,
                                         const Rare& words, const std::vector<Rare>& others,
                                         std::int64_t opened_at_once) {
    const Search& lines = words.searches.at(0);
    const Search& notes = words.searches.at(1);
    Found found(filter.limit);
    Conditions noted;
    const std::string by_notes = "(" + noted.bound(notes.keys, notes.value) + ") ";
    add_all(noted, filter, others);
    add_rows(connection, by_notes + by_its_key + "found", noted, found);

    const std::int64_t below =
        add_from_newest(connection, filter, lines, others, opened_at_once, found);
    if (below == 0) return found.take();
    // Older ones that were seen again since: few, and told apart by the index alone. They are asked
    // at once whether they have the words.
    Conditions older;
    if (const auto last = found.last_seen()) older.add("incident.last_seen >= ?N", *last);
    older.add("incident.number < ?N", below);
    add_all(older, filter, others);
    const std::string by_index = "incident INDEXED BY incident_newest";
    const Rare in_lines{{lines}};
    older.add(condition_between(older, in_lines, lines_of(connection, by_index, older)));
    add_rows(connection, by_index, older, found);
    return found.take();
}

}  // namespace runnerwatch
