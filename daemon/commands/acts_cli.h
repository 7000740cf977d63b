#pragma once

#include "daemon/commands/acts.h"

#include <map>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace runnerwatch {

// The subcommands `ack`, `unack`, `snooze`, `unsnooze`, `assign`, `note`, `tag`, `untag`,
// `resolve`, `merge` and `split` of the program: their options, and running what was parsed.
class ActsCli {
public:
    void add_to(CLI::App& program);

    // The exit code, if one of these subcommands was given. Once, behind the parsing.
    std::optional<int> run();

private:
    CLI::App* add(CLI::App& program, const char* name, const char* what);
    void text(CLI::App& command, const char* flag, const char* member, const char* what,
              bool required = false);

    ActOptions options_;
    std::string actor_, output_ = "table";
    std::map<std::string, CLI::App*> commands_;
};

}  // namespace runnerwatch
