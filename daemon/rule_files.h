#pragma once

#include "parsers/exceptions.h"
#include "parsers/matcher.h"
#include "parsers/result.h"
#include "parsers/rule_loader.h"

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// The text of a file, or why it cannot be read, in words that name it.
Result<std::string, std::string> read_file(const std::string& path);

// The files of `folders` (*.yaml but exceptions.yaml), each folder a layer above those before it;
// the built-in rules are layer 0. The errors name folder or file.
Result<std::vector<RuleFile>, std::vector<std::string>> read_rule_files(
    const std::vector<std::string>& folders);

// What is in force: the rules, and the exceptions of the folders they come from.
struct RuleSet {
    std::unique_ptr<Matcher> matcher;
    Exceptions exceptions;
};
Result<RuleSet, std::vector<std::string>> load_rule_set(const std::vector<std::string>& folders);

// Changes whenever a file of the folders does: names, sizes and times. Blocking.
std::string rules_stamp(const std::vector<std::string>& folders);

// The built-in pack with the rules of `folders` (*.yaml) laid over it by id and verified together
// with it, compiled. The errors are "file:line: what" lines.
Result<std::unique_ptr<Matcher>, std::vector<std::string>> load_rules(
    const std::vector<std::string>& folders);

// The same for a command: the errors are told to `err`, and there is no matcher then.
std::unique_ptr<Matcher> rules_or_errors(const std::vector<std::string>& folders,
                                         std::ostream& err);

}  // namespace runnerwatch
