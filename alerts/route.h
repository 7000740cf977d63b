#pragma once

#include "parsers/timestamp.h"
#include "storage/rows.h"

#include <map>
#include <string>
#include <vector>

namespace runnerwatch {

// A node of the route tree, as in the configuration. Children inherit what they do not set
// (the configuration has filled that in before the tree is used).
struct Route {
    std::string receiver;
    std::map<std::string, std::vector<std::string>> match;  // label -> one of these values
    std::vector<std::string> group_by{"cluster", "namespace", "workload"};
    Duration group_wait = std::chrono::seconds(30);
    Duration group_interval = std::chrono::minutes(5);
    Duration repeat_interval = std::chrono::hours(4);
    bool continue_after = false;
    std::vector<Route> routes;
};

// The labels a route may match and group by: rule, severity, response, cluster, namespace,
// workload, host. Empty ones are absent.
std::map<std::string, std::string> labels_of(const IncidentRow& incident);

// The routes an incident takes, in order: the deepest that match, the root when none does.
std::vector<const Route*> routes_for(const Route& root, const IncidentRow& incident);

}  // namespace runnerwatch
