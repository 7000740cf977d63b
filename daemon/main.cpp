#include "daemon/commands/acts_cli.h"
#include "daemon/commands/ask_daemon.h"
#include "daemon/commands/completion.h"
#include "daemon/commands/coverage.h"
#include "daemon/commands/db_cli.h"
#include "daemon/commands/demo.h"
#include "daemon/commands/history_cli.h"
#include "daemon/commands/rules_cli.h"
#include "daemon/commands/run.h"
#include "daemon/commands/scan.h"
#include "daemon/commands/token.h"
#include "daemon/rule_files.h"

#include <curl/curl.h>
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>

namespace {

using namespace runnerwatch;

constexpr int usage_error = 2;

bool colour_wanted() {
    const char* no_colour = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) == 1 && !(no_colour && *no_colour);
}

void add_run_options(CLI::App& command, RunOptions& options) {
    command.add_option("--config", options.config_file, "configuration file (YAML)");
    command.add_option("--database", options.database, "overrides storage.database");
}

CLI::App* add_run(CLI::App& program, RunOptions& options) {
    CLI::App* run = program.add_subcommand("run", "watch clusters and files until stopped");
    add_run_options(*run, options);
    run->add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    run->add_flag("--print-sources", options.print_sources,
                  "say of each container whether it would be followed and why, and end");
    run->add_flag("--print-rbac", options.print_rbac,
                  "print the least rights the configuration needs, and end");
    return run;
}

CLI::App* add_check(CLI::App& program, RunOptions& options) {
    CLI::App* check = program.add_subcommand("check-config", "check a configuration and its rules");
    add_run_options(*check, options);
    return check;
}

struct Scan {
    ScanOptions options;
    std::vector<std::string> rule_folders;
    std::string output = "table", fail_on = "error";

    CLI::App* add_to(CLI::App& program) {
        CLI::App* scan =
            program.add_subcommand("scan", "name the troubles in logs, from files or a pipe");
        scan->add_option("files", options.files, "log files; - is standard input");
        scan->add_option("--output,-o", output, "table for people, json for programs")
            ->check(CLI::IsMember({"table", "json"}));
        scan->add_option("--fail-on", fail_on, "lowest severity that makes the exit code 1")
            ->check(CLI::IsMember({"info", "warning", "error", "critical"}));
        scan->add_flag("--all", options.all,
                       "every trouble in full, and warnings and errors that no rule knows");
        scan->add_option("--rules", rule_folders, "further rule folders");
        return scan;
    }

    int run() {
        const auto matcher = rules_or_errors(rule_folders, std::cerr);
        if (!matcher) return usage_error;
        if (options.files.empty()) options.files.emplace_back("-");
        options.output = output == "json" ? ScanOptions::Output::json : ScanOptions::Output::table;
        options.fail_on = *severity_from(fail_on);
        options.colour = colour_wanted();
        options.progress = ::isatty(STDERR_FILENO) == 1;
        options.terminal = ::isatty(STDOUT_FILENO) == 1;
        return run_scan(options, *matcher, std::cout, std::cerr);
    }
};

CLI::App* add_demo(CLI::App& program, DemoOptions& options) {
    CLI::App* demo =
        program.add_subcommand("demo", "the whole daemon on recorded input, without a cluster");
    demo->add_option("--rate", options.rate, "how many times faster than real time")
        ->check(CLI::Range(1.0, 100.0));
    demo->add_flag("--once", options.once, "end when the story has been told");
    return demo;
}

struct Coverage {
    CoverageOptions options;
    std::string output = "table";

    CLI::App* add_to(CLI::App& program) {
        CLI::App* coverage =
            program.add_subcommand("coverage", "what was read, what is missing, what is current");
        coverage->add_option("--api,--url", options.api, "http.listen of the daemon that is asked")
            ->capture_default_str();
        add_authorities(*coverage);
        coverage->add_option("--database", options.database, "a database instead of a daemon");
        coverage->add_flag("--all", options.all, "also what has ended and was read without a gap");
        coverage->add_option("--output,-o", output, "table, json, yaml or markdown")
            ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
        return coverage;
    }

    int run() {
        options.format = *list_format_from(output);
        return show_coverage(options, std::cout, std::cerr);
    }
};

CLI::App* add_token(CLI::App& program, TokenOptions& options) {
    CLI::App* token = program.add_subcommand("token", "make a token for the API");
    token->add_option("--name", options.name, "whose it is: the actor on timelines")->required();
    token->add_option("--role", options.role, "viewer reads, responder also acts")
        ->check(CLI::IsMember({"viewer", "responder", "admin"}))
        ->capture_default_str();
    token->add_option("--namespace", options.namespaces, "only what is in these; repeat it");
    return token;
}

CLI::App* add_completion(CLI::App& program, std::string& shell) {
    CLI::App* completion =
        program.add_subcommand("completion", "print what completes commands in a shell");
    completion->add_option("shell", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    return completion;
}

int run_command(int argc, char** argv) {
    CLI::App program{"Watches GitLab Runner managers, says what fails, why, and what to do."};
    program.require_subcommand(1);
    program.set_version_flag("--version", RUNNERWATCH_VERSION);
    RunOptions run_options;
    Scan scan;
    RulesCli rules;
    HistoryCli history;
    ActsCli acts;
    Coverage coverage;
    DemoOptions demo_options;
    DatabaseCli database;
    // In the order in which --help lists them.
    const CLI::App* run = add_run(program, run_options);
    const CLI::App* check = add_check(program, run_options);
    const CLI::App* scanning = scan.add_to(program);
    rules.add_to(program);
    history.add_to(program);
    acts.add_to(program);
    const CLI::App* covering = coverage.add_to(program);
    const CLI::App* demo = add_demo(program, demo_options);
    database.add_to(program);
    TokenOptions token;
    const CLI::App* token_made = add_token(program, token);
    std::string shell;
    const CLI::App* completion = add_completion(program, shell);
    const CLI::App* version = program.add_subcommand("version", "print the version");

    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = program.exit(error);
        return code == 0 ? 0 : usage_error;
    }
    if (const auto code = rules.run({colour_wanted(), terminal_width()})) return *code;
    if (const auto code = history.run({colour_wanted(), terminal_width()})) return *code;
    if (const auto code = database.run()) return *code;
    if (const auto code = acts.run()) return *code;
    if (*run) return run_daemon(run_options);
    if (*check) return check_config(run_options);
    if (*scanning) return scan.run();
    if (*covering) return coverage.run();
    if (*demo) return run_demo(demo_options);
    if (*token_made) return print_new_token(token, std::cout);
    if (*completion) std::cout << completion_script(command_words(program), shell);
    if (*version) std::cout << "runnerwatch " << RUNNERWATCH_VERSION << "\n";
    return *version || *completion ? 0 : usage_error;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        return run_command(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "runnerwatch: stopped by an error that nothing below could handle: "
                  << error.what() << ". Its database is whole; starting again goes on from it.\n";
        return usage_error;
    }
}
