#include "daemon/commands/rule_lint.h"

#include "parsers/fill_fix.h"
#include "parsers/line_framer.h"
#include "parsers/line_prefix.h"
#include "parsers/record_reader.h"
#include "parsers/rule_loader.h"

#include <algorithm>
#include <set>

namespace runnerwatch {
namespace {

constexpr std::size_t near_misses_min = 2;
constexpr std::size_t formats_min = 2;

std::map<std::string, std::size_t> formats_of(const Rule& rule) {
    std::map<std::string, std::size_t> formats;
    for (const Sample& sample : rule.sample_detect)
        if (const auto records = sample_records(sample.text); !records.empty())
            ++formats[to_string(records.front().format)];
    return formats;
}

// The names in {{…}} of a text that no value stands for.
std::set<std::string> unfilled(const std::string& text, const Values& values) {
    std::set<std::string> names;
    const std::string filled = fill_template(text, values);
    for (std::size_t at = 0; (at = filled.find("{{", at)) != std::string::npos; at += 2) {
        const std::size_t end = filled.find("}}", at);
        if (end != std::string::npos) names.insert(filled.substr(at + 2, end - at - 2));
    }
    return names;
}

// Names that the texts of a rule use and that none of its samples gives a value.
std::set<std::string> unknown_names(const Matcher& matcher, const Rule& rule) {
    std::vector<std::string> texts{rule.title, rule.impact, rule.fact_value};
    for (const Cause& cause : rule.causes) texts.push_back(cause.says);
    for (const Fix& fix : rule.fixes)
        for (const FixStep& step : fix.steps) {
            texts.push_back(step.says);
            texts.push_back(step.command);
        }
    Values values = manager_values({});
    for (const Sample& sample : rule.sample_detect)
        for (const Record& record : sample_records(sample.text))
            for (const Detection& detection : matcher.match(record).detections)
                if (detection.rule == &rule)
                    values.insert(detection.values.begin(), detection.values.end());
    std::set<std::string> names;
    for (const std::string& text : texts) names.merge(unfilled(text, values));
    return names;
}

class Linter {
public:
    explicit Linter(const Matcher& matcher) : matcher_(matcher) {
        const auto slow = matcher.slow_patterns();
        slow_.insert(slow.begin(), slow.end());
    }

    void check(const Rule& rule) {
        rule_ = &rule;
        patterns(rule);
        samples(rule);
        texts(rule);
    }

    std::vector<RuleWarning> warnings;

private:
    void say(const char* code, std::string what) {
        warnings.push_back({code, rule_, std::move(what)});
    }

    void patterns(const Rule& rule) {
        for (const Detect& detect : rule.detect) {
            if (slow_.contains(detect.message))
                say("slow-pattern", "'" + detect.message +
                                        "' holds no literal that can be looked for first, so it is "
                                        "tried on every record; write out a word of the message");
            if (detect.anywhere)
                say("anywhere",
                    "'" + detect.message +
                        "' may stand anywhere in a message, also in the part that job "
                        "authors write; anchor it at the start if the runner allows it");
        }
        for (const Recovery& recovery : rule.recover)
            if (slow_.contains(recovery.message))
                say("slow-pattern", "the recovery pattern '" + recovery.message +
                                        "' holds no literal that can be looked for first");
    }

    void samples(const Rule& rule) {
        if (formats_of(rule).size() < formats_min)
            say("one-format",
                "its samples are of one format only; add the same line in another, "
                "as `log_format` of the runner writes it");
        if (rule.sample_ignore.size() < near_misses_min)
            say("near-misses", "it has " + std::to_string(rule.sample_ignore.size()) +
                                   " near misses (samples.ignore); add lines that almost match, "
                                   "above all ones that a job's author can write");
        for (const Sample& sample : rule.sample_detect)
            for (const Record& record : sample_records(sample.text)) taken(rule, record);
    }

    // A rule of a folder may take what an earlier one was written for; that is to be seen.
    void taken(const Rule& rule, const Record& record) {
        for (const Detection& detection : matcher_.match(record).detections)
            if (detection.rule != &rule)
                say("taken", "a sample of it is taken by '" + detection.rule->id + "' of " +
                                 detection.rule->file);
    }

    void texts(const Rule& rule) {
        const bool proven = std::any_of(rule.fixes.begin(), rule.fixes.end(), [](const Fix& fix) {
            return std::any_of(fix.steps.begin(), fix.steps.end(),
                               [](const FixStep& step) { return !step.source.empty(); });
        });
        if (rule.docs.empty() && !proven)
            say("no-source", "neither `docs` nor a `source` of a step says where this is proven");
        if (rule.response == Response::page && rule.fixes.empty())
            say("no-fix", "it wakes people and does not say what to do; add `fixes`");
        for (const Cause& cause : rule.causes)
            if (cause.disproved_by.empty() && cause.confidence == Confidence::certain)
                say("no-disproof", "the cause '" + cause.id +
                                       "' is certain, but nothing is named that would disprove it");
        if (rule.severity >= Severity::error && rule.recover.empty() && !rule.silence)
            say("never-over",
                "nothing ends its incidents but a person; add `recover`, or "
                "`silence` where silence proves something");
        for (const std::string& name : unknown_names(matcher_, rule))
            say("unknown-name", "its texts name {{" + name +
                                    "}}, which no sample has as a capture, field or wording");
    }

    const Matcher& matcher_;
    std::set<std::string> slow_;
    const Rule* rule_ = nullptr;
};

// Which rules are met in a log.
class MetRules : public RecordReader::Handler {
public:
    MetRules(const Matcher& matcher, const Recording& recording) : matcher_(matcher) {
        RecordReader reader;
        SourceLine line;
        LineFramer framer;
        const auto take = [&](const FramedLine& framed) {
            const PrefixedLine split = split_prefix(framed.text);
            line = {split.text, split.time, line.number + 1, framed.cut};
            reader.line(line, *this);
        };
        framer.feed(recording.text, take);
        if (framer.rest().bytes > 0) take(framer.rest());
        reader.end(*this);
    }

    void on_head(const RecordHead& head) override {
        if (!matcher_.may_match(head.raw)) return;
        for (const Rule* rule : matcher_.rules_that_match(decode_record(head.raw)))
            met.insert(rule);
    }
    void on_continuation(const SourceLine&) override {}
    void on_record_end() override {}

    std::set<const Rule*> met;

private:
    const Matcher& matcher_;
};

}  // namespace

std::vector<RuleWarning> lint(const Matcher& matcher) {
    Linter linter(matcher);
    for (const Rule& rule : matcher.pack().rules) linter.check(rule);
    return std::move(linter.warnings);
}

std::vector<RuleProof> proofs(const Matcher& matcher, const std::vector<Recording>& recordings) {
    std::map<const Rule*, std::vector<std::string>> met;
    for (const Recording& recording : recordings)
        for (const Rule* rule : MetRules(matcher, recording).met)
            met[rule].push_back(recording.name);
    std::vector<RuleProof> list;
    for (const Rule& rule : matcher.pack().rules)
        list.push_back({&rule, formats_of(rule), met[&rule]});
    return list;
}

}  // namespace runnerwatch
