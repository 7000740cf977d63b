#pragma once

#include "parsers/matcher.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace runnerwatch {

// One condition of a way of detection, and how a record met it. Texts are those of the record: to
// be redacted before they are shown.
struct ConditionTrace {
    std::string what;     // "message", "require status", "capture status"
    std::string pattern;  // RE2, or the words of the condition
    bool needed = true;   // false: a capture, which may fail
    bool met = false;
    std::string why_not;  // in words; empty when it is met
};

// One entry of a rule's `detect` against one record.
struct WayTrace {
    int index = 0;  // into rule.detect
    // In the order they are looked at; when the message does not match, only that.
    std::vector<ConditionTrace> conditions;
    Values captures;
    bool matched = false;
    double nearness = 0;  // how far it came: 0 not at all, below 1 a part of the message, else more
};

// A rule that did not match, and the one of its ways that came nearest.
struct NearMiss {
    const Rule* rule = nullptr;
    WayTrace way;
};

// How far a pattern that must match at the start of a text gets in it.
struct PatternReach {
    std::size_t pattern_bytes = 0;  // the longest beginning of the pattern that matches
    std::size_t text_bytes = 0;     // what that beginning takes of the text
};

// Says why rules match a record or do not: the Matcher's decisions one step at a time, for people.
// Slow (it compiles patterns as it goes) and not for the way of a line. `pack` must outlive it. One
// thread.
class RuleTracer {
public:
    // A rule that shares less of its message than this is not worth naming.
    static constexpr double nearness_min = 0.35;

    explicit RuleTracer(const RulePack& pack);
    ~RuleTracer();

    // Every way of a rule; the first that matched is the one that counts.
    std::vector<WayTrace> ways(const Rule& rule, const Record& record) const;

    // The rules that did not match but came near, nearest first, at most `most`.
    std::vector<NearMiss> near_misses(const Record& record, std::size_t most) const;

    // Whether a cause's condition holds; `what` is empty where it has none.
    ConditionTrace cause(const Cause& cause, const Record& record, const Values& captures) const;

    PatternReach reach(const std::string& pattern, std::string_view text) const;

private:
    WayTrace way(const Detect& detect, const Record& record) const;
    ConditionTrace condition(const FieldPattern& condition, const Record& record,
                             const Values& captures) const;
    ConditionTrace message(const Detect& detect, const Record& record, WayTrace& way) const;
    const re2::RE2* regex(const std::string& pattern) const;  // nullptr: it does not compile

    const RulePack& pack_;
    mutable std::map<std::string, std::unique_ptr<re2::RE2>> regexes_;
};

}  // namespace runnerwatch
