#pragma once

#include "parsers/record.h"
#include "parsers/timestamp.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

enum class Severity { info, warning, error, critical };
enum class Response { advice, ticket, page };
enum class Scope { workload, host, cluster };
enum class RuleStatus { experimental, test, stable, deprecated };
enum class Confidence { possible, likely, certain };

const char* to_string(Severity severity);
const char* to_string(Response response);
const char* to_string(Scope scope);
const char* to_string(RuleStatus status);
const char* to_string(Confidence confidence);
std::optional<Severity> severity_from(std::string_view word);
std::optional<Response> response_from(std::string_view word);
std::optional<Scope> scope_from(std::string_view word);
std::optional<RuleStatus> status_from(std::string_view word);
std::optional<Confidence> confidence_from(std::string_view word);

// A regular expression (RE2) over one field of a record or one capture made before it; the field
// "message" is the message itself.
struct FieldPattern {
    std::string field;
    std::string pattern;

    bool operator==(const FieldPattern&) const = default;
};

// A field pattern that must match, or, negated, must not. A missing field matches nothing.
struct Condition {
    std::string field;
    std::string pattern;
    bool negated = false;

    bool operator==(const Condition&) const = default;
};

// A line that was promised: the detection counts only when no such record follows in its source
// within this time of the source.
struct Absence {
    std::string message;  // anchored, always
    Duration within{0};
    bool or_end = false;  // the end of the container, or its next start, breaks the promise too

    bool operator==(const Absence&) const = default;
};

// How a rule recognises a record. The pattern works on the decoded message and is anchored at
// its start unless `anywhere` (job authors control image names and error texts).
struct Detect {
    std::string message;
    bool anywhere = false;
    std::vector<FieldPattern> capture{};  // optional: named groups become captures
    std::vector<FieldPattern> require{};  // all must match
    std::vector<FieldPattern> without{};  // none may match
    std::vector<Level> levels{};          // the record has one of them; empty: any
    std::string versions{};               // of the runner that words it so; says, decides nothing
    std::optional<Absence> absent{};

    bool operator==(const Detect&) const = default;
};

// Whether a pattern has a named group, and a way of detection makes a capture, of this name.
bool has_group(const std::string& pattern, const std::string& name);
bool captures(const Detect& detect, const std::string& name);

// What ends the trouble in one member.
struct Recovery {
    enum class Kind {
        evidence,  // the line proves it
        after      // the line proves it if the rule is not met again for `hold`
    };
    Kind kind = Kind::evidence;
    std::string message;            // anchored, always
    std::vector<std::string> same;  // fields that must equal the incident's
    Duration hold{0};               // source time

    // What the line is, whichever rules it proves recovery for: the pattern, the fields that count
    // and how long it must last. Equal in two rules when one line serves both.
    std::string line_id() const;
    bool operator==(const Recovery&) const = default;
};

struct Opening {
    static constexpr int count_max = 100;  // what is pending keeps as many records

    int count = 1;
    Duration within{0};
    bool across_members = false;        // count over the scope instead of within one member
    std::string distinct;               // counts the different values of this capture or field
    std::vector<std::string> sequence;  // messages (anchored) that must follow, in this order
    std::string probe;                  // opens only when this probe says so

    bool operator==(const Opening&) const = default;
};

struct FixStep {
    std::string says;
    std::string command;   // can be pasted; may be empty
    std::string versions;  // of the runner it holds for, e.g. ">=18.10"; empty: all
    std::string source;    // where it is proven, e.g. "runner v19.4 common/config.go:2637"

    bool operator==(const FixStep&) const = default;
};

struct Fix {
    std::string id;
    std::string title;
    std::vector<FixStep> steps;
    std::vector<std::string> not_a_fix;  // folklore that was tried and does nothing
    std::string verify;                  // how one sees that it worked

    bool operator==(const Fix&) const = default;
};

// A value in words: `name` stands for `says` in templates when the field matches. Of several with
// one name the first that matches counts.
struct Wording {
    std::string name;
    Condition when;
    std::string says;

