// What is asked of single incidents and of their history. Conditions are put together from fixed
// texts; values are always bound.
#include "storage/reader_impl.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace runnerwatch {
namespace {

constexpr const char* not_over = "state IN ('open', 'recovering', 'cannot_tell')";

// A WHERE clause that grows, with what is bound to it.
class Conditions {
public:
    void add(const std::string& condition) {
        sql_ += (sql_.empty() ? " WHERE " : " AND ") + ("(" + condition + ")");
    }
    // `condition` with one or more "?N" replaced by the number of `value`.
    void add(std::string condition, const std::string& value) {
        texts_.push_back(value);
        number(condition);
    }
    void add(std::string condition, std::int64_t value) {
        texts_.emplace_back();
        numbers_.emplace_back(texts_.size(), value);
        number(condition);
    }
    void add(std::string condition, Timestamp value) {
        add(std::move(condition), std::int64_t{value.time_since_epoch().count()});
    }
    const std::string& sql() const { return sql_; }
    void bind(Statement& statement) const {
        for (std::size_t i = 0; i < texts_.size(); ++i)
            statement.bind(static_cast<int>(i + 1), std::string_view(texts_[i]));
        for (const auto& [index, value] : numbers_) statement.bind(static_cast<int>(index), value);
    }

private:
    void number(std::string& condition) {
        const std::string mark = "?" + std::to_string(texts_.size());
        for (std::size_t at = 0; (at = condition.find("?N", at)) != std::string::npos;
             at += mark.size())
            condition.replace(at, 2, mark);
        add(condition);
    }

    std::string sql_;
    std::vector<std::string> texts_;
    std::vector<std::pair<std::size_t, std::int64_t>> numbers_;
};

template <class Word>
std::string one_of(const std::string& column, const std::vector<Word>& words) {
    std::string list;
    for (const auto word : words)
        list += (list.empty() ? "'" : ", '") + std::string(to_string(word)) + "'";
    return column + " IN (" + list + ")";
}

// Words as full text search takes them, each as the beginning of one: `"conn"* "refused"*`.
std::string match_expression(const std::string& text) {
    std::string expression;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
        std::string word;
        for (std::size_t i = at; i < end; ++i)
            word += text[i] == '"' ? std::string("\"\"") : std::string(1, text[i]);
        if (!word.empty()) expression += (expression.empty() ? "\"" : " \"") + word + "\"*";
        at = end + 1;
    }
    return expression;
}

Conditions conditions_of(const IncidentFilter& filter) {
    Conditions where;
    if (!filter.states.empty()) where.add(one_of("state", filter.states));
    if (!filter.severities.empty()) where.add(one_of("severity", filter.severities));
    if (!filter.rule.empty()) where.add("rule = ?N", filter.rule);
    if (!filter.namespace_.empty()) where.add("namespace = ?N", filter.namespace_);
    if (!filter.workload.empty())
        where.add(filter.workload.find('/') != std::string::npos
                      ? "workload = ?N"
                      : "substr(workload, instr(workload, '/') + 1) = ?N",
                  filter.workload);
    if (!filter.pod.empty())
        where.add("EXISTS (SELECT 1 FROM member WHERE incident = incident.key AND member = ?N)",
                  filter.pod);
    if (filter.acknowledged)
        where.add(*filter.acknowledged ? "acknowledged_by <> ''" : "acknowledged_by = ''");
    if (filter.snoozed) where.add(*filter.snoozed ? "snoozed_by <> ''" : "snoozed_by = ''");
    if (!filter.assignee.empty()) where.add("assignee = ?N", filter.assignee);
    if (!filter.tag.empty())
        where.add("instr(' ' || tags || ' ', ' ' || ?N || ' ') > 0", filter.tag);
    if (filter.since)
        where.add(std::string(not_over) + " OR last_seen >= ?N OR ended_at >= ?N", *filter.since);
    if (filter.until) where.add("coalesce(first_seen, noted_at) <= ?N", *filter.until);
    return where;
}

void add_text(Conditions& where, const std::string& text) {
    const std::string words = match_expression(text);
    if (words.empty()) return;
    where.add(
        "key IN (SELECT evidence.incident FROM evidence_text JOIN evidence "
        "ON evidence.rowid = evidence_text.rowid WHERE evidence_text MATCH ?N) OR key IN "
        "(SELECT note.incident FROM note_text JOIN note ON note.id = note_text.rowid "
        "WHERE note_text MATCH ?N)",
        words);
}

