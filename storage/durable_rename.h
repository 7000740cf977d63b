#pragma once

#include <string>

// Changes of names that survive a loss of power. Throw SqliteError. Only storage/ includes this.
namespace runnerwatch {

// Writes what the system still holds of `file` to its disk, then gives it the name `to`, whose
// file, if there is one, it replaces.
void rename_durably(const std::string& file, const std::string& to);

// The names in the folder of `file`, as they are now, survive a loss of power.
void sync_folder_of(const std::string& file);

}  // namespace runnerwatch
