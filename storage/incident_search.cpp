#include "storage/incident_search.h"

namespace runnerwatch {

namespace {

Rare text_of(const std::string& lines, const std::string& notes) {
    return {{{"SELECT 1 FROM evidence_text WHERE evidence_text MATCH ?N",
              "SELECT DISTINCT evidence.incident AS found FROM evidence_text CROSS JOIN evidence "
              "ON evidence.rowid = evidence_text.rowid WHERE evidence_text MATCH ?N",
              "EXISTS (SELECT 1 FROM evidence CROSS JOIN evidence_text ON evidence_text.rowid = "
              "evidence.rowid WHERE evidence.incident = incident.key AND evidence_text MATCH ?N)",
              lines,
              "EXISTS (SELECT 1 FROM evidence WHERE evidence.incident = incident.key AND "
              "evidence.rowid IN (SELECT rowid FROM evidence_text WHERE evidence_text MATCH ?N "
              "AND rowid BETWEEN ?FIRST AND ?LAST))"},
             {"SELECT 1 FROM note_text WHERE note_text MATCH ?N",
              "SELECT note.incident AS found FROM note_text CROSS JOIN note "
              "ON note.id = note_text.rowid WHERE note_text MATCH ?N",
              "incident.key IN (SELECT note.incident FROM note_text CROSS JOIN note "
              "ON note.id = note_text.rowid WHERE note_text MATCH ?N)",
              notes}}};
}

Rare pod_of(const std::string& pod) {
    return {{{"SELECT 1 FROM member WHERE member = ?N",
              "SELECT incident AS found FROM member WHERE member = ?N",
              "EXISTS (SELECT 1 FROM member WHERE member.incident = incident.key AND member = ?N)",
              pod}}};
}

Rare version_of(const std::string& version) {
    // The index is of versions that are known.
    return {{{"SELECT 1 FROM member WHERE version = ?N AND version <> ''",
              "SELECT DISTINCT incident AS found FROM member WHERE version = ?N AND version <> ''",
              "EXISTS (SELECT 1 FROM member WHERE member.incident = incident.key AND version = ?N)",
              version}}};
}

std::string joined(Conditions& where, const Rare& rare, std::string Search::*part,
                   const std::string& between) {
    std::string sql;
    for (const Search& search : rare.searches)
        sql += (sql.empty() ? "" : between) + where.bound(search.*part, search.value);
    return sql;
}

}  // namespace

std::vector<Rare> rares_of(Connection& connection, const IncidentFilter& filter) {
    std::vector<Rare> rares;
    if (const auto words = match_expression(connection, filter.text); !words.empty())
        rares.push_back(text_of(words, beginnings_expression(filter.text)));
    if (!filter.pod.empty()) rares.push_back(pod_of(filter.pod));
    if (!filter.version.empty()) rares.push_back(version_of(filter.version));
    return rares;
}

void count_places(Connection& connection, std::vector<Rare>& rares, std::int64_t most) {
    for (auto& rare : rares) {
        rare.found = 0;
        for (const Search& search : rare.searches) {
            Conditions value;
            const std::string places = value.bound(search.places, search.value);
            Statement& query =
                connection.prepared("SELECT count(*) FROM (" + places + " LIMIT ?2)");
            value.bind(query);
            query.bind(2, most);
            const StatementReset at_end(query);
            rare.found += query.step() ? query.number(0) : 0;
        }
    }
}

std::string keys_of(Conditions& where, const Rare& rare) {
    return joined(where, rare, &Search::keys, " UNION ");
}

std::string condition_of(Conditions& where, const Rare& rare) {
    return joined(where, rare, &Search::condition, " OR ");
}

LineSpan lines_of(Connection& connection, const std::string& from, const Conditions& where) {
    Statement query(connection,
                    "SELECT coalesce(min(evidence.rowid), 0), "
                    "coalesce(max(evidence.rowid), -1) FROM " +
                        from + " CROSS JOIN evidence ON evidence.incident = incident.key" +
                        where.sql());
    where.bind(query);
    return query.step() ? LineSpan{query.number(0), query.number(1)} : LineSpan{};
}

std::string condition_between(Conditions& where, const Rare& rare, LineSpan lines) {
    Rare between = rare;
    for (Search& search : between.searches) {
        if (search.condition_between.empty()) continue;
        search.condition =
            replaced(replaced(search.condition_between, "?FIRST", std::to_string(lines.first)),
                     "?LAST", std::to_string(lines.last));
    }
    return condition_of(where, between);
}

}  // namespace runnerwatch
