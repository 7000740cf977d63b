#pragma once

#include "storage/sqlite.h"

#include <string>
#include <vector>

namespace runnerwatch {

// The steps from an empty file to today's tables; migration n leads to schema version n. Forward
// only: a step that was released is never changed.
const std::vector<const char*>& migrations();

// Brings a database to the newest version. An existing one is backed up beside the file first
// (FILE.before-v<N>.backup), so that a downgrade is the old program and that file.
void migrate(Connection& connection, const std::string& file,
             const std::vector<const char*>& steps);

std::string backup_name(const std::string& file, std::size_t version);

}  // namespace runnerwatch
