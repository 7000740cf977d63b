#include "parsers/rule_loader.h"

#include "parsers/strict_yaml.h"

#include <re2/re2.h>

#include <algorithm>

namespace runnerwatch {
namespace {

const std::vector<std::string> severity_words{"info", "warning", "error", "critical"};
const std::vector<std::string> response_words{"advice", "ticket", "page"};
const std::vector<std::string> scope_words{"workload", "host", "cluster"};
const std::vector<std::string> status_words{"experimental", "test", "stable", "deprecated"};
const std::vector<std::string> confidence_words{"possible", "likely", "certain"};
const std::vector<std::string> format_words{"runner", "text", "json"};

std::optional<std::string> format_from(std::string_view word) {
    const auto found = std::find(format_words.begin(), format_words.end(), word);
    if (found == format_words.end()) return std::nullopt;
    return *found;
}

bool is_id(const std::string& text) {
    static const RE2 id("[a-z][a-z0-9]*(-[a-z0-9]+)*");
    return RE2::FullMatch(text, id);
}

// A pattern that RE2 takes. `from` is the map whose key holds it.
std::string pattern(YamlMap& from, const std::string& key) {
    std::string found = from.required_text(key);
    if (const RE2 regex(found, RE2::Quiet); !regex.ok())
        from.fault(from.line(key), from.place() + ": '" + key +
                                       "' is no regular expression (RE2): " + regex.error());
    return found;
}

std::string id_of(YamlMap& map) {
    std::string id = map.required_text("id");
    if (!id.empty() && !is_id(id))
        map.fault(map.line("id"), map.place() + ": id '" + id +
                                      "' must be lower-case words joined by '-', like " +
                                      "job-request-forbidden");
    return id;
}

std::vector<FieldPattern> field_patterns(YamlMap& from, const std::string& key) {
    std::vector<FieldPattern> patterns;
    from.each_text(key, [&](const std::string& field, const std::string& text, int line) {
        if (const RE2 regex(text, RE2::Quiet); !regex.ok())
            from.fault(line, from.place() + "." + key + ": the pattern of '" + field +
                                 "' is no regular expression (RE2): " + regex.error());
        patterns.push_back({field, text});
    });
    return patterns;
}

FieldPattern condition(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    FieldPattern when{map.required_text("field"), pattern(map, "matches")};
    map.finish();
    return when;
}

Detect read_detect(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Detect detect;
    detect.message = pattern(map, "message");
    detect.anywhere = map.flag("anywhere");
    detect.capture = field_patterns(map, "capture");
    detect.require = field_patterns(map, "require");
    if (map.text("reason").empty() && detect.anywhere)
        map.fault(map.line("anywhere"),
                  place + ": 'anywhere: true' needs a 'reason': job authors can write such a text");
    map.finish();
    return detect;
}

Recovery read_recovery(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Recovery recovery;
    const bool after = map.has("after");
    recovery.kind = after ? Recovery::Kind::after : Recovery::Kind::evidence;
    const auto evidence_line = map.child("evidence");
    const auto after_line = map.child("after");
    if (evidence_line.has_value() == after_line.has_value()) {
        map.fault(map.line("after"),
                  place + ": give either 'evidence' (the line proves recovery) " +
                      "or 'after' (if the rule is not met for a while behind it)");
        return recovery;
    }
    YamlMap line(after ? *after_line : *evidence_line, place, faults);
    recovery.message = pattern(line, "message");
    recovery.same = line.texts("same");
    line.finish();
    if (after) {
        if (map.required_text("without") != "self" && map.has("without"))
            map.fault(map.line("without"), place + ": 'without' can only be 'self'");
        if (!map.has("for")) map.fault(map.line("after"), place + ": 'for' is missing");
        recovery.hold = map.duration("for").value_or(Duration::zero());
    }
    map.finish();
    return recovery;
}

Opening read_opening(const YAML::Node& node, YamlFaults& faults) {
    YamlMap map(node, "open", faults);
    Opening open;
    open.count = map.number("count", 1);
    open.within = map.duration("within").value_or(Duration::zero());
    const std::string across = map.text("across");
    open.across_members = across == "members";
    if (!across.empty() && !open.across_members)
        map.fault(map.line("across"), "open: 'across' can only be 'members'");
    if (open.count < 1) map.fault(map.line("count"), "open: 'count' must be at least 1");
    if (open.count > 1 && !map.has("within"))
        map.fault(map.line("count"), "open: a 'count' of more than 1 needs 'within', like 5m");
    map.finish();
    return open;
}

Wording read_wording(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Wording wording{map.required_text("name"), {}, map.required_text("says")};
    if (const auto when = map.child("when")) {
        wording.when = condition(*when, place + ".when", faults);
    } else {
        map.fault(line_of(node), place + ": 'when' is missing");
    }
    map.finish();
    return wording;
}

Cause read_cause(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Cause cause;
    cause.id = id_of(map);
    cause.catalog = map.text("catalog");
    cause.confidence =
        map.word("confidence", confidence_from, confidence_words).value_or(Confidence::possible);
    if (const auto when = map.child("when")) cause.when = condition(*when, place + ".when", faults);
    cause.says = map.required_text("says");
    cause.disproved_by = map.text("disproved_by");
    cause.fix = map.text("fix");
    map.finish();
    return cause;
}

Fix read_fix(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Fix fix;
    fix.id = id_of(map);
    fix.title = map.required_text("title");
    map.each("steps", [&](const YAML::Node& item, const std::string& step_place) {
        YamlMap step(item, place + "." + step_place, faults);
        fix.steps.push_back({step.required_text("says"), step.text("command"),
                             step.text("versions"), step.text("source")});
        step.finish();
    });
    fix.not_a_fix = map.texts("not_a_fix");
    fix.verify = map.text("verify");
    map.finish();
    return fix;
}

// Escapes are kept readable in rule files as U+241B; YAML's own "\e" gives the byte itself.
std::string with_escapes(std::string text) {
    const std::string_view picture = "\u241b";
    for (std::size_t at = text.find(picture); at != text.npos; at = text.find(picture, at))
        text.replace(at, picture.size(), "\x1b");
    return text;
}

Sample read_sample(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    Sample sample;
    sample.line = line_of(node);
    if (node.IsScalar()) {
        sample.text = with_escapes(node.Scalar());
    } else {
        YamlMap map(node, place, faults);
        sample.text = with_escapes(map.required_text("text"));
        sample.format = map.word("format", format_from, format_words).value_or("");
        map.each_text("captures", [&](const std::string& name, const std::string& value, int) {
            sample.captures[name] = value;
        });
        sample.cause = map.text("cause");
        map.finish();
    }
    return sample;
}

void read_samples(const YAML::Node& node, Rule& rule, YamlFaults& faults) {
    YamlMap map(node, "samples", faults);
    const auto into = [&](std::vector<Sample>& samples) {
        return [&](const YAML::Node& item, const std::string& place) {
            samples.push_back(read_sample(item, "samples." + place, faults));
        };
    };
    map.each("detect", into(rule.sample_detect));
    map.each("ignore", into(rule.sample_ignore));
    map.each("recover", into(rule.sample_recover));
    if (rule.sample_detect.empty())
        map.fault(line_of(node), "samples: 'detect' is missing: a rule shows what it recognises");
    if (!rule.recover.empty() && rule.sample_recover.empty())
        map.fault(line_of(node), "samples: 'recover' is missing, but the rule has recovery lines");
    map.finish();
}

void read_identity(YamlMap& map, Rule& rule) {
    static const RE2 part(R"([A-Za-z_][A-Za-z0-9_.-]*|host\([A-Za-z_][A-Za-z0-9_.-]*\))");
    rule.identity = map.texts("identity");
    for (const std::string& name : rule.identity)
        if (!RE2::FullMatch(name, part))
            map.fault(map.line("identity"), "identity: '" + name + "' must be the name of a " +
                                                "capture or field, or host(NAME)");
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

// What the rule says about itself and about how incidents of it live.
void read_head(YamlMap& map, Rule& rule, YamlFaults& faults) {
    rule.id = id_of(map);
    rule.catalog = map.text("catalog");
    rule.title = map.required_text("title");
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
    rule.status = map.word("status", status_from, status_words).value_or(RuleStatus::stable);
    rule.runner_versions = map.text("runner_versions");
    rule.precedence = map.signed_number("precedence", 0);
    read_identity(map, rule);
    if (const auto open = map.child("open")) rule.open = read_opening(*open, faults);
    if (map.text("silence") != "never") rule.silence = map.duration("silence");
    rule.symptoms = map.texts("symptoms");
    rule.docs = map.texts("docs");
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
        YamlMap map(*node, "the rule", faults);
        if (map.flag("disabled")) {
            rule.disabled = true;
            rule.id = id_of(map);
            map.text("reason");
            map.finish();
            return loaded(file, std::move(rule), faults);
        }
        read_head(map, rule, faults);
        map.each("detect", [&](const YAML::Node& item, const std::string& place) {
            rule.detect.push_back(read_detect(item, place, faults));
        });
        if (rule.detect.empty()) map.fault(map.line("detect"), "the rule: 'detect' is missing");
        map.each("recover", [&](const YAML::Node& item, const std::string& place) {
            rule.recover.push_back(read_recovery(item, place, faults));
        });
        map.each("wordings", [&](const YAML::Node& item, const std::string& place) {
            rule.wordings.push_back(read_wording(item, place, faults));
        });
        read_causes_and_fixes(map, rule, faults);
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
