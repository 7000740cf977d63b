#include "storage/database_check.h"

#include "storage/schema.h"
#include "storage/sqlite.h"
#include "storage/store_error.h"

#include <sqlite3.h>

#include <functional>

namespace runnerwatch {

namespace {

// What must hold of the rows of every database that a runnerwatch of today's schema has written:
// each query counts what breaks it.
struct Invariant {
    const char* breach;
    const char* count;
};
constexpr Invariant invariants[] = {
    {"members of incidents that do not exist",
     "SELECT count(*) FROM member WHERE incident NOT IN (SELECT key FROM incident)"},
    {"timeline rows of incidents that do not exist",
     "SELECT count(*) FROM timeline WHERE incident NOT IN (SELECT key FROM incident)"},
    {"kept log lines of incidents that do not exist",
     "SELECT count(*) FROM evidence WHERE incident NOT IN (SELECT key FROM incident)"},
    {"notes of incidents that do not exist",
     "SELECT count(*) FROM note WHERE incident NOT IN (SELECT key FROM incident)"},
    {"legal holds of incidents that do not exist",
     "SELECT count(*) FROM hold WHERE incident NOT IN (SELECT key FROM incident)"},
    {"incidents merged into one that does not exist",
     "SELECT count(*) FROM incident WHERE merged_into <> '' AND merged_into NOT IN "
     "(SELECT key FROM incident)"},
    {"incidents folded into one that does not exist",
     "SELECT count(*) FROM incident WHERE folded_into <> '' AND folded_into NOT IN "
     "(SELECT key FROM incident)"},
    {"timeline rows behind the last one that their incident counts",
     "SELECT count(*) FROM timeline JOIN incident ON key = incident WHERE change > changes"},
    {"incidents with more kept log lines than they count",
     "SELECT count(*) FROM incident WHERE evidence_count < "
     "(SELECT count(*) FROM evidence WHERE incident = key)"},
    {"incidents whose identity counts fewer occurrences than there are",
     "SELECT count(*) FROM incident WHERE occurrence > coalesce((SELECT occurrences FROM identity "
     "WHERE identity.identity = incident.identity), 0)"},
    {"numbers of incidents beyond the last one that was given",
     "SELECT count(*) FROM incident WHERE number > coalesce((SELECT CAST(value AS INTEGER) "
     "FROM meta WHERE name = 'last_number'), 0)"},
    {"databases without an id of their own",
     "SELECT NOT EXISTS (SELECT 1 FROM meta WHERE name = 'database_id' AND value <> '')"},
    {"log lines that full text search does not know",
     "SELECT count(*) FROM evidence WHERE rowid NOT IN (SELECT id FROM evidence_text_docsize)"},
    {"entries of full text search whose log line does not exist",
     "SELECT count(*) FROM evidence_text_docsize WHERE id NOT IN (SELECT rowid FROM evidence)"},
};

// Every word of every line with its place, as one number; the order does not matter.
std::uint64_t digest_of_words(Connection& connection, const char* index) {
    Statement words(connection, std::string("SELECT term, doc, offset FROM temp.") + index);
    const std::hash<std::string> hash;
    std::uint64_t digest = 0;
    while (words.step()) digest += hash(words.text(0) + ' ' + words.text(1) + ' ' + words.text(2));
    return digest;
}

// FTS5's own check wants to write. So the index is built once more beside the database, and both
// must know the same words in the same places.
bool search_agrees(Connection& connection) {
    connection.execute(
        "CREATE VIRTUAL TABLE temp.known USING fts5vocab(main, evidence_text, instance);"
        "CREATE VIRTUAL TABLE temp.anew USING fts5(text, content='');"
        "INSERT INTO temp.anew(rowid, text) SELECT rowid, text FROM main.evidence;"
        "CREATE VIRTUAL TABLE temp.known_anew USING fts5vocab(temp, anew, instance);");
    return digest_of_words(connection, "known") == digest_of_words(connection, "known_anew");
}

void check_pages(Connection& connection, DatabaseCheck& check) {
    Statement pages(connection,
                    "PRAGMA integrity_check(" + std::to_string(DatabaseCheck::findings_max) + ")");
    while (pages.step())
        if (const std::string found = pages.text(0); found != "ok") check.damage.push_back(found);
    Statement foreign(connection, "PRAGMA foreign_key_check");
    while (foreign.step() && check.damage.size() < DatabaseCheck::findings_max)
        check.damage.push_back("table " + foreign.text(0) + " refers to rows that do not exist");
}

void check_rows(Connection& connection, DatabaseCheck& check) {
    check.incidents = connection.number("SELECT count(*) FROM incident");
    check.evidence = connection.number("SELECT count(*) FROM evidence");
    for (const auto& [breach, count] : invariants)
        if (const auto found = connection.number(count); found > 0)
            check.breaches.push_back(std::to_string(found) + " " + breach);
    if (!search_agrees(connection))
        check.breaches.emplace_back("full text search does not find what the kept log lines say");
}

DatabaseCheck checked(Connection& connection) {
    DatabaseCheck check;
    const Transaction as_of_one_commit(connection, Transaction::Kind::reading);
    check.bytes = static_cast<std::uint64_t>(connection.number("PRAGMA page_count")) *
                  static_cast<std::uint64_t>(connection.number("PRAGMA page_size"));
    check_pages(connection, check);
    if (!check.damage.empty()) return check;
    if (!is_ours(connection)) {
        check.damage.emplace_back("it is a database of another program");
        return check;
    }
    check.schema = connection.user_version();
    const auto known = static_cast<std::int64_t>(migrations().size());
    if (check.schema > known)
        check.damage.push_back("it was written by a newer runnerwatch (schema " +
                               std::to_string(check.schema) + ", this program knows " +
                               std::to_string(known) + ")");
    if (check.schema == known) check_rows(connection, check);
    return check;
}

}  // namespace

Result<DatabaseCheck, StoreError> check_database(const std::filesystem::path& file) {
    try {
        Connection connection(file.string(), OpenMode::read_only);
        return checked(connection);
    } catch (const SqliteError& error) {
        if (error.code != SQLITE_CORRUPT && error.code != SQLITE_NOTADB)
            return failure(store_error(error, file.string(), Doing::checking));
        DatabaseCheck check;
        check.damage.emplace_back(error.what());
        return check;
    }
}

}  // namespace runnerwatch
