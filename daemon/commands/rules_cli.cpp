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
    for (CLI::App* command : {list_, show_, test_, lint_, coverage_})
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
    const RulesOptions options{folders_, *list_format_from(output_), style};
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
