#include "parsers/rule_loader.h"

#include "parsers/rule_reader.h"
#include "parsers/strict_yaml.h"

#include <re2/re2.h>

#include <algorithm>

namespace runnerwatch {
namespace {

const std::vector<std::string> severity_words{"info", "warning", "error", "critical"};
const std::vector<std::string> response_words{"advice", "ticket", "page"};
const std::vector<std::string> scope_words{"workload", "host", "cluster"};
const std::vector<std::string> status_words{"experimental", "test", "stable", "deprecated"};

void read_identity(YamlMap& map, Rule& rule) {
    static const RE2 part(R"((?:(?:host|mask)\([A-Za-z_][\w.-]*\))|[A-Za-z_][\w.-]*)");
    rule.identity = map.texts("identity");
    for (const std::string& name : rule.identity)
        if (!RE2::FullMatch(name, part))
            map.fault(map.line("identity"), "identity: '" + name + "' must be the name of a " +
                                                "capture or field, host(NAME) or mask(NAME)");
}

void read_raise(const YAML::Node& node, Rule& rule, YamlFaults& faults) {
    YamlMap map(node, "raise", faults);
    rule.raise_to = map.word("to", severity_from, severity_words);
    if (!map.has("to")) map.fault(line_of(node), "raise: 'to' is missing");
    if (rule.raise_to && *rule.raise_to <= rule.severity)
        map.fault(map.line("to"), "raise: 'to' must be above the rule's severity");
    if (map.required_text("when") != "all_members" && map.has("when"))
        map.fault(map.line("when"), "raise: 'when' can only be 'all_members'");
    map.finish();
}

// What rules and notices alike say.
void read_head(YamlMap& map, Rule& rule, YamlFaults& faults) {
    rule.id = read_id(map);
    rule.catalog = map.text("catalog");
    rule.title = map.required_text("title");
    rule.status = map.word("status", status_from, status_words).value_or(RuleStatus::stable);
    rule.runner_versions = read_versions(map, "runner_versions");
    rule.precedence = map.signed_number("precedence", 0);
    rule.docs = map.texts("docs");
    map.each("detect", [&](const YAML::Node& item, const std::string& place) {
        rule.detect.push_back(read_detect(item, place, faults));
    });
    if (rule.detect.empty()) map.fault(map.line("detect"), "the rule: 'detect' is missing");
}

// How incidents of the rule live.
void read_life(YamlMap& map, Rule& rule, YamlFaults& faults) {
    rule.impact = map.required_text("impact");
    if (const auto fact = map.child("fact")) {
        YamlMap fields(*fact, "fact", faults);
        rule.fact_label = fields.required_text("label");
        rule.fact_value = fields.required_text("value");
        fields.finish();
    }
    for (const char* key : {"severity", "response"})
        if (!map.has(key))
            map.fault(map.line(key), std::string("the rule: '") + key + "' is missing");
    rule.severity = map.word("severity", severity_from, severity_words).value_or(Severity::warning);
    if (const auto raise = map.child("raise")) read_raise(*raise, rule, faults);
    rule.response = map.word("response", response_from, response_words).value_or(Response::ticket);
    rule.scope = map.word("scope", scope_from, scope_words).value_or(Scope::workload);
    read_identity(map, rule);
    if (const auto open = map.child("open")) rule.open = read_opening(*open, faults);
    if (map.text("silence") != "never") rule.silence = map.duration("silence");
    rule.symptoms = map.texts("symptoms");
    if (const auto runbook = map.child("runbook")) rule.runbook = read_runbook(*runbook, faults);
    map.each("recover", [&](const YAML::Node& item, const std::string& place) {
        rule.recover.push_back(read_recovery(item, place, faults));
    });
    map.each("wordings", [&](const YAML::Node& item, const std::string& place) {
        rule.wordings.push_back(read_wording(item, place, faults));
    });
}

void read_causes_and_fixes(YamlMap& map, Rule& rule, YamlFaults& faults) {
    std::vector<int> lines;
    map.each("causes", [&](const YAML::Node& item, const std::string& place) {
        rule.causes.push_back(read_cause(item, place, faults));
        lines.push_back(line_of(item));
    });
    std::vector<std::string> fixes;
    map.each("fixes", [&](const YAML::Node& item, const std::string& place) {
        rule.fixes.push_back(read_fix(item, place, faults));
        fixes.push_back(rule.fixes.back().id);
    });
    for (std::size_t i = 0; i < rule.causes.size(); ++i) {
        const std::string& fix = rule.causes[i].fix;
        if (!fix.empty() && rule.fix(fix) == nullptr)
            map.fault(lines[i], "causes[" + std::to_string(i) + "]: there is no fix '" + fix + "'" +
                                    suggestion(fix, fixes));
    }
}

// The rule, or what is wrong with its file in the file's order.
Result<Rule, std::vector<RuleError>> loaded(const RuleFile& file, Rule rule, YamlFaults& faults) {
    if (faults.empty()) return rule;
    std::stable_sort(faults.begin(), faults.end(),
                     [](const YamlFault& a, const YamlFault& b) { return a.line < b.line; });
    std::vector<RuleError> errors;
    for (YamlFault& fault : faults)
        errors.push_back({file.name, fault.line, std::move(fault.what)});
    return failure(std::move(errors));
}

}  // namespace

std::string RuleError::to_string() const {
    return file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what;
}

Result<Rule, std::vector<RuleError>> load_rule(const RuleFile& file) {
    YamlFaults faults;
    Rule rule;
    rule.file = file.name;
    rule.layer = file.layer;
    if (const auto node = parse_yaml(file.text, faults)) {
        const bool notice = node->IsMap() && (*node)["notice"];
        YamlMap map(*node, notice ? "the notice" : "the rule", faults);
        if (map.flag("disabled")) {
            rule.disabled = true;
            rule.id = read_id(map);
            map.text("reason");
            map.finish();
            return loaded(file, std::move(rule), faults);
        }
        rule.notice = map.flag("notice");
        read_head(map, rule, faults);
        if (rule.notice) {
            rule.severity = Severity::info;
            rule.response = Response::advice;
            rule.runbook.meaning = map.text("meaning");
        } else {
            read_life(map, rule, faults);
            read_causes_and_fixes(map, rule, faults);
        }
        if (const auto samples = map.child("samples")) {
            read_samples(*samples, rule, faults);
        } else {
            map.fault(map.line("samples"),
                      "the rule: 'samples' is missing: a rule without proof is not taken");
        }
        map.finish();
    }
    return loaded(file, std::move(rule), faults);
}

}  // namespace runnerwatch
