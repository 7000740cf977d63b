#include "storage/legal_hold.h"

#include "storage/row_io.h"
#include "storage/schema.h"
#include "storage/store_error.h"

namespace runnerwatch {

namespace {

// Refuses what is not a database of today's schema: another process brings it up to date.
std::optional<StoreError> unusable(Connection& connection, const std::string& file) {
    if (!is_ours(connection)) return foreign_database(file);
    const std::int64_t version = connection.user_version();
    const std::size_t known = migrations().size();
    if (version > static_cast<std::int64_t>(known)) return newer_version(file, version, known);
    if (version < static_cast<std::int64_t>(known)) return older_version(file, version, known);
    return std::nullopt;
}

template <class Change>
Result<HoldOutcome, StoreError> change_hold(const std::filesystem::path& database,
                                            const std::string& id, const Change& change) {
    const std::string file = database.string();
    auto reader = Reader::open(database);
    if (!reader) return failure(reader.error());
    const auto found = (*reader)->incident(id);
    if (!found) return failure(found.error());
    if (!*found) return HoldOutcome::no_such_incident;
    reader->reset();  // who closes the file last folds its log in, and a reader cannot
    try {
        Connection connection(file, OpenMode::read_write);
        if (auto error = unusable(connection, file)) return failure(*error);
        if (connection.read_only()) return failure(read_only_file(file));
        connection.execute("PRAGMA synchronous = FULL");
        Transaction transaction(connection);
        const bool changed = change(connection, (*found)->incident.key) > 0;
        transaction.commit();
        return changed ? HoldOutcome::done : HoldOutcome::as_it_was;
    } catch (const SqliteError& error) {
        return failure(store_error(error, file, Doing::writing));
    }
}

}  // namespace

Result<HoldOutcome, StoreError> hold_incident(const std::filesystem::path& database,
                                              const std::string& id, const std::string& by,
                                              const std::string& reason, Timestamp now) {
    return change_hold(database, id, [&](Connection& connection, const std::string& key) {
        Statement put(connection,
                      "INSERT INTO hold (incident, at, by, reason, released_at, released_by) "
                      "SELECT key, ?2, ?3, ?4, NULL, '' FROM incident WHERE key = ?1 AND NOT "
                      "EXISTS (SELECT 1 FROM hold WHERE incident = ?1 AND released_at IS NULL)");
        put.bind(1, std::string_view(key));
        put.bind(2, std::int64_t{now.time_since_epoch().count()});
        put.bind(3, std::string_view(by));
        put.bind(4, std::string_view(reason));
        put.run();
        return connection.changes();
    });
}

Result<HoldOutcome, StoreError> release_incident(const std::filesystem::path& database,
                                                 const std::string& id, const std::string& by,
                                                 Timestamp now) {
    return change_hold(database, id, [&](Connection& connection, const std::string& key) {
        Statement put(connection,
                      "UPDATE hold SET released_at = ?2, released_by = ?3 WHERE incident = ?1 AND "
                      "released_at IS NULL");
        put.bind(1, std::string_view(key));
        put.bind(2, std::int64_t{now.time_since_epoch().count()});
        put.bind(3, std::string_view(by));
        put.run();
        return connection.changes();
    });
}

Result<std::vector<LegalHold>, StoreError> legal_holds(const std::filesystem::path& database) {
    const std::string file = database.string();
    try {
        Connection connection(file, OpenMode::read_only);
        if (auto error = unusable(connection, file)) return failure(*error);
        Statement query(connection,
                        "SELECT hold.incident, number, title, hold.at, by, reason, released_at, "
                        "released_by FROM hold JOIN incident ON key = hold.incident "
                        "ORDER BY released_at IS NOT NULL, hold.at DESC, number");
        std::vector<LegalHold> holds;
        while (query.step()) {
            LegalHold hold;
            hold.incident = query.text(0);
            hold.number = query.number(1);
            hold.title = query.text(2);
            read_value(query, 3, hold.at);
            hold.by = query.text(4);
            hold.reason = query.text(5);
            read_value(query, 6, hold.released_at);
            hold.released_by = query.text(7);
            holds.push_back(std::move(hold));
        }
        return holds;
    } catch (const SqliteError& error) {
        return failure(store_error(error, file, Doing::reading));
    }
}

}  // namespace runnerwatch
