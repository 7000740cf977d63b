#include "parsers/digest.h"
#include "parsers/matcher.h"
#include "parsers/record_reader.h"
#include "parsers/rule_loader.h"
#include "parsers/strict_yaml.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace runnerwatch {
namespace {

// The records of a sample.
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
        const Rule* other = nullptr;         // that detected instead
        bool recovers = false;               // this rule
    };

    // Matches the records of a sample; also says where two rules tie and which format it has.
    Outcome match(const Sample& sample) {
        Outcome outcome;
        const std::vector<Record> records = Records(sample.text).records;
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
            for (const Detection& detection : match.detections) {
                if (detection.rule == &rule_) {
                    outcome.detection = detection;
                } else {
                    outcome.other = detection.rule;
                }
            }
            for (const RecoveryHit& hit : match.recoveries)
                if (hit.rule == &rule_) outcome.recovers = true;
        }
        return outcome;
    }

    void check_detect(const Sample& sample) {
        const Outcome outcome = match(sample);
        const bool overridden = outcome.other != nullptr && outcome.other->layer > rule_.layer;
        if (overridden && !outcome.detection) return;
        if (outcome.other != nullptr && !overridden)
            fail(sample, "the sample is detected by the rule '" + outcome.other->id +
                             "' instead; its 'precedence' is higher");
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
        if (match(sample).detection) fail(sample, "the sample must be ignored, but is detected");
    }

    void check_recover(const Sample& sample) {
        const Outcome outcome = match(sample);
        if (outcome.detection) fail(sample, "the sample must be recovery, but is detected");
        if (!outcome.recovers) fail(sample, "the sample is no recovery: " + as_read(sample));
    }

    // What the patterns saw, for the message.
    static std::string as_read(const Sample& sample) {
        const std::vector<Record> records = Records(sample.text).records;
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

void check_references(const RulePack& pack, std::vector<RuleError>& errors) {
    std::vector<std::string> ids;
    for (const Rule& rule : pack.rules) ids.push_back(rule.id);
    const auto switched_off = [&](const std::string& id) {
        return std::any_of(pack.overrides.begin(), pack.overrides.end(),
                           [&](const RuleOverride& one) { return one.earlier.id == id; });
    };
    for (const Rule& rule : pack.rules)
        for (const std::string& symptom : rule.symptoms)
            if (pack.find(symptom) == nullptr && !switched_off(symptom))
                errors.push_back(
                    {rule.file, 0,
                     "symptoms: there is no rule '" + symptom + "'" + suggestion(symptom, ids)});
}

// Takes a rule into the pack: beside the others, or over the one that has its id.
void add_rule(RulePack& pack, Rule rule, std::vector<RuleError>& errors) {
    const auto same = std::find_if(pack.rules.begin(), pack.rules.end(),
                                   [&](const Rule& earlier) { return earlier.id == rule.id; });
    if (same != pack.rules.end())
        pack.overrides.push_back({std::move(*same), rule.file, rule.disabled});
    if (!rule.disabled && same != pack.rules.end()) {
        *same = std::move(rule);
    } else if (!rule.disabled) {
        pack.rules.push_back(std::move(rule));
    } else if (same != pack.rules.end()) {
        pack.rules.erase(same);
    } else {
        std::vector<std::string> ids;
        for (const Rule& known : pack.rules) ids.push_back(known.id);
        errors.push_back({rule.file, 0,
                          "'disabled: true' finds no earlier rule '" + rule.id + "' to switch off" +
                              suggestion(rule.id, ids)});
    }
}

}  // namespace

std::vector<Record> sample_records(std::string_view text) { return Records(text).records; }

Result<RulePack, std::vector<RuleError>> load_pack(const std::string& name,
                                                   const std::vector<RuleFile>& files) {
    RulePack pack;
    pack.name = name;
    std::vector<RuleError> errors;
    std::string all;
    for (const RuleFile& file : files) {
        all += file.name + '\0' + file.text + '\0';
        auto rule = load_rule(file);
        if (!rule) {
            errors.insert(errors.end(), rule.error().begin(), rule.error().end());
            continue;
        }
        add_rule(pack, std::move(*rule), errors);
    }
    pack.version = sha256_hex(all).substr(0, 12);

    // A rule that could not be read may be the one that is referred to.
    if (errors.empty()) check_references(pack, errors);
    try {
        const Matcher matcher(pack);
        for (const Rule& rule : matcher.pack().rules) SampleCheck(matcher, rule, errors).run();
    } catch (const std::invalid_argument& error) {
        errors.push_back(
            {name, 0, std::string("the patterns cannot be searched for: ") + error.what()});
    }
    if (!errors.empty()) return failure(std::move(errors));
    return pack;
}

}  // namespace runnerwatch
