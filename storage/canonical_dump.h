#pragma once

#include "storage/sqlite.h"

#include <string>

namespace runnerwatch {

// One JSON object a line, sorted by key: the same incidents give the same bytes, whenever, in
// whatever chunks and beside whatever else their log was read. Left out is what depends on that:
// numbers, the ULID's time, rows and times of our clock, context lines, and words about who runs
// now.
std::string dump_canonically(Connection& connection);

}  // namespace runnerwatch
