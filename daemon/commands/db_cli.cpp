#include "daemon/commands/db_cli.h"

#include "daemon/commands/db.h"
#include "daemon/runtime/clock.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace runnerwatch {

CLI::App* DatabaseCli::add(CLI::App& db, const char* name, const char* what) {
    CLI::App* command = db.add_subcommand(name, what);
    command->add_option("--database", database_, "the file (storage.database)")
        ->capture_default_str();
    return command;
}

void DatabaseCli::add_to(CLI::App& program) {
    CLI::App* db = program.add_subcommand("db", "check, back up, restore, dump a database file");
    db->require_subcommand(1);
    check_ = add(*db, "check", "examine every page and whether rows contradict each other");
    back_up_ = add(*db, "backup", "write a verified copy, also while a daemon runs on it");
    back_up_->add_option("to", backup_, "the file to write")->required();
    back_up_->add_flag("--force", force_, "replace the file if there is one");
    restore_ = add(*db, "restore", "put a backup in its place; the daemon must be stopped");
    restore_->add_option("backup", backup_, "the backup")->required();
    vacuum_ = add(*db, "vacuum", "give back unused room; the daemon must be stopped");
    hold_ = add(*db, "hold", "put an incident on legal hold: retention passes over it");
    hold_->add_option("--reason", reason_, "why")->required();
    unhold_ = add(*db, "unhold", "lift a legal hold");
    for (CLI::App* command : {hold_, unhold_}) {
        command->add_option("id", id_, "the number (12) or id of the incident")->required();
        command->add_option("--by", by_, "who says so ($USER)")->envname("USER")->required();
    }
    holds_ = add(*db, "holds", "list legal holds, in force and lifted");
    holds_->add_option("--output,-o", output_, "table, json, yaml or markdown")
        ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
    dump_ = add(*db, "dump", "print its incidents, one JSON object a line");
    dump_->add_flag("--canonical")->description("the same incidents give the same bytes (default)");
}

std::optional<int> DatabaseCli::run() {
    if (*check_) return show_check(database_, std::cout, std::cerr);
    if (*back_up_) return write_backup(database_, backup_, force_, std::cout, std::cerr);
    if (*restore_) return restore_backup(backup_, database_, Clock().now(), std::cout, std::cerr);
    if (*vacuum_) return vacuum(database_, std::cout, std::cerr);
    if (*hold_) return hold(database_, id_, by_, reason_, Clock().now(), std::cout, std::cerr);
    if (*unhold_) return unhold(database_, id_, by_, Clock().now(), std::cout, std::cerr);
    if (*holds_) return list_holds(database_, *list_format_from(output_), std::cout, std::cerr);
    if (*dump_) return dump_database(database_, std::cout, std::cerr);
    return std::nullopt;
}

}  // namespace runnerwatch