    bool operator==(const Wording&) const = default;
};

struct Cause {
    std::string id;
    std::string catalog;  // where the catalogue has a kind of its own for this cause, or empty
    Confidence confidence = Confidence::possible;
    std::vector<Condition> when;  // all must hold
    std::string versions;         // of the runner it can be the cause in; empty: all
    std::string says;             // {{name}} is replaced by a capture or field
    std::string disproved_by;
    std::string fix;  // id

    bool operator==(const Cause&) const = default;
};

struct Sample {
    std::string text;    // one or several physical lines, escapes as real bytes
    std::string format;  // runner, text, json
    std::map<std::string, std::string> captures;  // expected, where the sample says so
    std::string cause;                            // expected top cause, where it says so
    std::string by;  // what is ignored: id of the rule or notice that takes it instead, or empty
    int line = 0;    // in the rule file

    bool operator==(const Sample&) const = default;
};

// A stateful sample: lines with the times at which they are written, and what they lead to.
struct Story {
    struct Line {
        Duration at{0};
        std::string text;

        bool operator==(const Line&) const = default;
    };
    std::string name;
    std::vector<Line> lines;   // in the order of time
    std::optional<bool> open;  // expected at the end, where the story says so
    std::optional<bool> resolved;
    std::optional<int> count;
    int line = 0;  // in the rule file

    bool operator==(const Story&) const = default;
};

// How people work on it; Markdown. The impact is the rule's own.
struct Runbook {
    std::string meaning, diagnosis, mitigation;

    bool operator==(const Runbook&) const = default;
};

// A kind of failure as data, or a known line that is none. Plain values; compiled by the Matcher.
struct Rule {
    std::string id;       // stable, never reused
    std::string catalog;  // entry of the failure catalogue, e.g. GLR-API-403-JOBREQ
    std::string title;
    std::string impact;
    std::string fact_label, fact_value;  // the fourth fact of the answer card, or empty
    Severity severity = Severity::warning;
    std::optional<Severity> raise_to;  // when all members of the workload show it
    Response response = Response::ticket;
    Scope scope = Scope::workload;
    RuleStatus status = RuleStatus::stable;
    std::string runner_versions;
    int precedence = 0;   // the higher wins where two rules match one record
    bool notice = false;  // a known line that is no failure: it only keeps other rules away
    std::vector<Detect> detect;
    std::vector<std::string> identity;  // "runner", "mask(error)" or "host(url)", named "host"
    Opening open;
    std::vector<Recovery> recover;
    std::optional<Duration> silence;    // proves recovery; none: silence proves nothing
    std::vector<std::string> symptoms;  // ids of rules
    std::vector<Wording> wordings;
    std::vector<Cause> causes;  // in the file's order
    std::vector<Fix> fixes;
    Runbook runbook;
    std::vector<std::string> docs;
    std::vector<Sample> sample_detect, sample_ignore, sample_recover;
    std::vector<Story> stories;
    std::string file;       // where it was read from, for messages
    int layer = 0;          // of its file: a later layer may take lines of an earlier one
    bool disabled = false;  // only in a file that switches an earlier rule of this id off

    const Fix* fix(std::string_view fix_id) const;
    bool operator==(const Rule&) const = default;
};

// A rule that a later file replaced or switched off.
struct RuleOverride {
    Rule earlier;
    std::string file;  // the later one
    bool disabled = false;

    bool operator==(const RuleOverride&) const = default;
};

struct RulePack {
    std::string name;     // "gitlab-runner"
    std::string version;  // hash of its files
    std::vector<Rule> rules;
    std::vector<RuleOverride> overrides{};  // in the order of the files
    // What required_literals() says of patterns, as far as it was asked: it is slow. The Matcher
    // adds what it needs.
    std::map<std::string, std::vector<std::string>> literals{};

    const Rule* find(std::string_view rule_id) const;
    bool operator==(const RulePack&) const = default;
};

}  // namespace runnerwatch
