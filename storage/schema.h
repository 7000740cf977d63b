#pragma once

#include "storage/sqlite.h"

#include <cstdint>
#include <string>
#include <vector>

namespace runnerwatch {

// Marks a file as ours ("Rwat"): two programs with an SQLite file each must not mix them up.
constexpr std::int64_t application_id = 0x52776174;

// The steps from an empty file to today's tables; migration n leads to schema version n. Forward
// only: a step that was released is never changed. With each step a database written by that
// version is added to tests/storage/versions/ (its README says how), and every later program is
// tested on it.
const std::vector<const char*>& migrations();

// Brings a database to the newest version, by all steps or none. An existing one is backed up
// beside the file first (FILE.before-v<N>.backup), so that a downgrade is the old program and that
// file; without room for the backup nothing is changed.
void migrate(Connection& connection, const std::string& file,
             const std::vector<const char*>& steps);

// Whether the file is empty or was written by a runnerwatch, of whatever version.
bool is_ours(Connection& connection);

std::string backup_name(const std::string& file, std::size_t version);

}  // namespace runnerwatch
