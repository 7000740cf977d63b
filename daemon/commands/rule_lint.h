#pragma once

#include "parsers/matcher.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace runnerwatch {

// Something about a rule that is allowed but should not be.
struct RuleWarning {
    std::string code;  // "slow-pattern", stable for scripts
    const Rule* rule;
    std::string what;  // what, why it matters, what to do
};

// What is to be said about the rules of the matcher's pack, by rule.
std::vector<RuleWarning> lint(const Matcher& matcher);

// What proves a rule.
struct RuleProof {
    const Rule* rule = nullptr;
    std::map<std::string, std::size_t> formats;  // of the samples that are detected
    std::vector<std::string> recordings;         // in which it is met, by name
};

// A recording: its name and bytes.
struct Recording {
    std::string name, text;
};

std::vector<RuleProof> proofs(const Matcher& matcher, const std::vector<Recording>& recordings);

}  // namespace runnerwatch
