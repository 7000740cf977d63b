#pragma once

#include "parsers/timestamp.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

// Incidents by the million for the bench of the history: the rows that a daemon's commits would
// have left, but written in the order of their keys, without a journal, and indexed at the end.
namespace runnerwatch {

constexpr Timestamp history_end{std::chrono::days(20'500)};
constexpr std::chrono::days history_span{730};

// Fills a database that has its tables and no rows with `count` incidents, the same in every
// database of that size. `says` is told of each step begun. Killed half way it leaves a broken
// file. Throws SqliteError.
void write_history(const std::string& file, std::int64_t count,
                   const std::function<void(const std::string&)>& says);

}  // namespace runnerwatch
