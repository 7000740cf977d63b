#pragma once

#include "daemon/commands/listing.h"
#include "daemon/commands/text_blocks.h"

#include <iosfwd>
#include <string>
#include <vector>

// `runnerwatch rules …`: what the rules are, whether they keep their promises, and what proves it.
// All return the exit code: 0 in order, 1 something found, 2 an input cannot be used.
namespace runnerwatch {

struct RulesOptions {
    std::vector<std::string> folders;  // over the built-in pack, later ones win
    std::string database;              // of a daemon: how often exceptions were met, or empty
    ListFormat format = ListFormat::table;
    TextStyle style;
};

int list_rules(const RulesOptions& options, std::ostream& out, std::ostream& err);

// Everything about one rule, for a person (table), as its page (markdown) or as data.
int show_rule(const RulesOptions& options, const std::string& id, std::ostream& out,
              std::ostream& err);

// The samples of the rules of `tested` (folders; none: every rule) within the whole pack, a line
// for each rule and below it what is wrong.
int test_rules(const RulesOptions& options, const std::vector<std::string>& tested,
               std::ostream& out, std::ostream& err);

// What is allowed but should not be: slow patterns, samples that prove little, missing texts.
int lint_rules(const RulesOptions& options, std::ostream& out, std::ostream& err);

// What proves each rule: its samples by format and, with a folder of *.log files, the recordings
// it is met in. 1 when a rule lacks samples in two formats.
int rule_coverage(const RulesOptions& options, const std::string& recordings, std::ostream& out,
                  std::ostream& err);

// Messages of warning and worse that no rule takes, as a daemon has counted them.
int list_unclassified(const RulesOptions& options, const std::string& database, std::ostream& out,
                      std::ostream& err);

// Drafts a rule for `from`: the id of such a message (looked up in `database`) or a log line. Into
// a file of `folder`, or to `out` where that is empty. Refused when a rule takes the line already.
int draft_rule_file(const RulesOptions& options, const std::string& from,
                    const std::string& database, const std::string& folder, std::ostream& out,
                    std::ostream& err);

// Adds an exception to exceptions.yaml of `folder`: for a message no rule takes (its id) or a rule.
struct Muting {
    std::string what, owner, reason, expires, folder;
};
int mute(const RulesOptions& options, const Muting& muting, std::ostream& out, std::ostream& err);

// Writes one page per rule and an index into a folder; removes pages of rules that are no more.
int write_rule_pages(const RulesOptions& options, const std::string& folder, std::ostream& out,
                     std::ostream& err);

}  // namespace runnerwatch
