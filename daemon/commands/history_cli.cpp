#include "daemon/commands/history_cli.h"

#include "daemon/commands/ask_daemon.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <tuple>

namespace runnerwatch {

CLI::App* HistoryCli::add(CLI::App& program, const char* name, const char* what) {
    CLI::App* command = program.add_subcommand(name, what);
    HistorySource& source = options_.source;
    command->add_option("--api,--url", source.api, "http.listen of the daemon that is asked")
        ->capture_default_str();
    add_authorities(*command);
    command->add_option("--database", source.database, "a database instead of a daemon");
    command->add_option("--rules", source.rules, "with --database: further rule folders");
    return command;
}

void HistoryCli::add_filter(CLI::App& command) {
    const auto option = [&](const char* flag, const char* name, const char* what) {
        command.add_option_function<std::string>(
            flag, [this, name](const std::string& value) { options_.query[name] = value; }, what);
    };
    option("--rule", "rule", "of this rule");
    option("--namespace,-n", "namespace", "in this namespace");
    option("--workload", "workload", "of this workload: Deployment/runner, or runner");
    option("--since", "since", "going on since: a time, a day, or how long ago (36h, 7d)");
    option("--until", "until", "begun by then");
    if (command.get_name() == "history") return;
    option("--state", "state", "open,recovering,resolved,cannot_tell,folded");
    option("--severity", "severity", "info,warning,error,critical");
    option("--pod", "pod", "that show in this pod or file");
    option("--version", "version", "that a runner of this version shows");
    option("--runner", "runner", "of this runner, as the log calls it (its short token)");
    option("--text", "text", "whose lines have words that begin so");
    option("--assignee", "assignee", "assigned to this person or team");
    option("--tag", "tag", "with this tag");
    const auto flag = [&](const char* name, const char* member, const char* value,
                          const char* what) {
        command.add_flag_callback(
            name, [this, member, value] { options_.query[member] = value; }, what);
    };
    flag("--acknowledged", "acknowledged", "true", "that somebody has taken on");
    flag("--unacknowledged", "acknowledged", "false", "that nobody has taken on");
    flag("--snoozed", "snoozed", "true", "of which nobody is told at the moment");
    flag("--merged", "merged", "true", "also those that are merged into another, by themselves");
    option("--limit", "limit", "of a page (50)");
    option("--cursor", "cursor", "the page behind the one that named it");
}

void HistoryCli::add_to(CLI::App& program) {
    incidents_ = add(program, "incidents", "list incidents, the one seen last first");
    incident_ = add(program, "incident", "one incident: what, why, what to do, its whole story");
    history_ = add(program, "history", "how long incidents took; of one, what ended those before");
    for (CLI::App* command : {incidents_, incident_, history_})
        command->add_option("--output,-o", output_, "table, json, yaml or markdown")
            ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
    incidents_->add_flag("--facets", facets_,
                         "count them by rule, severity, namespace, workload, state and outcome");
    add_filter(*incidents_);
    add_filter(*history_);
    incident_->add_option("id", options_.ids, "its number (12) or id")->required()->expected(1);
    history_->add_option("id", options_.ids, "the number (12) or id of an incident")
        ->expected(0, 1);
    postmortem_command_ = add(program, "postmortem", "what is known of incidents, as one document");
    postmortem_command_->add_option("ids", options_.ids, "their numbers or ids");
    postmortem_command_
        ->add_option("--template", postmortem_.template_name, "sre, pagerduty, gitlab, or a file")
        ->capture_default_str();
    postmortem_command_->add_option("--format", postmortem_.form, "md, html or json")
        ->check(CLI::IsMember({"md", "html", "json"}))
        ->capture_default_str();
    postmortem_command_->add_flag("--print-template", postmortem_.print_template,
                                  "print the template, to begin one of your own with");
    report_command_ = add(program, "report", "what the last week was like, for its review");
    for (const auto& [flag, name, what] :
         {std::tuple{"--since", "since", "from: a time, a day, or how long ago (7d)"},
          std::tuple{"--until", "until", "to (now)"},
          std::tuple{"--format", "format", "md, html or json (md)"}})
        report_command_->add_option_function<std::string>(
            flag, [this, name = name](const std::string& value) { report_.query[name] = value; },
            what);
}

std::optional<int> HistoryCli::run(const TextStyle& style) {
    options_.style = style;
    options_.format = *list_format_from(output_);
    if (*incidents_)
        return (facets_ ? show_facets : show_incidents)(options_, std::cout, std::cerr);
    if (*incident_) return show_incident(options_, std::cout, std::cerr);
    if (*history_) return show_history(options_, std::cout, std::cerr);
    if (*report_command_) {
        report_.source = options_.source;
        return write_report(report_, std::cout, std::cerr);
    }
    if (!*postmortem_command_) return std::nullopt;
    postmortem_.source = options_.source;
    postmortem_.ids = options_.ids;
    return write_postmortem(postmortem_, std::cout, std::cerr);
}

}  // namespace runnerwatch
