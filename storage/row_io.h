#pragma once

#include "storage/tables.h"

#include <optional>
#include <stdexcept>

// Rows in and out of statements, by the column lists of tables.h. Only storage/ includes this.
namespace runnerwatch {

template <class Value>
void bind_value(Statement& statement, int index, const Value& value, bool blob) {
    if constexpr (std::is_same_v<Value, std::string>) {
        if (blob)
            statement.bind_blob(index, value);
        else
            statement.bind(index, std::string_view(value));
    } else if constexpr (std::is_same_v<Value, std::optional<Timestamp>>) {
        if (value)
            statement.bind(index, std::int64_t{value->time_since_epoch().count()});
        else
            statement.bind_null(index);
    } else if constexpr (std::is_same_v<Value, Timestamp>) {
        statement.bind(index, std::int64_t{value.time_since_epoch().count()});
    } else if constexpr (std::is_enum_v<Value>) {
        statement.bind(index, std::string_view(to_string(value)));
    } else {
        statement.bind(index, static_cast<std::int64_t>(value));
    }
}

// A word that this program does not know in a column of its own: the file was tampered with.
template <class Value>
Value known(std::optional<Value> value, const std::string& word) {
    if (!value) throw SqliteError(11 /* SQLITE_CORRUPT */, "unknown word \"" + word + "\"");
    return *value;
}

inline void from_word(const std::string& word, Severity& to) {
    to = known(severity_from(word), word);
}
inline void from_word(const std::string& word, Response& to) {
    to = known(response_from(word), word);
}
inline void from_word(const std::string& word, IncidentState& to) {
    to = known(incident_state_from(word), word);
}
inline void from_word(const std::string& word, MemberState& to) {
    to = known(member_state_from(word), word);
}
inline void from_word(const std::string& word, ClockKind& to) {
    to = word == "ours" ? ClockKind::ours : ClockKind::source;
}

template <class Value>
void read_value(const Statement& statement, int column, Value& value) {
    if constexpr (std::is_same_v<Value, std::string>) {
        value = statement.text(column);
    } else if constexpr (std::is_same_v<Value, std::optional<Timestamp>>) {
        if (statement.is_null(column))
            value.reset();
        else
            value = Timestamp(Duration(statement.number(column)));
    } else if constexpr (std::is_same_v<Value, Timestamp>) {
        value = Timestamp(Duration(statement.number(column)));
    } else if constexpr (std::is_enum_v<Value>) {
        from_word(statement.text(column), value);
    } else if constexpr (std::is_same_v<Value, bool>) {
        value = statement.number(column) != 0;
    } else {
        value = static_cast<Value>(statement.number(column));
    }
}

template <class Row, class Each>
void for_each_column(Each&& each) {
    std::apply([&](const auto&... column) { (each(column), ...); }, Table<Row>::columns());
}

template <class Row>
std::string column_list(const std::string& of = {}) {
    std::string list;
    for_each_column<Row>([&](const auto& column) {
        list += (list.empty() ? "" : ", ") + of + std::string(column.name);
    });
    return list;
}

template <class Row>
std::string upsert_sql() {
    std::string marks, keys, updates;
    int index = 0;
    for_each_column<Row>([&](const auto& column) {
        const std::string name = column.name;
        marks += index == 0 ? "?" : ", ?";
        if (index < Table<Row>::key_columns)
            keys += (keys.empty() ? "" : ", ") + name;
        else
            updates += (updates.empty() ? "" : ", ") + name + " = excluded." + name;
        ++index;
    });
    return std::string("INSERT INTO ") + Table<Row>::name + " (" + column_list<Row>() +
           ") VALUES (" + marks + ") ON CONFLICT (" + keys + ") DO UPDATE SET " + updates;
}

template <class Row>
std::string delete_sql() {
    std::string where;
    int index = 0;
    for_each_column<Row>([&](const auto& column) {
        if (index++ < Table<Row>::key_columns)
            where += (where.empty() ? "" : " AND ") + std::string(column.name) + " = ?";
    });
    return std::string("DELETE FROM ") + Table<Row>::name + " WHERE " + where;
}

template <class Row>
void put(Connection& connection, const Row& row) {
    static const std::string sql = upsert_sql<Row>();
    Statement& statement = connection.prepared(sql);
    int index = 0;
    for_each_column<Row>([&](const auto& column) {
        bind_value(statement, ++index, column.access(row), column.blob);
    });
    statement.run();
}

inline void bind_key(Statement& statement, int& index, const std::string& part) {
    statement.bind(++index, std::string_view(part));
}
inline void bind_key(Statement& statement, int& index, std::int64_t part) {
    statement.bind(++index, part);
}

template <class... Parts>
void bind_keys(Statement& statement, const std::tuple<Parts...>& key) {
    int index = 0;
    std::apply([&](const auto&... part) { (bind_key(statement, index, part), ...); }, key);
}
template <class First, class Second>
void bind_keys(Statement& statement, const std::pair<First, Second>& key) {
    bind_keys(statement, std::tuple<First, Second>(key.first, key.second));
}
inline void bind_keys(Statement& statement, const std::string& key) {
    statement.bind(1, std::string_view(key));
}

template <class Row, class Key>
void remove(Connection& connection, const Key& key) {
    static const std::string sql = delete_sql<Row>();
    Statement& statement = connection.prepared(sql);
    bind_keys(statement, key);
    statement.run();
}

template <class Key, class Row>
void put_all(Connection& connection, const std::map<Key, std::optional<Row>>& rows) {
    for (const auto& [key, row] : rows) {
        if (row)
            put(connection, *row);
        else
            remove<Row>(connection, key);
    }
}

// The row under a statement made with "SELECT " + column_list<Row>().
template <class Row>
Row row_of(const Statement& statement) {
    Row row;
    int index = 0;
    for_each_column<Row>(
        [&](const auto& column) { read_value(statement, index++, column.access(row)); });
    return row;
}

template <class Row>
std::vector<Row> rows_of(Statement& statement) {
    std::vector<Row> rows;
    const StatementReset at_end(statement);
    while (statement.step()) rows.push_back(row_of<Row>(statement));
    return rows;
}

// All rows, or those that `where` ("WHERE … ORDER BY …") picks.
template <class Row>
std::vector<Row> select(Connection& connection, const std::string& where = "") {
    Statement statement(connection,
                        "SELECT " + column_list<Row>() + " FROM " + Table<Row>::name + " " + where);
    return rows_of<Row>(statement);
}

}  // namespace runnerwatch
