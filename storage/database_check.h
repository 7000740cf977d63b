#pragma once

#include "parsers/result.h"
#include "storage/store.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace runnerwatch {

// What an examination of a database found. Nothing found: it is whole, and its rows agree.
struct DatabaseCheck {
    static constexpr std::size_t findings_max = 100;  // of each kind

    std::vector<std::string> damage;  // it cannot be trusted, and may not be put back
    std::vector<std::string>
        breaches;             // readable, but rows contradict each other: a defect of ours
    std::int64_t schema = 0;  // version of its tables; 0: nothing was written yet
    std::int64_t incidents = 0, evidence = 0;
    std::uint64_t bytes = 0;  // of the file, without its write-ahead log

    bool passed() const { return damage.empty() && breaches.empty(); }
};

// Examines a database as of one commit, also while a daemon writes it: every page (SQLite's
// integrity check), whose it is, which schema, whether rows contradict each other, and whether full
// text search finds exactly what the log lines say. Reads only; the last needs room for temporary
// files, about as much as the log lines have. Blocking: about a minute per GB.
//
// Damage is a finding. The error is for what prevents the examination: no such file, no right.
Result<DatabaseCheck, StoreError> check_database(const std::filesystem::path& file);

}  // namespace runnerwatch
