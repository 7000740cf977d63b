#pragma once

#include "parsers/record.h"
#include "parsers/result.h"
#include "parsers/rule.h"

#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

struct RuleFile {
    std::string name;  // path as people know it
    std::string text;
    int layer = 0;  // 0 the pack that ships; each further folder is one above those before it
};

// One reason why a pack is refused. `line` from 1, 0 when the whole file is meant.
struct RuleError {
    std::string file;
    int line = 0;
    std::string what;  // what is wrong, why, and what to write instead

    std::string to_string() const;  // "file:line: what"
};

// Reads one rule file (YAML, one rule). Unknown keys, wrong types, patterns that RE2 refuses are
// errors with their line and, for keys, the nearest known name.
Result<Rule, std::vector<RuleError>> load_rule(const RuleFile& file);

// A pack as it could be read: the rules that are good in themselves, and what is wrong with the
// others and with the references between rules.
struct PackRead {
    RulePack pack;
    std::vector<RuleError> errors;
};

// Lays the rules of the files over a pack, without looking at samples: every file, unique ids, the
// references between rules (symptoms, fixes). A later file whose rule has the id of an earlier one
// replaces it, and `disabled: true` beside the id switches it off; the pack's `overrides` say
// which.
PackRead read_pack(RulePack base, const std::vector<RuleFile>& files);

// Checks every sample of every rule: it must be detected (by this rule, not by another), ignored or
// taken for recovery as it says. A rule of a higher layer may take samples of lower ones: that is
// what it was written for. For one rule see sample_check.h.
std::vector<RuleError> verify_pack(const RulePack& pack);

// Both: a pack is taken only when nothing is wrong with it. All errors are reported, not only the
// first.
Result<RulePack, std::vector<RuleError>> load_pack(RulePack base,
                                                   const std::vector<RuleFile>& files);
// A pack of these files alone.
Result<RulePack, std::vector<RuleError>> load_pack(const std::string& name,
                                                   const std::vector<RuleFile>& files);

// The records of a sample, decoded, in their order.
std::vector<Record> sample_records(std::string_view text);

}  // namespace runnerwatch
