#pragma once

#include "storage/conditions.h"
#include "storage/history.h"
#include "storage/sqlite.h"

#include <string>
#include <vector>

// How a page of incidents is found in a history of millions: by an index that is already in the
// order of pages, or by the few lines or members that the filter names. Only storage/ includes
// this.
namespace runnerwatch {

// One SELECT of incidents in the order of pages, of at most as many as the page has.
struct PageQuery {
    std::string sql;
    Conditions where;  // what is bound
};

// Behind what the pages before showed.
void add_cursor(Conditions& where, const IncidentFilter& filter);

// Of what stands alone, the page is the newest of all that these give together: nothing stands in
// two of them. merged_of() gives the others.
std::vector<PageQuery> page_queries(Connection& connection, const IncidentFilter& filter);

std::vector<IncidentRow> page_of(Connection& connection, const IncidentFilter& filter);

}  // namespace runnerwatch