std::optional<IncidentRow> incident_row(Connection& connection, const std::string& column,
                                        const std::string& value, std::int64_t number = 0) {
    Statement& query = connection.prepared("SELECT " + column_list<IncidentRow>() +
                                           " FROM incident WHERE " + column + " = ?");
    if (column == "number")
        query.bind(1, number);
    else
        query.bind(1, std::string_view(value));
    auto found = rows_of<IncidentRow>(query);
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

template <class Row>
std::vector<Row> of_incident(Connection& connection, const std::string& key, const char* more) {
    Statement& query = connection.prepared("SELECT " + column_list<Row>() + " FROM " +
                                           Table<Row>::name + " WHERE incident = ? " + more);
    query.bind(1, std::string_view(key));
    return rows_of<Row>(query);
}

std::optional<IncidentDetail> detail_of(Connection& connection, std::string_view id) {
    if (!id.empty() && id.front() == '#') id.remove_prefix(1);
    const bool is_number =
        !id.empty() && id.size() < 19 &&
        std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    const std::string text(id);
    auto row = is_number ? incident_row(connection, "number", "", std::stoll(text))
                         : incident_row(connection, id.size() == 26 ? "ulid" : "key", text);
    if (!row) return std::nullopt;
    IncidentDetail detail;
    detail.incident = std::move(*row);
    const std::string& key = detail.incident.key;
    detail.members = of_incident<MemberRow>(connection, key, "ORDER BY member");
    detail.timeline = of_incident<TimelineRow>(connection, key, "ORDER BY change");
    detail.evidence = of_incident<EvidenceRow>(connection, key, "ORDER BY ordinal");
    return detail;
}

std::vector<IncidentStory::Gap> gaps_of(Connection& connection, const IncidentDetail& detail) {
    std::map<std::string, Place> places;  // by instance
    std::set<std::tuple<std::string, std::string, std::string>> members;
    for (const auto& member : detail.members) {
        places[member.place.instance] = member.place;
        members.insert({member.place.cluster, member.place.namespace_, member.place.member});
    }
    for (const auto& row : detail.evidence) places[row.instance].instance = row.instance;
    for (auto& row : select<SourceRow>(connection)) {
        const Place& place = row.place;
        if (places.contains(place.instance) ||
            members.contains({place.cluster, place.namespace_, place.member}))
            places[place.instance] = place;
    }
    const IncidentRow& incident = detail.incident;
    std::vector<IncidentStory::Gap> gaps;
    for (const auto& [instance, place] : places) {
        Statement& query = connection.prepared(
            "SELECT " + column_list<CoverageRow>() +
            " FROM coverage WHERE instance = ? AND ordinal <> ? ORDER BY ordinal");
        query.bind(1, std::string_view(instance));
        query.bind(2, read_ordinal);
        for (auto& row : rows_of<CoverageRow>(query)) {
            const bool before = row.to && incident.first_seen && *row.to < *incident.first_seen;
            const bool behind = row.from && incident.ended_at && *row.from > *incident.ended_at;
            if (!before && !behind) gaps.push_back({place, std::move(row)});
        }
    }
    return gaps;
}

std::vector<IncidentRow> earlier_of(Connection& connection, const IncidentRow& incident) {
    std::vector<IncidentRow> earlier;
    std::string previous = incident.previous;
    while (!previous.empty() && earlier.size() < IncidentStory::earlier_max) {
        auto row = incident_row(connection, "key", previous);
        if (!row) break;
        previous = row->previous;
        earlier.push_back(std::move(*row));
    }
    return earlier;
}

std::vector<DeliveryAttemptRow> deliveries_of(Connection& connection, const std::string& key) {
    Statement& query = connection.prepared(
        "SELECT " + column_list<DeliveryAttemptRow>() +
        " FROM delivery_attempt WHERE (receiver, delivery_key) IN (SELECT receiver, delivery_key "
        "FROM delivery_incident WHERE incident = ?) ORDER BY at, receiver, attempt");
    query.bind(1, std::string_view(key));
    return rows_of<DeliveryAttemptRow>(query);
}

std::optional<Timestamp> time_in(const Statement& row, int column) {
    std::optional<Timestamp> at;
    read_value(row, column, at);
    return at;
}

}  // namespace

Result<std::vector<IncidentRow>, StoreError> Reader::incidents(const IncidentFilter& filter) {
    return impl_->ask([&](Connection& connection) {
        Conditions where = conditions_of(filter);
        add_text(where, filter.text);
        if (filter.after) {
            where.add("last_seen <= ?N", filter.after->last_seen);
            const auto at = filter.after->last_seen.time_since_epoch().count();
            where.add("last_seen < " + std::to_string(at) + " OR number < ?N",
                      filter.after->number);
        }
        Statement query(connection, "SELECT " + column_list<IncidentRow>() + " FROM incident" +
                                        where.sql() +
                                        " ORDER BY last_seen DESC, number DESC LIMIT " +
                                        std::to_string(filter.limit));
        where.bind(query);
        return rows_of<IncidentRow>(query);
    });
}

