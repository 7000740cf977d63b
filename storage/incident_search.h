#pragma once

#include "storage/conditions.h"
#include "storage/history.h"
#include "storage/sqlite.h"

#include <string>
#include <vector>

// What a filter names that few incidents may have: words of a kept line or note, a pod. Pages,
// facets and merged incidents look for it in the same way. Only storage/ includes this.
namespace runnerwatch {

// Where a value is looked for: a select of one for each place it stands, of the keys of its
// incidents, and a condition on one incident; in all of them "?N" stands for the value. And, of
// words in lines, a condition that is found out at once for all lines between two rowids, "?FIRST"
// and "?LAST"; else empty.
struct Search {
    std::string places, keys, condition, value, condition_between{};
};

// One thing that is named: an incident has it when any of the searches finds it.
struct Rare {
    std::vector<Search> searches;
    std::int64_t found = 0;  // places, as far as they were counted
};

std::vector<Rare> rares_of(Connection& connection, const IncidentFilter& filter);

// Counts the places of each, up to `most`.
void count_places(Connection& connection, std::vector<Rare>& rares, std::int64_t most);

// A select of the keys of its incidents, as `found`, each once; its values are bound in `where`.
std::string keys_of(Conditions& where, const Rare& rare);

// Whether an incident has it, asked of each by itself. For words, each is a search of its own.
std::string condition_of(Conditions& where, const Rare& rare);

// The same of incidents all of whose lines are between these rowids.
struct LineSpan {
    std::int64_t first = 0, last = -1;
};
std::string condition_between(Conditions& where, const Rare& rare, LineSpan lines);

// Of the incidents that `from` gives and that are so.
LineSpan lines_of(Connection& connection, const std::string& from, const Conditions& where);

}  // namespace runnerwatch
