#pragma once

#include "parsers/identity.h"
#include "parsers/keyed_memo.h"
#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/pattern_set.h"
#include "parsers/regex_memo.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace runnerwatch {

// Adds the name of a field to those that are there, if it is none of them.
inline void add_once(std::vector<const std::string*>& fields, const std::string* field) {
    if (std::none_of(fields.begin(), fields.end(),
                     [&](const std::string* known) { return *known == *field; }))
        fields.push_back(field);
}

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
    // Of a message in the pack: its number in `raw`, and whether its literals are its own, not
    // those of a field.
    struct Raw {
        int number;
        bool by_message;
    };
    // One way of detection.
    struct Way {
        const Rule* rule;
        const Detect* detect;
        const LazyRegex* message;
        LazyRegex::Place place;
        std::vector<Test> captures;
        std::vector<Test> early, late;  // conditions on what the record holds; on what is captured
        std::vector<IdentityPart> identity;          // of the rule
        std::vector<const std::string*> decided_by;  // fields that decide all of Decided
        const Raw* raw = nullptr;                    // of its message; a notice has none
        // It asks for a field by whose words its lines are found, and for little in the message:
        // that is asked last.
        bool message_last = false;
    };
    // What may be said of a message, going by it and its level.
    struct Judgement {
        std::vector<std::size_t> ways;  // by rank, notices included
        // Behind one that takes every such record, and not asked yet: they can lose, no more.
        std::vector<std::size_t> losers;
        std::vector<int> recover, follow;  // message patterns that match
        MessageJudgement says;
        std::uint64_t number = 0;                    // another for each
        std::vector<const std::string*> decided_by;  // of the ways
    };

    const LazyRegex& regex(const std::string& pattern) const { return *regexes.at(&pattern); }
    const LazyRegex* compile(const std::string& pattern);
    int compile_message(const std::string& pattern);
    void compile_detection();
    Way compile_way(const Rule& rule, const Detect& detect);
    void compile_recovery();
    void compile_raw();

    Judgement& judge(const RecordView& record) const;
    // With the losers asked.
    Judgement& judge_all(const RecordView& record) const;
    void judge(const RecordView& record, Judgement& judgement) const;
    void judge_ways(const RecordView& record, Judgement& judgement) const;
    void add_way(Judgement& judgement, std::size_t number) const;
    static void detects(Judgement& judgement, const Raw& message);
    const RawFilter::Selection* selection_of(std::vector<int> patterns) const;
    bool takes_message(const Way& way, const RecordView& record) const;
    static bool lacks_field(const Way& way, const RecordView& record);

    // A way of detection that took a record.
    struct Found {
        const Way* way;
        std::optional<Values> captures;  // where the decision needed them
    };
    bool takes(const Way& way, const RecordView& record, std::optional<Values>& captures) const;
    // One of every rule that detects something, the winner first.
    std::vector<Found> detect_all(const RecordView& record, const Judgement& judgement) const;
    Values captures_of(const Way& way, const RecordView& record) const;
    // Captures win over fields, and of fields with one key the first. `more`: room for others.
    static Values values_of(const RecordView& record, const Values& captures, std::size_t more);
    // Adds the named groups of a match to `captures`; groups that took no part are left out.
    static void take_groups(const LazyRegex& regex, std::string_view text,
                            const std::vector<RegexMemo::Group>& groups, Values& captures);
    void take_groups_of_match(const LazyRegex& regex, std::string_view text, LazyRegex::Place place,
                              Values& captures) const;
    // All that is the same of two records with one message and level that agree in the fields by
    // which the ways for that message decide.
    struct Decided {
        std::vector<Found> found;
        // Of the winner that is no notice; not before described().
        bool described = false;
        Values captures;
        std::vector<std::string> also;
        std::vector<const Wording*> wordings;  // that hold
        std::vector<const Cause*> causes;      // that hold, most confident first
        // By the parts of the rule's identity; those left out are worked out for each record.
        std::vector<std::optional<std::pair<std::string, std::string>>> identity;
    };
    Decided& decide(const RecordView& record, const Judgement& judgement) const;
    void describe(Decided& decided, const RecordView& record) const;
    Detection detection_of(Decided& decided, const RecordView& record) const;
    std::vector<RecoveryHit> recoveries(const RecordView& record, const Judgement& judgement) const;
    std::vector<FollowUp> follow_ups(const RecordView& record, const Judgement& judgement) const;

    bool holds(const std::string& field, const LazyRegex& regex, const RecordView& record,
               const Values& captures) const;
    bool holds(const Test& test, const RecordView& record, const Values& captures) const {
        return holds(*test.field, *test.regex, record, captures) == test.wanted;
    }
    bool holds(const Condition& condition, const RecordView& record, const Values& captures) const {
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
    std::unordered_map<const std::string*, Raw> raw_numbers;
    // Of patterns that stand in the pack: looked up by their place, not by their text.
    std::unordered_map<const std::string*, const LazyRegex*> regexes;
    std::map<std::string, std::unique_ptr<LazyRegex>> others;  // patterns over fields

    // Of patterns that detect: what is looked for in lines whose messages do not tell.
    mutable std::map<std::vector<int>, RawFilter::Selection> selections;
    mutable RegexMemo memo;
    mutable MessageMemo<Judgement> judgements;
    mutable std::uint64_t judged = 0;  // counted
    mutable KeyedMemo<Decided> decisions;
    mutable std::string decision_key;     // kept for its memory
    mutable Judgement long_message;       // of the last message that is too long to be remembered
    mutable std::vector<int> candidates;  // kept for their memory
    mutable std::vector<std::size_t> possible;  // ways
};

}  // namespace runnerwatch
