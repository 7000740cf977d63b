#pragma once

#include "daemon/cluster/api_client.h"
#include "daemon/source_manager.h"

// The inside of the source manager, shared by its .cpp files and by nobody else.
namespace runnerwatch {

struct SourceManager::Cluster {
    ClusterConfig config;
    std::unique_ptr<ApiClient> api;
    std::vector<std::unique_ptr<PodWatch>> watches;
    std::vector<std::unique_ptr<RightsCheck>> checks;
    std::set<std::string> pods;  // uids of those with followed containers
    std::size_t lists_awaited = 0;
    Timestamp watched_since{};  // what began later was to be read from its beginning
    Timestamp watched_noted{};  // up to which it is written down that its pods were watched
    std::map<std::string, std::set<std::string>> unfollowed;  // instances, by node
    std::map<std::string, std::string> troubles;              // in words, by what has them
};

struct SourceManager::Reading {
    std::unique_ptr<LogSource> source;
    std::unique_ptr<SourceReader> reader;
    bool pod_gone = false;
    int users = 0;  // coroutines that are inside it
};

}  // namespace runnerwatch
