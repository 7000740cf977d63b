#pragma once

#include "storage/sqlite.h"
#include "storage/store.h"

#include <string>

namespace runnerwatch {

// What was being done: what a person can do about it depends on that. A failed start waits for
// that person, a failed write is tried again.
enum class Doing {
    opening,
    migrating,
    reading,
    writing,
    checking,
    backing_up,
    restoring,
    vacuuming
};

// SQLite's error in the words of ours: what happened, why, which file, what to do.
StoreError store_error(const SqliteError& error, const std::string& file, Doing doing);

StoreError newer_version(const std::string& file, std::int64_t found, std::size_t known);
StoreError older_version(const std::string& file, std::int64_t found, std::size_t known);

// A whole SQLite database, but not one of runnerwatch.
StoreError foreign_database(const std::string& file);

// A copy that was made, or is to be made, of `file` cannot be trusted.
StoreError damaged(const std::string& file, const std::string& why, Doing doing);

// It would replace a file that it may not.
StoreError would_replace(Doing doing, const std::string& why, const std::string& file,
                         const std::string& advice);

// Nothing that SQLite said.
StoreError unexpected(const std::string& why, const std::string& file, Doing doing);

// Opened for writing, but neither the file nor its disk allow it.
StoreError read_only_file(const std::string& file);

}  // namespace runnerwatch
