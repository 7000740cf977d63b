#pragma once

#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/pattern_set.h"
#include "parsers/regex_memo.h"

#include <re2/re2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace runnerwatch {

// A pack made ready for matching, by what Matcher works. The rules and what points to them live as
// long as it; only what it remembers of texts changes.
struct Matcher::Compiled {
    explicit Compiled(RulePack rules);
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;

    // A condition over a field or a capture.
    struct Test {
        const std::string* field;
        const LazyRegex* regex;
        bool wanted;  // or: it must not match
    };
    // One way of detection.
    struct Way {
        const Rule* rule;
        const Detect* detect;
        const LazyRegex* message;
        RE2::Anchor anchor;
        std::vector<Test> captures;
        std::vector<Test> early, late;  // conditions on what the record holds; on what is captured
    };
    // What may be said of a message, going by it and its level.
    struct Judgement {
        std::vector<std::size_t> ways;     // by rank, notices included
        std::vector<int> recover, follow;  // message patterns that match
        MessageJudgement says;
    };

    const RE2& regex(const std::string& pattern) const { return regexes.at(&pattern)->get(); }
    const LazyRegex* compile(const std::string& pattern);
    int compile_message(const std::string& pattern);
    void compile_detection();
    Way compile_way(const Rule& rule, const Detect& detect);
    void compile_recovery();
    void compile_raw();

    const Judgement& judge(const Record& record) const;
    void judge(const Record& record, Judgement& judgement) const;
    void detects(Judgement& judgement, const std::string& message) const;
    const RawFilter::Selection* selection_of(std::vector<int> patterns) const;
    bool takes_message(const Way& way, const Record& record) const;

    // A way of detection that took a record.
    struct Found {
        const Way* way;
        std::optional<Values> captures;  // where the decision needed them
    };
    bool takes(const Way& way, const Record& record, std::optional<Values>& captures) const;
    // One of every rule that detects something, the winner first.
    std::vector<Found> detect_all(const Record& record, const Judgement& judgement) const;
    Values captures_of(const Way& way, const Record& record) const;
    void take_groups(const RE2& regex, std::string_view text, RE2::Anchor anchor, bool matches,
                     Values& captures) const;
    Detection detection_of(std::vector<Found>& found, const Record& record) const;
    Detection describe(const Rule& rule, const Record& record, Values captures) const;
    std::vector<RecoveryHit> recoveries(const Record& record, const Judgement& judgement) const;
    std::vector<FollowUp> follow_ups(const Record& record, const Judgement& judgement) const;

    bool holds(const std::string& field, const RE2& regex, const Record& record,
               const Values& captures) const;
    bool holds(const Test& test, const Record& record, const Values& captures) const {
        return holds(*test.field, test.regex->get(), record, captures) == test.wanted;
    }
    bool holds(const Condition& condition, const Record& record, const Values& captures) const {
        return holds(condition.field, regex(condition.pattern), record, captures) !=
               condition.negated;
    }

    // Where a message pattern is waited for.
    struct Use {
        int rule;   // its place in the pack
        int index;  // into rule.open.sequence, or FollowUp::promised
    };

    RulePack pack;
    PatternSet messages;
    std::vector<Way> ways;  // by rank: the winner of two that take one record stands first
    // By number of the message pattern.
    std::vector<std::vector<std::size_t>> detect_uses;  // into ways, ascending
    std::vector<std::vector<Use>> follow_uses;
    std::vector<std::vector<std::size_t>> recover_uses;  // into recovery_lines
    std::vector<RecoveryLine> recovery_lines;
    std::optional<RawFilter> raw;
    // Of messages in the pack: their number in `raw`, and whether their literals are their own, not
    // those of a field.
    struct Raw {
        int number;
        bool by_message;
    };
    std::unordered_map<const std::string*, Raw> raw_numbers;
    // Of patterns that stand in the pack: looked up by their place, not by their text.
    std::unordered_map<const std::string*, const LazyRegex*> regexes;
    std::map<std::string, std::unique_ptr<LazyRegex>> others;  // patterns over fields

    // Of patterns that detect: what is looked for in lines whose messages do not tell.
    mutable std::map<std::vector<int>, RawFilter::Selection> selections;
    mutable RegexMemo memo;
    mutable MessageMemo<Judgement> judgements;
    mutable Judgement long_message;       // of the last message that is too long to be remembered
    mutable std::vector<int> candidates;  // kept for its memory
};

}  // namespace runnerwatch
