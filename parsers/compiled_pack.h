#pragma once

#include "parsers/matcher.h"
#include "parsers/pattern_set.h"

#include <re2/re2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace runnerwatch {

// A pack made ready for matching, by what Matcher works. Immutable after construction; the rules
// and what points to them live as long as it.
struct Matcher::Compiled {
    explicit Compiled(RulePack rules);
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;

    // Of a pattern that stands in the pack: looked up by its place, not by its text.
    const RE2& regex(const std::string& pattern) const { return regexes.at(&pattern)->get(); }
    void compile(const std::string& pattern);
    int compile_message(const std::string& pattern);
    void compile_recovery();
    void compile_raw();

    // The captures if this way of detection succeeds.
    std::optional<Values> detect(const Detect& detect, const Record& record) const;
    // Every rule that detects something, the winner first.
    struct Found {
        const Rule* rule;
        const Detect* way;
        Values captures;
    };
    std::vector<Found> detect_all(const Record& record, const std::vector<int>& candidates) const;
    std::vector<RecoveryHit> recoveries(const Record& record,
                                        const std::vector<int>& candidates) const;
    std::vector<FollowUp> follow_ups(const Record& record,
                                     const std::vector<int>& candidates) const;
    bool takes_message(const Detect& detect, const Record& record) const;
    MessageJudgement judge(const Record& record, const std::vector<int>& candidates) const;
    bool holds(const std::string& field, const std::string& pattern, const Record& record,
               const Values& captures) const;
    bool holds(const Condition& condition, const Record& record, const Values& captures) const {
        return holds(condition.field, condition.pattern, record, captures) != condition.negated;
    }
    bool meets(const Detect& detect, const Record& record, const Values& captures) const;
    Detection describe(const Rule& rule, const Record& record, Values captures) const;

    // Where a message pattern is used.
    struct Use {
        int rule;   // for detection its rank: 0 wins over 1; else its place in the pack
        int index;  // into rule.detect or rule.open.sequence
        auto operator<=>(const Use&) const = default;
    };
    std::vector<Use> uses(const std::vector<std::vector<Use>>& of,
                          const std::vector<int>& candidates) const;

    RulePack pack;
    std::vector<const Rule*> ranked;  // the winner of two that match one record stands first
    PatternSet messages;
    // By number of the message pattern.
    std::vector<std::vector<Use>> detect_uses, follow_uses;
    std::vector<std::vector<std::size_t>> recover_uses;  // into recovery_lines
    std::vector<RecoveryLine> recovery_lines;
    std::optional<RawFilter> raw;
    std::unordered_map<const std::string*, int> raw_numbers;  // of messages in the pack
    std::unordered_map<const std::string*, const LazyRegex*> regexes;
    std::map<std::string, std::unique_ptr<LazyRegex>> others;  // patterns over fields
};

}  // namespace runnerwatch
