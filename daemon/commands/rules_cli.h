#pragma once

#include "daemon/commands/explain.h"
#include "daemon/commands/rules.h"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace runnerwatch {

// The subcommands `explain` and `rules …` of the program: their options, and running what was
// parsed.
class RulesCli {
public:
    void add_to(CLI::App& program);

    // The exit code, if one of these subcommands was given. Once, behind the parsing.
    std::optional<int> run(const TextStyle& style);

private:
    int explain(const TextStyle& style);
    CLI::App* add(CLI::App& parent, const char* name, const char* what);

    std::vector<std::string> folders_, tested_;
    std::string output_ = "table", explain_output_ = "table";
    std::string line_ = "-", id_, recordings_, pages_, database_, from_, folder_;
    Muting muting_;
    std::size_t nearest_ = 3;
    CLI::App *explain_ = nullptr, *list_ = nullptr, *show_ = nullptr, *test_ = nullptr,
             *lint_ = nullptr, *coverage_ = nullptr, *docs_ = nullptr, *unclassified_ = nullptr,
             *new_ = nullptr, *mute_ = nullptr;
};

}  // namespace runnerwatch
