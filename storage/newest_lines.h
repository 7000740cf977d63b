#pragma once

#include "storage/history.h"
#include "storage/incident_search.h"
#include "storage/sqlite.h"

#include <cstdint>
#include <vector>

// The page of incidents for words that stand in thousands of lines, too many to look all of them up
// and too few to meet them on a walk through the pages: lines are gone through from the newest.
// Only storage/ includes this.
namespace runnerwatch {

// Incidents have numbers in the order of their openings, and a commit opens so many at most, as the
// book holds no more. So an incident whose number is that far behind another's was opened in a
// later commit, and all its lines are newer than the first line of that other.
constexpr std::int64_t opened_at_once_max = 10'000;

// Incidents that stand alone, among them all of the page; in no order. `words` is what text they
// are searched by, `others` what else they must have.
std::vector<IncidentRow> newest_by_lines(Connection& connection, const IncidentFilter& filter,
                                         const Rare& words, const std::vector<Rare>& others,
                                         std::int64_t opened_at_once = opened_at_once_max);

}  // namespace runnerwatch
