#pragma once

#include "storage/conditions.h"
#include "storage/history.h"
#include "storage/sqlite.h"

#include <cstdint>
#include <string>
#include <vector>

// How a page of incidents is found in a history of millions: by an index that is already in the
// order of pages, or by the few lines or members that the filter names. Only storage/ includes
// this.
namespace runnerwatch {

// One SELECT of at most as many incidents as the page has, the first of those that it finds.
struct PageQuery {
    std::string sql;
    Conditions where;  // what is bound
};

// Where one way to a page becomes dearer than another (tests/bench/history). Tests set others.
struct PageCosts {
    // So many lines are looked up, or incidents asked, in any case: some 20 ms.
    std::int64_t few = 2'000;
    // Of so many newest lines so many have words that a walk through the pages meets soon; fewer,
    // and it is the lines that are gone through from the newest on.
    std::int64_t newest_lines = 8'000, dense_from = 500;
};

// Behind what the pages before showed.
void add_cursor(Conditions& where, const IncidentFilter& filter);

// Of what stands alone, the page is the newest of all that these give together: nothing stands in
// two of them. merged_of() gives the others.
std::vector<PageQuery> page_queries(Connection& connection, const IncidentFilter& filter);

std::vector<IncidentRow> page_of(Connection& connection, const IncidentFilter& filter,
                                 const PageCosts& costs = {});

}  // namespace runnerwatch
