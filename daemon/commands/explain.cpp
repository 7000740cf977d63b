#include "daemon/commands/explain.h"

#include "daemon/commands/explained.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/rule_json.h"
#include "daemon/commands/scan_report.h"

#include <ostream>

namespace runnerwatch {
namespace {

constexpr std::size_t text_bytes_max = 500;

class Writer {
public:
    Writer(const Matcher& matcher, const TextStyle& style) : matcher_(matcher), style_(style) {}

    std::string record(const Explained& one);

private:
    void add(std::string_view label, const std::string& words) {
        if (!words.empty()) text_ += row(label, shown(words, text_bytes_max), style_);
    }
    void head(const char* code, std::string_view word, const Rule& rule,
              const Values& values = {}) {
        text_ += "\n" + painted(word, code, style_) + "  " +
                 painted(shown(unfilled_words(fill_template(rule.title, values)), text_bytes_max),
                         "1", style_) +
                 "  " +
                 painted(rule.id + (rule.catalog.empty() ? "" : ", " + rule.catalog), "2", style_) +
                 "\n";
    }
    void reading(const Explained& one);
    void match(const Explained& one);
    void condition(const ConditionTrace& one);

    const Matcher& matcher_;
    const TextStyle& style_;
    std::string text_;
};

void Writer::reading(const Explained& one) {
    const Record& record = one.record;
    const std::string lines = one.line == one.line_end ? "line " + std::to_string(one.line)
                                                       : "lines " + std::to_string(one.line) +
                                                             " to " + std::to_string(one.line_end);
    std::string read =
        lines + ", format " + to_string(record.format) + ", level " + to_string(record.level);
    if (record.format == Format::plain) read += " (of none of the runner's formats)";
    if (one.cut) read += ", cut";
    text_ += painted("READ", "1", style_) + "  " + read + "\n";
    add("message", record.message);
    for (const Field& field : record.fields) add("field", field.key + " = " + field.value);
    if (!one.pod.empty())
        add("prefix",
            "pod " + one.pod + (one.container.empty() ? "" : ", container " + one.container));
    if (one.prefix_time) add("time", format_time(*one.prefix_time) + " (before the line)");
    if (record.time) add("time", format_time(*record.time) + " (the record's own)");
    if (!record.time && !one.prefix_time) add("time", "none");
}

void Writer::condition(const ConditionTrace& one) {
    // "require status" stands as "require" before "status …".
    const std::size_t blank = one.what.find(' ');
    const std::string label = one.what.substr(0, blank);
    const std::string field = blank == std::string::npos ? "" : one.what.substr(blank + 1) + " ";
    if (one.met)
        add(label, field + "matches " + one.pattern);
    else
        add(label, (one.needed ? "not met: " : "takes nothing: ") + one.why_not +
                       "; wanted: " + field + one.pattern);
}

void Writer::match(const Explained& one) {
    const Detection& detection = *one.detection;
    const Rule& rule = *detection.rule;
    head("1;32", "MATCHED BY", rule, detection.values);
    for (const WayTrace& way : one.ways) {
        if (!way.matched) continue;
        for (const ConditionTrace& part : way.conditions) condition(part);
        break;
    }
    for (const auto& [name, value] : detection.captures) add("captured", name + " = " + value);
    std::string identity = "one for each " + identity_words(rule);
    for (const auto& [name, value] : detection.identity)
        identity += (&name == &detection.identity.front().first ? ": " : ", ") + name + "=" + value;
    add("incident", identity);
    add("opens",
        opening_words(rule) + "; " + to_string(rule.severity) + ", " + to_string(rule.response));
    for (std::size_t i = 0; i < rule.causes.size(); ++i) {
        const Cause& cause = rule.causes[i];
        const ConditionTrace& trace = one.causes[i];
        std::string words = std::string(to_string(cause.confidence)) + ": " +
                            fill_template(cause.says, detection.values);
        if (!trace.met) words = "not this: " + cause.id + ", because " + trace.why_not;
        if (trace.met && !trace.what.empty())
            words += " (" + trace.what + " matches " + trace.pattern + ")";
        add(i == 0 ? "causes" : "", words);
    }
    for (const Recovery& recovery : rule.recover) add("over after", recovery_words(recovery));
    if (rule.silence) add("over after", format_duration(*rule.silence) + " without it");
    for (const std::string& catalog : detection.also) add("also", catalog);
    for (const Rule* other : one.others)
        add("also", other->id + " matches too; its precedence is " +
                        std::to_string(other->precedence) + ", not " +
                        std::to_string(rule.precedence));
}

std::string Writer::record(const Explained& one) {
    text_.clear();
    reading(one);
    if (one.detection) match(one);
    for (const auto& [rule, index] : one.recoveries) {
        head("1;36", "RECOVERY OF", *rule);
        add("by", recovery_words(rule->recover[static_cast<std::size_t>(index)]));
    }
    if (!one.detection && one.recoveries.empty())
        text_ += "\n" + painted("MATCHED BY", "1;33", style_) + "  none of " +
                 counted(matcher_.pack().rules.size(), "rule") + "\n";
    for (const NearMiss& miss : one.near_misses) {
        head("2", "NEAR", *miss.rule);
        for (const ConditionTrace& part : miss.way.conditions) condition(part);
    }
    return text_;
}

}  // namespace

int run_explain(const ExplainOptions& options, const Matcher& matcher, const std::string& text,
                std::ostream& out, std::ostream& err) {
    std::size_t beyond = 0;
    const auto records = explain_text(matcher, text, explained_max, options.nearest, beyond);
    if (records.empty()) {
        err << "runnerwatch explain: there is no line to explain: the input is empty. Give the "
               "line as one argument in quotes, or pipe it in and write -.\n";
        return 2;
    }
    bool recognised = false;
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    Writer writer(matcher, options.style);
    for (const Explained& one : records) {
        recognised = recognised || one.detection || !one.recoveries.empty();
        if (options.output == ExplainOptions::Output::json)
            list.push_back(explained_json(one));
        else
            out << (&one == &records.front() ? "" : "\n") << writer.record(one);
    }
    if (options.output == ExplainOptions::Output::json) out << json_text(list);
    if (beyond > 0)
        err << "runnerwatch explain: " << counted(beyond, "further record")
            << " not explained: the first " << explained_max << " are\n";
    return recognised ? 0 : 1;
}

}  // namespace runnerwatch
