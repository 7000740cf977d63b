#include "parsers/rule_reader.h"

#include "parsers/version_range.h"

#include <re2/re2.h>

#include <algorithm>

namespace runnerwatch {
namespace {

const std::vector<std::string> confidence_words{"possible", "likely", "certain"};
const std::vector<std::string> level_words{"debug", "info", "warning", "error", "fatal", "panic"};

// What is wrong with a regular expression; empty when RE2 takes it.
std::string fault_of(const std::string& pattern) {
    const RE2 regex(pattern, RE2::Quiet);
    return regex.ok() ? "" : "no regular expression (RE2): " + regex.error();
}

std::vector<FieldPattern> field_patterns(YamlMap& from, const std::string& key) {
    std::vector<FieldPattern> patterns;
    from.each_text(key, [&](const std::string& field, const std::string& text, int line) {
        if (const std::string wrong = fault_of(text); !wrong.empty())
            from.fault(line,
                       from.place() + "." + key + ": the pattern of '" + field + "' is " + wrong);
        patterns.push_back({field, text});
    });
    return patterns;
}

Condition read_condition(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Condition condition;
    condition.field = map.required_text("field");
    condition.negated = map.has("not_matches");
    if (condition.negated && map.has("matches"))
        map.fault(map.line("not_matches"),
                  place + ": give either 'matches' or 'not_matches'; for both write a list");
    condition.pattern = read_pattern(map, condition.negated ? "not_matches" : "matches");
    map.child(condition.negated ? "matches" : "not_matches");  // known, though not taken
    map.finish();
    return condition;
}

std::vector<Level> read_levels(YamlMap& map) {
    std::vector<Level> levels;
    for (const std::string& word : map.texts("levels")) {
        const auto known = std::find(level_words.begin(), level_words.end(), word);
        if (known == level_words.end()) {
            map.fault(map.line("levels"),
                      map.place() + ": '" + word + "' is no level" + suggestion(word, level_words));
        } else {
            // The words stand in the order of the values, which begin with `none`.
            levels.push_back(static_cast<Level>(known - level_words.begin() + 1));
        }
    }
    if (map.has("levels") && levels.empty())
        map.fault(map.line("levels"), map.place() +
                                          ": 'levels' names no level, so nothing would "
                                          "match; leave it out for all levels");
    return levels;
}

Absence read_absence(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Absence absence;
    absence.message = read_pattern(map, "message");
    absence.within = map.duration("within").value_or(Duration::zero());
    if (absence.within == Duration::zero())
        map.fault(map.line("within"), place +
                                          ": 'within' is missing: say how long the line may "
                                          "take, like 60s");
    absence.or_end = map.flag("or_end");
    map.finish();
    return absence;
}

}  // namespace

std::string read_pattern(YamlMap& from, const std::string& key) {
    std::string found = from.required_text(key);
    if (const std::string wrong = fault_of(found); !wrong.empty())
        from.fault(from.line(key), from.place() + ": '" + key + "' is " + wrong);
    return found;
}

std::string read_id(YamlMap& from) {
    static const RE2 words("[a-z][a-z0-9]*(-[a-z0-9]+)*");
    std::string id = from.required_text("id");
    if (!id.empty() && !RE2::FullMatch(id, words))
        from.fault(from.line("id"), from.place() + ": id '" + id +
                                        "' must be lower-case words joined by '-', like " +
                                        "job-request-forbidden");
    return id;
}

std::string read_versions(YamlMap& from, const std::string& key) {
    std::string range = from.text(key);
    if (!VersionRange::parse(range))
        from.fault(from.line(key), from.place() + ": '" + key +
                                       "' must be a range of runner versions like \">=18.3\" or "
                                       "\">=16.5 <18.4\", but is '" +
                                       range + "'");
    return range;
}

std::vector<Condition> read_conditions(const YAML::Node& node, const std::string& place,
                                       YamlFaults& faults) {
    std::vector<Condition> conditions;
    if (!node.IsSequence()) {
        conditions.push_back(read_condition(node, place, faults));
        return conditions;
    }
    for (const YAML::Node& item : node)
        conditions.push_back(
            read_condition(item, place + "[" + std::to_string(conditions.size()) + "]", faults));
    if (conditions.empty())
        faults.push_back({line_of(node), place + ": the list is empty; leave 'when' out instead"});
    return conditions;
}

Detect read_detect(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Detect detect;
    detect.message = read_pattern(map, "message");
    detect.anywhere = map.flag("anywhere");
    detect.levels = read_levels(map);
    detect.versions = read_versions(map, "versions");
    detect.capture = field_patterns(map, "capture");
    detect.require = field_patterns(map, "require");
    detect.without = field_patterns(map, "without");
    if (const auto absent = map.child("absent"))
        detect.absent = read_absence(*absent, place + ".absent", faults);
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
    recovery.message = read_pattern(line, "message");
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
    if (open.count > Opening::count_max)
        map.fault(map.line("count"),
                  "open: 'count' can be at most " + std::to_string(Opening::count_max));
    if (open.count > 1 && !map.has("within"))
        map.fault(map.line("count"), "open: a 'count' of more than 1 needs 'within', like 5m");
    open.distinct = map.text("distinct");
    if (!open.distinct.empty() && open.count < 2)
        map.fault(map.line("distinct"), "open: 'distinct' needs a 'count' of more than 1");
    map.each("sequence", [&](const YAML::Node& item, const std::string& place) {
        YamlMap step(item, "open." + place, faults);
        open.sequence.push_back(read_pattern(step, "message"));
        step.finish();
    });
    if (!open.sequence.empty() && (open.count > 1 || open.across_members))
        map.fault(map.line("sequence"),
                  "open: 'sequence' is counted once and within one member; "
                  "leave 'count' and 'across' out");
    if (!open.sequence.empty() && !map.has("within"))
        map.fault(map.line("sequence"), "open: a 'sequence' needs 'within', like 5m");
    open.probe = map.text("with_probe");
    map.finish();
    return open;
}

Wording read_wording(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Wording wording{map.required_text("name"), {}, map.required_text("says")};
    if (const auto when = map.child("when")) {
        wording.when = read_condition(*when, place + ".when", faults);
    } else {
        map.fault(line_of(node), place + ": 'when' is missing");
    }
    map.finish();
    return wording;
}

Cause read_cause(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Cause cause;
    cause.id = read_id(map);
    cause.catalog = map.text("catalog");
    cause.confidence =
        map.word("confidence", confidence_from, confidence_words).value_or(Confidence::possible);
    if (const auto when = map.child("when"))
        cause.when = read_conditions(*when, place + ".when", faults);
    cause.versions = read_versions(map, "versions");
    cause.says = map.required_text("says");
    cause.disproved_by = map.text("disproved_by");
    cause.fix = map.text("fix");
    map.finish();
    return cause;
}

Fix read_fix(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Fix fix;
    fix.id = read_id(map);
    fix.title = map.required_text("title");
    map.each("steps", [&](const YAML::Node& item, const std::string& step_place) {
        YamlMap step(item, place + "." + step_place, faults);
        fix.steps.push_back({step.required_text("says"), step.text("command"),
                             read_versions(step, "versions"), step.text("source")});
        step.finish();
    });
    fix.not_a_fix = map.texts("not_a_fix");
    fix.verify = map.text("verify");
    map.finish();
    return fix;
}

Runbook read_runbook(const YAML::Node& node, YamlFaults& faults) {
    YamlMap map(node, "runbook", faults);
    Runbook runbook{map.text("meaning"), map.text("diagnosis"), map.text("mitigation")};
    map.finish();
    return runbook;
}

}  // namespace runnerwatch
