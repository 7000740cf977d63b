#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace runnerwatch {

// What SQLite refused. Never leaves storage/.
class SqliteError : public std::runtime_error {
public:
    SqliteError(int error_code, const std::string& what, int system_error = 0)
        : std::runtime_error(what), code(error_code), system(system_error) {}
    int code;    // primary result code: SQLITE_FULL, SQLITE_CORRUPT, …
    int system;  // errno of the call that failed, or 0
};

class Connection;

// A prepared statement. Bind from 1, step, read columns from 0.
class Statement {
public:
    Statement(Connection& connection, std::string_view sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    void bind(int index, std::string_view text);
    void bind_blob(int index, std::string_view bytes);
    void bind(int index, std::int64_t number);
    void bind_null(int index);

    bool step();  // whether there is a row
    void run();   // steps to the end and resets

    bool is_null(int column) const;
    std::string text(int column) const;
    void text(int column, std::string& into) const;
    std::int64_t number(int column) const;
    void reset();

private:
    void check(int code) const;

    Connection& connection_;
    sqlite3_stmt* statement_ = nullptr;
};

// A statement that is kept and not reset holds its read transaction open.
class StatementReset {
public:
    explicit StatementReset(Statement& statement) : statement_(statement) {}
    ~StatementReset() { statement_.reset(); }
    StatementReset(const StatementReset&) = delete;
    StatementReset& operator=(const StatementReset&) = delete;

private:
    Statement& statement_;
};

enum class OpenMode { read_write, read_only };

// Of pages, kept in memory by each connection: commits touch an index entry here and there.
constexpr int cache_kib = 16 * 1024;

// One connection. Throws SqliteError. One thread at a time.
class Connection {
public:
    Connection(const std::string& file, OpenMode mode);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void execute(const char* sql);
    bool in_transaction() const;
    std::uint64_t changes() const;  // rows that the last statement inserted, changed or deleted
    bool read_only() const;  // also when read_write was asked for and the file does not allow it

    // The first column of the first row.
    std::int64_t number(std::string_view sql);
    std::int64_t user_version() { return number("PRAGMA user_version"); }

    // Prepared once, kept for the connection's life.
    Statement& prepared(const std::string& sql);

    // Copies the database as of one commit to `file`, which is overwritten, while it may be in use:
    // slice by slice, with `progress` between them. The copy is one file, without a log. On failure
    // nothing is left of it. Not synced to the disk: rename_durably() does that.
    using CopyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;  // bytes
    void copy_to(const std::string& file, const CopyProgress& progress = {});

    // Asked every few thousand steps of a statement; true ends it with SQLITE_INTERRUPT.
    void interrupt_when(std::function<bool()> is_over);

    sqlite3* handle() const { return handle_; }
    [[noreturn]] void fail(int code, int system = 0) const;  // system: errno

private:
    sqlite3* handle_ = nullptr;
    std::map<std::string, std::unique_ptr<Statement>> prepared_;
    std::function<bool()> is_over_;
};

// All statements run during its life take effect together, or not at all. Without commit(),
// leaving the scope undoes them; that is how errors roll back. A reading one sees the database as
// one commit left it.
class Transaction {
public:
    enum class Kind { writing, reading };
    explicit Transaction(Connection& connection, Kind kind = Kind::writing);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

private:
    Connection& connection_;
    bool open_ = true;
};

}  // namespace runnerwatch
