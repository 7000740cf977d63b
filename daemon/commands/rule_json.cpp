#include "daemon/commands/rule_json.h"

#include "parsers/visible_text.h"

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

json patterns_json(const std::vector<FieldPattern>& patterns) {
    json list = json::array();
    for (const FieldPattern& one : patterns)
        list.push_back({{"field", one.field}, {"matches", one.pattern}});
    return list;
}

json detect_json(const Detect& detect) {
    json object = {{"message", detect.message}};
    if (detect.anywhere) object["anywhere"] = true;
    if (!detect.capture.empty()) object["capture"] = patterns_json(detect.capture);
    if (!detect.require.empty()) object["require"] = patterns_json(detect.require);
    if (!detect.without.empty()) object["without"] = patterns_json(detect.without);
    if (!detect.levels.empty()) object["levels"] = level_words(detect);
    if (!detect.versions.empty()) object["versions"] = detect.versions;
    if (detect.absent) object["absent"] = absence_words(*detect.absent);
    return object;
}

json cause_json(const Cause& cause) {
    json object = {{"id", cause.id}, {"confidence", to_string(cause.confidence)}};
    if (!cause.catalog.empty()) object["catalog"] = cause.catalog;
    if (const std::string when = condition_words(cause); !when.empty()) object["when"] = when;
    object["says"] = cause.says;
    if (!cause.disproved_by.empty()) object["disproved_by"] = cause.disproved_by;
    if (!cause.fix.empty()) object["fix"] = cause.fix;
    return object;
}

json fix_json(const Fix& fix) {
    json steps = json::array();
    for (const FixStep& step : fix.steps) {
        json one = {{"says", step.says}};
        if (!step.command.empty()) one["command"] = step.command;
        if (!step.versions.empty()) one["versions"] = step.versions;
        if (!step.source.empty()) one["source"] = step.source;
        steps.push_back(std::move(one));
    }
    return {{"id", fix.id},
            {"title", fix.title},
            {"steps", std::move(steps)},
            {"not_a_fix", fix.not_a_fix},
            {"verify", fix.verify}};
}

json samples_json(const std::vector<Sample>& samples) {
    json list = json::array();
    for (const Sample& sample : samples) {
        json one = {{"text", visible_text(sample.text, Newlines::keep)}};
        if (!sample.format.empty()) one["format"] = sample.format;
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace

std::string origin_of(const Rule& rule) { return rule.layer == 0 ? "built in" : rule.file; }

std::string unfilled_words(std::string_view text) {
    std::string words;
    while (true) {
        const std::size_t open = text.find("{{");
        const std::size_t close = open == text.npos ? open : text.find("}}", open);
        if (close == text.npos) return words.append(text);
        words.append(text.substr(0, open));
        for (const char c : text.substr(open + 2, close - open - 2))
            words += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        text.remove_prefix(close + 2);
    }
}

std::string opening_words(const Rule& rule) {
    const Opening& open = rule.open;
    std::string words = open.count <= 1 ? "at once" : "at " + std::to_string(open.count);
    if (!open.distinct.empty()) words += " different values of " + open.distinct;
    for (const std::string& message : open.sequence)
        words += (&message == &open.sequence.front() ? ", when a line follows that matches "
                                                     : ", and then one that matches ") +
                 message;
    if (open.within != Duration{0}) words += " within " + format_duration(open.within);
    if (open.across_members) words += ", in all members together";
    if (!open.probe.empty()) words += ", if the probe " + open.probe + " says so";
    return words;
}

std::string level_words(const Detect& detect) {
    std::string words;
    for (const Level level : detect.levels)
        words += (words.empty() ? "" : ", ") + std::string(to_string(level));
    return words;
}

std::string absence_words(const Absence& absent) {
    return "no line follows that matches " + absent.message + " within " +
           format_duration(absent.within) + (absent.or_end ? ", or the container ends first" : "");
}

std::string identity_words(const Rule& rule) {
    std::string words = rule.scope == Scope::workload ? "workload"
                        : rule.scope == Scope::host   ? "GitLab host"
                                                      : "cluster";
    for (const std::string& part : rule.identity) words += ", " + part;
    return words;
}

std::string condition_words(const Cause& cause) {
    std::string words;
    for (const Condition& when : cause.when)
        words += (words.empty() ? "" : " and ") + when.field +
                 (when.negated ? " does not match " : " matches ") + when.pattern;
    return words;
}

std::string recovery_words(const Recovery& recovery) {
    std::string words = "a line that matches " + recovery.message;
    for (const std::string& name : recovery.same)
        words += (&name == &recovery.same.front() ? " with the same " : " and ") + name;
    if (recovery.kind == Recovery::Kind::after)
        words += ", if the failure is not seen again for " + format_duration(recovery.hold);
    return words;
}

json rule_summary(const Rule& rule) {
    return {{"id", rule.id},
            {"catalog", rule.catalog},
            {"severity", to_string(rule.severity)},
            {"response", to_string(rule.response)},
            {"scope", to_string(rule.scope)},
            {"status", to_string(rule.status)},
            {"title", unfilled_words(rule.title)},
            {"from", origin_of(rule)}};
}

json rule_document(const Rule& rule) {
    json object = rule_summary(rule);
    object["impact"] = rule.impact;
    if (rule.raise_to) object["raise_to"] = to_string(*rule.raise_to);
    object["runner_versions"] = rule.runner_versions;
    object["precedence"] = rule.precedence;
    object["detect"] = json::array();
    for (const Detect& detect : rule.detect) object["detect"].push_back(detect_json(detect));
    object["identity"] = rule.identity;
    object["opens"] = opening_words(rule);
    object["recover"] = json::array();
    for (const Recovery& recovery : rule.recover)
        object["recover"].push_back(recovery_words(recovery));
    if (rule.silence) object["silence"] = format_duration(*rule.silence);
    object["symptoms"] = rule.symptoms;
    object["causes"] = json::array();
    for (const Cause& cause : rule.causes) object["causes"].push_back(cause_json(cause));
    object["fixes"] = json::array();
    for (const Fix& fix : rule.fixes) object["fixes"].push_back(fix_json(fix));
    if (rule.notice) object["notice"] = true;
    object["runbook"] = {{"meaning", rule.runbook.meaning},
                         {"diagnosis", rule.runbook.diagnosis},
                         {"mitigation", rule.runbook.mitigation}};
    object["docs"] = rule.docs;
    object["samples"] = {{"detect", samples_json(rule.sample_detect)},
                         {"ignore", samples_json(rule.sample_ignore)},
                         {"recover", samples_json(rule.sample_recover)}};
    return object;
}

}  // namespace runnerwatch
