#pragma once

#include "parsers/raw_filter.h"
#include "parsers/record.h"
#include "parsers/record_view.h"
#include "parsers/rule.h"

#include <boost/container/flat_map.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// Captures and fields by name; captures win over fields of the same name.
using Values = boost::container::flat_map<std::string, std::string>;

struct HeldCause {
    const Cause* cause;
    std::string says;  // with its values filled in
};

// One record matched by one rule. The rule belongs to the pack of the Matcher that made it.
struct Detection {
    const Rule* rule = nullptr;
    std::vector<std::string> also;  // catalogue ids: rules that lost, causes with one of their own
    Values captures;                // named groups only
    Values values;  // captures, fields, wordings, identity: what templates and `same` may name
    std::vector<std::pair<std::string, std::string>> identity;  // ("host","gitlab.example.com") …
    std::vector<HeldCause> causes;  // those whose condition holds, most confident first
    // The line whose absence makes it a failure: until then it is none. Or nullptr.
    const Absence* absent = nullptr;
};

// A kind of line that is recovery evidence, and the rules it is that for. Many rules end with the
// same line, so it is searched, told and kept once for all of them.
struct RecoveryLine {
    struct Use {
        const Rule* rule = nullptr;
        int index = 0;  // into rule->recover
    };
    std::string id;                 // Recovery::line_id
    std::vector<std::string> same;  // fields that must equal the incident's
    std::vector<Use> proves;        // in the order of the pack
    int number = 0;                 // its place among all

    bool proves_end_of(std::string_view rule_id) const {
        return std::any_of(proves.begin(), proves.end(),
                           [&](const Use& use) { return use.rule->id == rule_id; });
    }
};

// A record that is recovery evidence.
struct RecoveryHit {
    const RecoveryLine* line = nullptr;  // belongs to the Matcher
    Values values;                       // of line->same, captures and fields that the record has
};

// A record that an earlier detection of a rule waits for.
struct FollowUp {
    static constexpr int promised = -1;  // the line whose absence would have been the failure

    const Rule* rule = nullptr;
    int step = promised;                                        // or into rule->open.sequence
    Values values;                                              // captures and fields of the record
    std::vector<std::pair<std::string, std::string>> identity;  // as far as it has the fields
};

struct Match {
    std::vector<Detection> detections;  // at most one: the winner
    const Rule* notice = nullptr;       // won instead: the record is known and no failure
    std::vector<RecoveryHit> recoveries;
    std::vector<FollowUp> follow_ups;
};

// Of a message by itself: the same whatever the fields are. Numbers are those of raw_filter().
struct MessageJudgement {
    std::vector<int> detection;  // it may be a failure, or a line that one waits for
    std::vector<int> recovery;   // into recovery_lines()
    // Some of `detection` has its literals in the message: they need not be looked for in the line.
    bool by_message = false;
    // Else the literals that are; belongs to the Matcher. nullptr: any line may hold one.
    const RawFilter::Selection* literals = nullptr;
};

// Finds what the rules of a pack say about records.
//
// One may serve all sources. Holds a copy of the pack: what a Detection points to lives as long as
// the Matcher. Remembers what it said of messages and values, up to some two megabytes, so only one
// thread at a time may use it.
class Matcher {
public:
    // Throws std::invalid_argument if a pattern does not compile: load_pack has checked them.
    explicit Matcher(RulePack pack);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;

    // Exchanges the rules of two matchers. Detections and pack() of before belong to the other
    // one from then on; not while another thread uses either.
    void swap(Matcher& other) noexcept { compiled_.swap(other.compiled_); }

    const RulePack& pack() const;

    // Whether the raw bytes of a record can match anything: no false "no". The cheap first step.
    bool may_match(std::string_view raw) const;

    Match match(const Record& record) const { return match(RecordView(record)); }
    Match match(const RecordView& record) const;

    // What the rules may say of a record, going by its level and message alone.
    MessageJudgement judge_message(const Record& record) const;

    // Of messages that begin with `text` and have one word more: whether all of them say nothing,
    // save those of which word_may_say() something: it is asked of the word and the
    // LiteralStarts::bytes_before.
    bool says_nothing_before_a_word(std::string_view text) const;
    bool word_may_say(std::string_view word) const;

    // By their place in it they are known to raw_filter() and judge_message().
    const std::vector<RecoveryLine>& recovery_lines() const;

    // Whether the raw bytes of a record's line hold what some pattern of `says.detection` asks for,
    // in the message or in a field.
    bool may_detect(const MessageJudgement& says, std::string_view line) const;

    // Finds in raw bytes where a record may stand. Its patterns are the recovery lines and, behind
    // them, all that detects.
    const RawFilter& raw_filter() const;
    RawFilter::Selection select_detection() const;

    // Every rule that detects something in the record, the winner first.
    std::vector<const Rule*> rules_that_match(const Record& record) const;
    // The winner alone, a notice or not; or nullptr.
    const Rule* rule_that_takes(const RecordView& record) const;

    // Patterns without a usable literal: they are tried on every record. For warnings.
    std::vector<std::string> slow_patterns() const;

private:
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

// "{{name}}" replaced by values["name"]; an unknown name stays as it stands.
std::string fill_template(std::string_view text, const Values& values);

// The same for a command: only values that a shell takes as plain words are filled in, because log
// text must not become a command.
std::string fill_command(std::string_view command, const Values& values);

}  // namespace runnerwatch
