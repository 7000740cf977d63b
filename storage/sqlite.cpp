#include "storage/sqlite.h"

#include <sqlite3.h>

#include <cassert>
#include <cerrno>
#include <filesystem>

namespace runnerwatch {

namespace {

constexpr int busy_timeout_ms = 5'000;
constexpr int slice_pages = 256;
constexpr int steps_between_asking = 4'000;  // of SQLite's machine: some hundred microseconds

}  // namespace

Statement::Statement(Connection& connection, std::string_view sql) : connection_(connection) {
    check(sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int code) const {
    if (code != SQLITE_OK) connection_.fail(code);
}

void Statement::bind(int index, std::string_view text) {
    check(sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
}

void Statement::bind_blob(int index, std::string_view bytes) {
    check(sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
}

void Statement::bind(int index, std::int64_t number) {
    check(sqlite3_bind_int64(statement_, index, number));
}

void Statement::bind_null(int index) { check(sqlite3_bind_null(statement_, index)); }

bool Statement::step() {
    errno = 0;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    const int system = errno;
    sqlite3_reset(statement_);
    connection_.fail(code, system);
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

void Statement::reset() { sqlite3_reset(statement_); }

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string Statement::text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes ? std::string(static_cast<const char*>(bytes), size) : std::string();
}

void Statement::text(int column, std::string& into) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    into.assign(static_cast<const char*>(bytes), bytes ? size : 0);
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_, column);
}

Connection::Connection(const std::string& file, OpenMode mode) {
    const int flags = mode == OpenMode::read_only ? SQLITE_OPEN_READONLY
                                                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int code = sqlite3_open_v2(file.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code != SQLITE_OK) {
        const std::string what = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
        const int system = handle_ ? sqlite3_system_errno(handle_) : 0;
        sqlite3_close(handle_);
        throw SqliteError(code & 0xff, what, system);
    }
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    // It reads the file, which may be none of a database; then no destructor runs.
    try {
        execute(("PRAGMA cache_size = -" + std::to_string(cache_kib)).c_str());
    } catch (const SqliteError&) {
        sqlite3_close(handle_);
        throw;
    }
}

Connection::~Connection() {
    prepared_.clear();
    sqlite3_close(handle_);
}

// What the system said makes a quota and a limit tell from a broken disk; SQLite itself keeps it
// for most calls, but not for a COMMIT.
void Connection::fail(int code, int system) const {
    const int primary = code & 0xff;
    const bool of_the_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
    if (system == 0) system = sqlite3_system_errno(handle_);
    throw SqliteError(primary, sqlite3_errmsg(handle_), of_the_system ? system : 0);
}

void Connection::execute(const char* sql) {
    errno = 0;
    if (const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
        fail(code, errno);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

std::uint64_t Connection::changes() const {
    return static_cast<std::uint64_t>(sqlite3_changes64(handle_));
}

bool Connection::read_only() const { return sqlite3_db_readonly(handle_, "main") == 1; }

std::int64_t Connection::number(std::string_view sql) {
    Statement query(*this, sql);
    return query.step() ? query.number(0) : 0;
}

Statement& Connection::prepared(const std::string& sql) {
    auto& statement = prepared_[sql];
    if (!statement) statement = std::make_unique<Statement>(*this, sql);
    return *statement;
}

void Connection::interrupt_when(std::function<bool()> is_over) {
    is_over_ = std::move(is_over);
    const auto ask = [](void* function) {
        return (*static_cast<const std::function<bool()>*>(function))() ? 1 : 0;
    };
    sqlite3_progress_handler(handle_, is_over_ ? steps_between_asking : 0, ask, &is_over_);
}

void Connection::copy_to(const std::string& file, const CopyProgress& progress) {
    std::error_code ignored;
    const auto remove = [&] {
        for (const char* part : {"", "-journal", "-wal", "-shm"})
            std::filesystem::remove(file + part, ignored);
    };
    remove();
    try {
        // A copy whose source changes begins anew, and the source of a daemon changes all the time.
        const Transaction as_of_one_commit(*this, Transaction::Kind::reading);
        const auto page_size = static_cast<std::uint64_t>(number("PRAGMA page_size"));
        number("SELECT count(*) FROM sqlite_schema");
        Connection copy(file, OpenMode::read_write);
        copy.execute("PRAGMA synchronous = OFF");
        sqlite3_backup* backup = sqlite3_backup_init(copy.handle_, "main", handle_, "main");
        if (!backup) copy.fail(sqlite3_errcode(copy.handle_));
        int step = SQLITE_OK;
        while (step == SQLITE_OK) {
            step = sqlite3_backup_step(backup, slice_pages);
            const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup));
            const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup));
            if (progress) progress((total - left) * page_size, total * page_size);
        }
        const int finish = sqlite3_backup_finish(backup);
        if (step != SQLITE_DONE) copy.fail(finish != SQLITE_OK ? finish : step);
        copy.execute("PRAGMA journal_mode = DELETE");
    } catch (...) {
        remove();
        throw;
    }
}

// IMMEDIATE takes the write lock now, while nothing has been read that could go stale.
Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
    connection_.execute(kind == Kind::writing ? "BEGIN IMMEDIATE" : "BEGIN DEFERRED");
}

void Transaction::commit() {
    assert(open_);
    connection_.execute("COMMIT");
    open_ = false;
}

Transaction::~Transaction() {
    // SQLite rolls back by itself on some errors (full disk, out of memory); a second ROLLBACK
    // would then fail.
    if (!open_ || !connection_.in_transaction()) return;
    try {
        connection_.execute("ROLLBACK");
    } catch (const SqliteError&) {
        // The connection is unusable, and its next statement will say so.
    }
}

}  // namespace runnerwatch