Result<std::optional<IncidentDetail>, StoreError> Reader::incident(std::string_view id) {
    return impl_->ask([&](Connection& connection) { return detail_of(connection, id); });
}

Result<std::optional<IncidentStory>, StoreError> Reader::story(std::string_view id) {
    return impl_->ask([&](Connection& connection) -> std::optional<IncidentStory> {
        auto detail = detail_of(connection, id);
        if (!detail) return std::nullopt;
        IncidentStory story;
        story.detail = std::move(*detail);
        const IncidentRow& incident = story.detail.incident;
        story.deliveries = deliveries_of(connection, incident.key);
        story.owed = of_incident<OutboxIncidentRow>(connection, incident.key,
                                                    "ORDER BY receiver, group_key");
        story.gaps = gaps_of(connection, story.detail);
        story.earlier = earlier_of(connection, incident);
        if (!incident.folded_into.empty())
            story.cause = incident_row(connection, "key", incident.folded_into);
        if (!incident.merged_into.empty())
            story.whole = incident_row(connection, "key", incident.merged_into);
        Statement& parts = connection.prepared("SELECT " + column_list<IncidentRow>() +
                                               " FROM incident WHERE merged_into = ? AND "
                                               "merged_into <> '' ORDER BY number");
        parts.bind(1, std::string_view(incident.key));
        story.parts = rows_of<IncidentRow>(parts);
        return story;
    });
}

Result<std::vector<SimilarIncident>, StoreError> Reader::similar(const IncidentRow& incident,
                                                                 std::size_t limit) {
    return impl_->ask([&](Connection& connection) {
        Statement& query = connection.prepared(
            "SELECT " + column_list<IncidentRow>() +
            " FROM incident WHERE rule = ? AND state = 'resolved' AND key <> ? "
            "ORDER BY cluster = ? AND namespace = ? AND workload = ? DESC, last_seen DESC, "
            "number DESC LIMIT ?");
        int index = 0;
        for (const auto* text : {&incident.rule, &incident.key, &incident.cluster,
                                 &incident.namespace_, &incident.workload})
            query.bind(++index, std::string_view(*text));
        query.bind(++index, static_cast<std::int64_t>(limit));
        std::vector<SimilarIncident> list;
        for (auto& row : rows_of<IncidentRow>(query)) {
            SimilarIncident similar{std::move(row), {}};
            similar.changes = of_incident<TimelineRow>(
                connection, similar.incident.key,
                "AND kind IN ('container_restarted', 'rollout', 'member_replaced', 'note', "
                "'resolve') ORDER BY change");
            list.push_back(std::move(similar));
        }
        return list;
    });
}

Result<std::vector<IncidentMoments>, StoreError> Reader::moments(const IncidentFilter& filter) {
    return impl_->ask([&](Connection& connection) {
        IncidentFilter scope;
        scope.rule = filter.rule;
        scope.namespace_ = filter.namespace_;
        scope.workload = filter.workload;
        Conditions where = conditions_of(scope);
        where.add("state <> 'folded'");
        if (filter.since) where.add("coalesce(first_seen, noted_at) >= ?N", *filter.since);
        if (filter.until) where.add("coalesce(first_seen, noted_at) <= ?N", *filter.until);
        Statement query(
            connection,
            "SELECT key, number, rule, namespace, workload, state, clock, first_seen, ended_at, "
            "noted_at, (SELECT coalesce(before.ended_at, before.last_seen) FROM incident before "
            "WHERE before.key = incident.previous), (SELECT max(at) FROM timeline WHERE "
            "timeline.incident = key AND kind IN ('member_recovering', 'member_recovered') AND "
            "at <= ended_at), (SELECT min(at) FROM timeline WHERE timeline.incident = key AND "
            "kind = 'ack'), (SELECT min(at) FROM delivery_attempt WHERE verdict = 'sent' AND "
            "(receiver, delivery_key) IN (SELECT receiver, delivery_key FROM delivery_incident "
            "WHERE delivery_incident.incident = key)) FROM incident" +
                where.sql() + " ORDER BY number");
        where.bind(query);
        std::vector<IncidentMoments> list;
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
            list.push_back(std::move(moments));
        }
        return list;
    });
}

}  // namespace runnerwatch
