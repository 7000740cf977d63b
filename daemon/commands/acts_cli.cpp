#include "daemon/commands/acts_cli.h"

#include "daemon/commands/ask_daemon.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>

namespace runnerwatch {
namespace {

// Who is logged in, as far as the environment says.
std::string user_name() {
    for (const char* name : {"USER", "LOGNAME"})
        if (const char* value = std::getenv(name); value && *value) return value;
    return "command";
}

}  // namespace

CLI::App* ActsCli::add(CLI::App& program, const char* name, const char* what) {
    CLI::App* command = program.add_subcommand(name, what);
    commands_[name] = command;
    HistorySource& source = options_.source;
    command->add_option("ids", options_.ids, "numbers (12) or ids of incidents")->required();
    command->add_option("--api,--url", source.api, "http.listen of the daemon that is told")
        ->capture_default_str();
    add_authorities(*command);
    command->add_option("--database", source.database, "the file of a daemon that does not run");
    command->add_option("--rules", source.rules, "with --database: further rule folders");
    command->add_option("--actor", actor_, "who does it")->default_str("$USER");
    command->add_option("--output,-o", output_, "table, json or yaml")
        ->check(CLI::IsMember({"table", "json", "yaml"}));
    text(*command, "--note,-m", "note", "why, for the timeline", std::string(name) == "note");
    return command;
}

void ActsCli::text(CLI::App& command, const char* flag, const char* member, const char* what,
                   bool required) {
    command
        .add_option_function<std::string>(
            flag, [this, member](const std::string& value) { options_.body[member] = value; }, what)
        ->required(required);
}

void ActsCli::add_to(CLI::App& program) {
    CLI::App* ack = add(program, "ack", "take incidents on: no reminders");
    text(*ack, "--until", "until", "how long: 2h, 3d, or a time; without it until it is over");
    text(*ack, "--owner", "owner", "who works on it, if not the actor");
    add(program, "unack", "give incidents back");
    CLI::App* snooze = add(program, "snooze", "tell nobody of incidents for a while");
    text(*snooze, "--until", "until", "until then: 2h, 3d, or a time");
    snooze->add_option_function<std::int64_t>(
        "--count", [this](const std::int64_t& count) { options_.body["count"] = count; },
        "until it was seen so often in all");
    snooze->add_flag_callback(
        "--until-worse", [this] { options_.body["until_worse"] = true; },
        "until its severity rises");
    add(program, "unsnooze", "end a snooze");
    CLI::App* assign = add(program, "assign", "say whose incidents these are");
    text(*assign, "--to", "to", "the person or team; \"\" for nobody", true);
    add(program, "note", "write a note on the timeline of incidents");
    for (const char* name : {"tag", "untag"}) {
        CLI::App* tag =
            add(program, name, name[0] == 't' ? "tag incidents" : "take tags off incidents");
        tag->add_option_function<std::vector<std::string>>(
               "--tag,-t",
               [this](const std::vector<std::string>& tags) { options_.body["tags"] = tags; },
               "the tag; may be repeated")
            ->required();
    }
    add(program, "resolve", "say that incidents are over; seen again they open again");
    CLI::App* merge = add(program, "merge", "show and tell incidents as parts of another");
    text(*merge, "--into", "into", "the number or id of that one", true);
    add(program, "split", "make incidents that were merged stand for themselves again");
}

std::optional<int> ActsCli::run() {
    for (const auto& [name, command] : commands_) {
        if (!*command) continue;
        options_.act = name;
        options_.format = *list_format_from(output_);
        options_.body["actor"] = actor_.empty() ? user_name() : actor_;
        return act_on_incidents(options_, std::cout, std::cerr);
    }
    return std::nullopt;
}

}  // namespace runnerwatch
