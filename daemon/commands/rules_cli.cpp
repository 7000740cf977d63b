#include "daemon/commands/rules_cli.h"

#include "daemon/rule_files.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <iterator>

namespace runnerwatch {

CLI::App* RulesCli::add(CLI::App& parent, const char* name, const char* what) {
    CLI::App* command = parent.add_subcommand(name, what);
    command->add_option("--rules", folders_,
                        "further rule folders; of two rules with one id the "
                        "later folder's counts");
    return command;
}

void RulesCli::add_to(CLI::App& program) {
    explain_ = add(program, "explain", "say how a log line is read and why rules take it or not");
    explain_->add_option("line", line_, "the line; - reads lines from standard input (default)");
    explain_->add_option("--output,-o", explain_output_, "table for people, json for programs")
        ->check(CLI::IsMember({"table", "json"}));
    explain_->add_option("--nearest", nearest_, "how many rules that nearly matched are shown")
        ->check(CLI::Range(0, 100));

    CLI::App* rules = program.add_subcommand("rules", "what is recognised, and what proves it");
    rules->require_subcommand(1);
    list_ = add(*rules, "list", "all rules, with what overrides what");
    show_ = add(*rules, "show", "everything about one rule");
    show_->add_option("id", id_, "the rule's id or catalogue id")->required();
    test_ = add(*rules, "test", "check the samples of rules");
    test_->add_option("folder", tested_, "folders to test beside the built-in rules; none: those");
    lint_ = add(*rules, "lint", "what is allowed in rules but should not be");
    coverage_ = add(*rules, "coverage", "what proves each rule: samples by format, recordings");
    coverage_->add_option("recordings", recordings_, "a folder of *.log files to look for them in");
    docs_ = add(*rules, "docs", "write a page for each rule");
    docs_->add_option("folder", pages_, "where to")->required();
    unclassified_ =
        add(*rules, "unclassified", "messages that no rule takes, as a daemon saw them");
    new_ = add(*rules, "new", "draft a rule for a message that no rule takes");
    new_->add_option("--from", from_, "the message's id (rules unclassified), or a log line")
        ->required();
    new_->add_option("--folder", folder_, "where the file is written; without it, to the terminal");
    mute_ = add(*rules, "mute", "except a rule, or a message that no rule takes, for a while");
    mute_->add_option("what", muting_.what, "the rule's id, or the message's")->required();
    mute_->add_option("--owner", muting_.owner, "who answers for it")->required();
    mute_->add_option("--reason", muting_.reason, "why it is not to be told")->required();
    mute_->add_option("--expires", muting_.expires, "the last day, as in 2026-03-31, or never")
        ->required();
    mute_->add_option("--folder", muting_.folder, "the rule folder whose exceptions.yaml gets it")
        ->required();
    list_->add_option("--database", database_, "of a daemon: says how often exceptions were met");
    for (CLI::App* command : {unclassified_, new_})
        command->add_option("--database", database_, "of a daemon")->default_str("runnerwatch.db");
    for (CLI::App* command : {unclassified_, list_, show_, test_, lint_, coverage_})
        command->add_option("--output,-o", output_, "table, json, yaml or markdown")
            ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
}

int RulesCli::explain(const TextStyle& style) {
    const auto matcher = rules_or_errors(folders_, std::cerr);
    if (!matcher) return 2;
    std::string text = line_;
    if (line_ == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
    ExplainOptions options;
    options.output =
        explain_output_ == "json" ? ExplainOptions::Output::json : ExplainOptions::Output::table;
    options.style = style;
    options.nearest = nearest_;
    return run_explain(options, *matcher, text, std::cout, std::cerr);
}

std::optional<int> RulesCli::run(const TextStyle& style) {
    const RulesOptions options{folders_, database_, *list_format_from(output_), style};
    const std::string database = database_.empty() ? "runnerwatch.db" : database_;
    if (*unclassified_) return list_unclassified(options, database, std::cout, std::cerr);
    if (*new_) return draft_rule_file(options, from_, database, folder_, std::cout, std::cerr);
    if (*mute_) return mute(options, muting_, std::cout, std::cerr);
    if (*explain_) return explain(style);
    if (*list_) return list_rules(options, std::cout, std::cerr);
    if (*show_) return show_rule(options, id_, std::cout, std::cerr);
    if (*test_) return test_rules(options, tested_, std::cout, std::cerr);
    if (*lint_) return lint_rules(options, std::cout, std::cerr);
    if (*coverage_) return rule_coverage(options, recordings_, std::cout, std::cerr);
    if (*docs_) return write_rule_pages(options, pages_, std::cout, std::cerr);
    return std::nullopt;
}

}  // namespace runnerwatch
