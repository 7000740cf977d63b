#pragma once

#include "storage/sqlite.h"
#include "storage/store.h"

#include <string>

namespace runnerwatch {

// SQLite's error in the words of ours: what happened, why, which file, what to do.
StoreError store_error(const SqliteError& error, const std::string& file, const std::string& doing);

StoreError newer_version(const std::string& file, std::int64_t found, std::size_t known);

}  // namespace runnerwatch
