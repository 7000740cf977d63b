#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace runnerwatch {

// The subcommand `db` of the program with its own: their options, and running what was parsed.
class DatabaseCli {
public:
    void add_to(CLI::App& program);

    // The exit code, if `db` was given. Once, behind the parsing.
    std::optional<int> run();

private:
    CLI::App* add(CLI::App& db, const char* name, const char* what);

    std::string database_ = "runnerwatch.db", backup_, id_, by_, reason_, output_ = "table";
    bool force_ = false;
    CLI::App *check_ = nullptr, *back_up_ = nullptr, *restore_ = nullptr, *vacuum_ = nullptr,
             *dump_ = nullptr, *hold_ = nullptr, *unhold_ = nullptr, *holds_ = nullptr;
};

}  // namespace runnerwatch
