#pragma once

#include "daemon/config.h"
#include "daemon/rule_files.h"
#include "parsers/result.h"

#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

struct RunOptions {
    std::string config_file;  // empty: the cluster of $KUBECONFIG or of this pod
    std::string database;     // overrides storage.database when set
    std::string log_level = "info";
    bool print_sources = false, print_rbac = false;  // instead of running
};

// What a configuration file becomes once everything it names has been read.
struct Loaded {
    Config config;
    std::string text;  // of the configuration file
    RuleSet rules;
};
Result<Loaded, std::vector<std::string>> load_all(const RunOptions& options);

// Watches until SIGTERM or SIGINT. SIGHUP reads the configuration and the rules again; what is
// wrong with them is said and the old ones stay. Returns the exit code.
int run_daemon(const RunOptions& options);

// Says whether a configuration and its rules are in order: exit code 0 or 2.
int check_config(const RunOptions& options);

}  // namespace runnerwatch
