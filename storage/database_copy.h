#pragma once

#include "parsers/result.h"
#include "storage/database_check.h"
#include "storage/store.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

// A database file as a whole: copied, put back, made small. Blocking. Killed at any moment, no half
// file stands under a name that was asked for; what was unfinished is overwritten the next time.
namespace runnerwatch {

struct BackupOptions {
    bool overwrite = false;
    // Between slices: how many bytes of how many are copied.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// Copies `database`, as of one commit, to the file `to`, and verifies the copy before it gets that
// name. A daemon goes on writing meanwhile; its write-ahead log grows by what it writes until the
// copy is done. The copy is one file, without a log. Returns what its verification found, which
// is no damage: a copy of a damaged database is an error.
Result<DatabaseCheck, StoreError> back_up_database(const std::filesystem::path& database,
                                                   const std::filesystem::path& to,
                                                   const BackupOptions& options = {});

struct Restored {
    DatabaseCheck check;  // of the backup
    std::string kept;     // where the file that was replaced is now; empty: there was none
};

// Puts a copy of `backup` in the place of `database`, after verifying it. Needs the writer's lock:
// no daemon may run on it. What stood there is kept beside it, with its write-ahead log, under its
// name and `.replaced-` + `suffix`; nothing is ever overwritten.
Result<Restored, StoreError> restore_database(const std::filesystem::path& backup,
                                              const std::filesystem::path& database,
                                              const std::string& suffix);

struct Vacuumed {
    std::uint64_t bytes_before = 0, bytes_after = 0;
};

// Writes the database anew without the room that deleted rows left, verifies that and puts it in
// its place. Needs the writer's lock, that nobody else has it open, and room for a second copy.
Result<Vacuumed, StoreError> vacuum_database(const std::filesystem::path& database);

}  // namespace runnerwatch
