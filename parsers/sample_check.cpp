#include "parsers/sample_check.h"

#include "parsers/record_reader.h"
#include "parsers/strict_yaml.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <optional>

namespace runnerwatch {
namespace {

class Records : public RecordReader::Handler {
public:
    explicit Records(std::string_view text) {
        RecordReader reader;
        SourceLine line;
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            line.text = text.substr(0, end);
            ++line.number;
            reader.line(line, *this);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        reader.end(*this);
    }

    void on_head(const RecordHead& head) override { records.push_back(decode_record(head.raw)); }
    void on_continuation(const SourceLine&) override {}
    void on_record_end() override {}

    std::vector<Record> records;
};

// Checks the samples of one rule against the whole pack.
class SampleCheck {
public:
    SampleCheck(const Matcher& matcher, const Rule& rule, std::vector<RuleError>& errors)
        : matcher_(matcher), rule_(rule), errors_(errors) {}

    void run() {
        for (const Sample& sample : rule_.sample_detect) check_detect(sample);
        for (const Sample& sample : rule_.sample_ignore) check_ignore(sample);
        for (const Sample& sample : rule_.sample_recover) check_recover(sample);
    }

private:
    struct Outcome {
        std::optional<Detection> detection;  // by this rule
        const Rule* other = nullptr;         // that took a record: a rule or a notice
        bool recovers = false;               // this rule
    };

    // Matches the records of a sample; also says where two rules tie and which format it has.
    Outcome match(const Sample& sample) {
        Outcome outcome;
        const std::vector<Record> records = sample_records(sample.text);
        if (records.empty()) fail(sample, "the sample holds no record");
        for (const Record& record : records) {
            if (!sample.format.empty() && sample.format != to_string(record.format))
                fail(sample, "the sample says format '" + sample.format + "', but is read as '" +
                                 to_string(record.format) + "'");
            const auto rules = matcher_.rules_that_match(record);
            if (rules.size() > 1 && rules[0]->precedence == rules[1]->precedence)
                fail(sample, "the rules '" + rules[0]->id + "' and '" + rules[1]->id +
                                 "' both match and tie; give one of them a higher 'precedence'");
            const Match match = matcher_.match(record);
            if (match.notice != nullptr) take(*match.notice, {}, outcome);
            for (const Detection& detection : match.detections)
                take(*detection.rule, detection, outcome);
            for (const RecoveryHit& hit : match.recoveries)
                for (const RecoveryLine::Use& use : hit.line->proves)
                    outcome.recovers = outcome.recovers || use.rule == &rule_;
        }
        return outcome;
    }

    void take(const Rule& winner, const Detection& detection, Outcome& outcome) const {
        if (winner.id == rule_.id) {
            outcome.detection = detection;
        } else {
            outcome.other = &winner;
        }
    }

    void check_detect(const Sample& sample) {
        const Outcome outcome = match(sample);
        const bool overridden = outcome.other != nullptr && outcome.other->layer > rule_.layer;
        if (overridden && !outcome.detection) return;
        if (outcome.other != nullptr && !overridden)
            fail(sample, std::string("the sample is taken by the ") + kind(*outcome.other) + " '" +
                             outcome.other->id + "' instead; its 'precedence' is higher");
        if (!outcome.detection) {
            if (outcome.other == nullptr)
                fail(sample, "the sample is not detected: " + as_read(sample));
            return;
        }
        for (const auto& [name, expected] : sample.captures) {
            const auto value = outcome.detection->values.find(name);
            if (value == outcome.detection->values.end()) {
                fail(sample, "the sample expects '" + name + "', which is not captured");
            } else if (value->second != expected) {
                fail(sample, "the sample expects '" + name + "' to be '" + expected +
                                 "', but it is '" + value->second + "'");
            }
        }
        const auto& causes = outcome.detection->causes;
        const std::string cause = causes.empty() ? "none" : causes.front().cause->id;
        if (!sample.cause.empty() && sample.cause != cause)
            fail(sample, "the sample expects the cause '" + sample.cause + "', but the first is '" +
                             cause + "'");
    }

    void check_ignore(const Sample& sample) {
        const Outcome outcome = match(sample);
        // What it took may go anywhere, to this rule too.
        if (!sample.by.empty() && is_changed(sample.by)) return;
        if (outcome.detection) fail(sample, "the sample must be ignored, but is detected");
        if (sample.by.empty()) return;
        if (outcome.other != nullptr && outcome.other->layer > rule_.layer) return;
        if (matcher_.pack().find(sample.by) == nullptr) {
            std::vector<std::string> ids;
            for (const Rule& rule : matcher_.pack().rules) ids.push_back(rule.id);
            fail(sample, "by: there is no rule '" + sample.by + "'" + suggestion(sample.by, ids));
        } else if (outcome.other == nullptr) {
            fail(sample, "the sample must be taken by '" + sample.by +
                             "', but nothing takes it: " + as_read(sample));
        } else if (outcome.other->id != sample.by) {
            fail(sample, "the sample must be taken by '" + sample.by + "', but '" +
                             outcome.other->id + "' takes it");
        }
    }

    void check_recover(const Sample& sample) {
        const Outcome outcome = match(sample);
        if (outcome.detection) fail(sample, "the sample must be recovery, but is detected");
        if (!outcome.recovers) fail(sample, "the sample is no recovery: " + as_read(sample));
    }

    // Whether a later layer, which cannot change the samples of those before it, has its own of
    // this rule or has switched it off.
    bool is_changed(const std::string& id) const {
        if (const Rule* rule = matcher_.pack().find(id)) return rule->layer > rule_.layer;
        const auto& overrides = matcher_.pack().overrides;
        return std::any_of(overrides.begin(), overrides.end(),
                           [&](const RuleOverride& one) { return one.earlier.id == id; });
    }

    static const char* kind(const Rule& rule) { return rule.notice ? "notice" : "rule"; }

    // What the patterns saw, for the message.
    static std::string as_read(const Sample& sample) {
        const std::vector<Record> records = sample_records(sample.text);
        if (records.empty()) return "it is empty";
        const Record& record = records.front();
        std::string text = std::string("it is read as a '") + to_string(record.format) +
                           "' record with the message '" +
                           shortened(visible_text(record.message), 200) +
                           "', which 'message' must match from its start";
        for (const Field& field : record.fields)
            text += ", " + field.key + "='" + shortened(visible_text(field.value), 100) + "'";
        return text;
    }

    void fail(const Sample& sample, std::string what) {
        errors_.push_back({rule_.file, sample.line, std::move(what)});
    }

    const Matcher& matcher_;
    const Rule& rule_;
    std::vector<RuleError>& errors_;
};

}  // namespace

std::vector<Record> sample_records(std::string_view sample) { return Records(sample).records; }

std::vector<RuleError> check_samples(const Matcher& matcher, const Rule& rule) {
    std::vector<RuleError> errors;
    SampleCheck(matcher, rule, errors).run();
    return errors;
}

}  // namespace runnerwatch
