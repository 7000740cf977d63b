#pragma once

#include "daemon/commands/incidents.h"
#include "daemon/commands/report.h"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace runnerwatch {

// The subcommands `incidents`, `incident`, `history`, `postmortem` and `report` of the program:
// their options, and running what was parsed.
class HistoryCli {
public:
    void add_to(CLI::App& program);

    // The exit code, if one of these subcommands was given. Once, behind the parsing.
    std::optional<int> run(const TextStyle& style);

private:
    CLI::App* add(CLI::App& program, const char* name, const char* what);
    void add_filter(CLI::App& command);

    HistoryOptions options_;
    PostmortemOptions postmortem_;
    ReportOptions report_;
    std::string output_ = "table";
    bool facets_ = false;
    CLI::App *incidents_ = nullptr, *incident_ = nullptr, *history_ = nullptr,
             *postmortem_command_ = nullptr, *report_command_ = nullptr;
};

}  // namespace runnerwatch
