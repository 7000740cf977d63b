#pragma once

#include "storage/history.h"
#include "storage/sqlite.h"

#include <string>
#include <vector>

// Incidents that people merged. They are few, since it is done by hand, so a question reads them
// all and sums them up beside the millions that stand alone. Only storage/ includes this.
namespace runnerwatch {

// A condition on an incident: nothing was merged into it, and it into nothing.
extern const char* const stands_alone;

// What is shown as one: the incident that stands for all, then its parts by number.
using MergedGroup = std::vector<IncidentRow>;

// All groups; among incidents of the namespaces that are visible only (empty: all), so that a part
// of what the asker may not see stands for itself.
std::vector<MergedGroup> merged_groups(Connection& connection,
                                       const std::vector<std::string>& visible);

// A merged incident that a filter takes, as it is shown.
struct ShownMerged {
    IncidentRow row;
    std::vector<std::string> keys;  // its own and, where it stands for others, those of its parts
};

// Those of the groups that a filter takes: what stands for all by the state of all and by the
// words and pods of any; with `parts_too` parts by themselves. In no order, no limit.
std::vector<ShownMerged> merged_of(Connection& connection, const IncidentFilter& filter);

}  // namespace runnerwatch
