#include "daemon/commands/rules.h"

#include "alerts/story_check.h"
#include "daemon/commands/rule_json.h"
#include "daemon/commands/rule_page.h"
#include "daemon/exception_book.h"
#include "daemon/rule_files.h"
#include "daemon/runtime/clock.h"
#include "parsers/fill_fix.h"
#include "parsers/packed_rules.h"
#include "parsers/strict_yaml.h"
#include "parsers/visible_text.h"
#include "storage/store.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

constexpr int in_order = 0, found_some = 1, unusable = 2;

std::size_t samples_of(const Rule& rule) {
    return rule.sample_detect.size() + rule.sample_ignore.size() + rule.sample_recover.size() +
           rule.stories.size();
}

std::string override_words(const RulePack& pack, const Rule& rule) {
    for (auto one = pack.overrides.rbegin(); one != pack.overrides.rend(); ++one)
        if (one->earlier.id == rule.id && one->file == rule.file)
            return "replaces " + origin_of(one->earlier);
    return {};
}

// The exceptions as rows; with a database, how often each was met.
Result<std::vector<json>, std::string> exception_rows(const RulesOptions& options,
                                                      const Exceptions& exceptions) {
    std::map<std::string, ExceptionHits> hits;
    if (!options.database.empty()) {
        auto reader = Reader::open(options.database);
        if (!reader) return failure(reader.error().what);
        const auto stored = (*reader)->meta(exception_hits_name);
        if (!stored) return failure(stored.error().what);
        hits = exception_hits_from(stored->value_or(""));
    }
    const Timestamp now = Clock().now();
    std::vector<json> rows;
    for (const Exception& one : exceptions.all()) {
        json match = json::object();
        for (const FieldPattern& part : one.match) match[part.field] = part.pattern;
        std::string expires = "never";
        if (one.expires) expires = format_time_for_people(*one.expires);
        if (expired(one, now)) expires += " (expired: it no longer holds)";
        rows.push_back({{"what", one.rule.empty() ? one.template_id : one.rule},
                        {"rule", one.rule},
                        {"match", std::move(match)},
                        {"owner", one.owner},
                        {"expires", std::move(expires)},
                        {"hits", options.database.empty() ? json() : json(hits[one.id].count)},
                        {"reason", one.reason},
                        {"file", one.file}});
    }
    return rows;
}

// Everything about a rule in labelled rows.
std::string rule_text(const RulePack& pack, const Rule& rule, const TextStyle& style) {
    std::string text =
        badge(rule.severity, style) + "  " + painted(unfilled_words(rule.title), "1", style) + "\n";
    const auto add = [&](std::string_view label, const std::string& words) {
        if (!words.empty()) text += row(label, visible_text(words, Newlines::keep), style);
    };
    add("id", rule.id);
    add("catalogue", rule.catalog);
    add("impact", rule.impact);
    add("meaning", rule.runbook.meaning);
    add("diagnosis", rule.runbook.diagnosis);
    add("mitigation", rule.runbook.mitigation);
    add("response", rule.notice
                        ? "none: a known line that is no failure"
                        : to_string(rule.response) + std::string(", ") + to_string(rule.status));
    if (rule.raise_to)
        add("raised", std::string("to ") + to_string(*rule.raise_to) + " when all members show it");
    add("versions", rule.runner_versions);
    add("from", rule.file);
    add("override", override_words(pack, rule));
    for (const Detect& detect : rule.detect) {
        add(detect.anywhere ? "anywhere" : "message", detect.message);
        for (const FieldPattern& one : detect.capture)
            add("  capture", one.field + " ~ " + one.pattern);
        for (const FieldPattern& one : detect.require)
            add("  require", one.field + " ~ " + one.pattern);
        for (const FieldPattern& one : detect.without)
            add("  without", one.field + " ~ " + one.pattern);
        add("  level", level_words(detect));
        if (detect.absent) add("  and", absence_words(*detect.absent));
        add("  versions", detect.versions);
    }
    if (!rule.notice) {
        add("incident", "one for each " + identity_words(rule));
        add("opens", opening_words(rule));
    }
    for (const Recovery& recovery : rule.recover) add("over", recovery_words(recovery));
    if (rule.silence) add("over", "after " + format_duration(*rule.silence) + " without it");
    for (const std::string& id : rule.symptoms) add("symptom", id);
    for (const Cause& cause : rule.causes) {
        std::string words = std::string(to_string(cause.confidence)) + ": " + cause.says;
        if (const std::string when = condition_words(cause); !when.empty())
            words += " (when " + when + ")";
        if (!cause.versions.empty()) words += " (runner " + cause.versions + ")";
        add("cause", words);
        if (!cause.disproved_by.empty()) add("", "disproved by " + cause.disproved_by);
    }
    for (const Fix& written : rule.fixes) {
        const Fix fix = fill_fix(written, {});
        add("fix", fix.title);
        for (const FixStep& step : fix.steps) {
            add("", "- " + step_words(step.says, step.versions));
            text += command_lines(step.command, style);
        }
        for (const std::string& folklore : fix.not_a_fix) add("not a fix", folklore);
        add("verify", fix.verify);
    }
    for (const std::string& doc : rule.docs) add("read", doc);
    add("samples", counted(rule.sample_detect.size(), "line") + " to detect, " +
                       std::to_string(rule.sample_ignore.size()) + " to ignore, " +
                       std::to_string(rule.sample_recover.size()) + " of recovery");
    return text;
}

std::string nearest_words(const RulePack& pack, const std::string& id) {
    std::vector<std::string> ids;
    for (const Rule& rule : pack.rules) ids.push_back(rule.id);
    return suggestion(id, ids);
}

}  // namespace

int list_rules(const RulesOptions& options, std::ostream& out, std::ostream& err) {
    const auto set = load_rule_set(options.folders);
    if (!set) {
        for (const auto& error : set.error()) err << "runnerwatch: " << error << "\n";
        return unusable;
    }
    const auto exceptions = exception_rows(options, set->exceptions);
    if (!exceptions) {
        err << "runnerwatch: " << exceptions.error() << "\n";
        return unusable;
    }
    const RulePack& pack = set->matcher->pack();
    Listing listing{{{"id", "RULE"},
                     {"catalog", "CATALOGUE"},
                     {"severity", "SEVERITY"},
                     {"response", "RESPONSE"},
                     {"status", "STATUS"},
                     {"note", "NOTE"},
                     {"title", "TITLE"}},
                    {}};
    for (const Rule& rule : pack.rules) {
        json row = rule_summary(rule);
        std::string note = override_words(pack, rule);
        if (note.empty() && rule.layer > 0) note = "from " + rule.file;
        row["note"] = note;
        json excepted = json::array();
        for (const json& one : *exceptions)
            if (one["rule"] == rule.id) excepted.push_back(one);
        if (!excepted.empty()) row["exceptions"] = std::move(excepted);
        listing.rows.push_back(std::move(row));
    }
    for (const RuleOverride& one : pack.overrides) {
        if (!one.disabled || pack.find(one.earlier.id) != nullptr) continue;
        json row = rule_summary(one.earlier);
        row["note"] = "disabled by " + one.file;
        listing.rows.push_back(std::move(row));
    }
    std::stable_sort(listing.rows.begin(), listing.rows.end(),
                     [](const json& a, const json& b) { return a["id"] < b["id"]; });
    out << rendered(listing, options.format);
    if (exceptions->empty() ||
        (options.format != ListFormat::table && options.format != ListFormat::markdown))
        return in_order;
    out << "\n"
        << rendered({{{"what", "EXCEPTION"},
                      {"match", "MATCH"},
                      {"owner", "OWNER"},
                      {"expires", "EXPIRES"},
                      {"hits", "HITS"},
                      {"reason", "REASON"}},
                     *exceptions},
                    options.format);
    return in_order;
}

int show_rule(const RulesOptions& options, const std::string& id, std::ostream& out,
              std::ostream& err) {
    const auto matcher = rules_or_errors(options.folders, err);
    if (!matcher) return unusable;
    const RulePack& pack = matcher->pack();
    const Rule* rule = pack.find(id);
    if (rule == nullptr)
        for (const Rule& one : pack.rules)
            if (one.catalog == id) rule = &one;
    if (rule == nullptr) {
        err << "runnerwatch: there is no rule '" << visible_text(id) << "'"
            << nearest_words(pack, id) << ". `runnerwatch rules list` names all.\n";
        return unusable;
    }
    switch (options.format) {
        case ListFormat::table:
            out << rule_text(pack, *rule, options.style);
            break;
        case ListFormat::markdown:
            out << rule_page(pack, *rule);
            break;
        case ListFormat::json:
            out << json_text(rule_document(*rule));
            break;
        case ListFormat::yaml:
            out << yaml_text(rule_document(*rule));
            break;
    }
    return in_order;
}

int test_rules(const RulesOptions& options, const std::vector<std::string>& tested,
               std::ostream& out, std::ostream& err) {
    std::vector<std::string> folders = options.folders;
    folders.insert(folders.end(), tested.begin(), tested.end());
    const auto files = read_rule_files(folders);
    if (!files) {
        for (const auto& error : files.error()) err << "runnerwatch: " << error << "\n";
        return unusable;
    }
    std::map<std::string, std::vector<std::string>> errors;
    const RulePack built_in = built_in_pack();
    const auto pack = load_pack(built_in, *files);
    for (const RuleError& error : pack ? verify_stories(Matcher(*pack)) : pack.error())
        errors[error.file].push_back(visible_text(error.to_string(), Newlines::keep));
    const int first_layer = tested.empty() ? 0 : static_cast<int>(options.folders.size()) + 1;
    Listing listing{
        {{"result", "RESULT"}, {"id", "RULE"}, {"samples", "SAMPLES"}, {"file", "FILE"}}, {}};
    std::size_t failed = 0;
    const auto add = [&](const std::string& file, int layer, const Rule* rule) {
        const auto wrong = errors.find(file);
        if (layer < first_layer && wrong == errors.end()) return;
        json row = {{"result", wrong == errors.end() ? "ok" : "FAILED"},
                    {"id", rule != nullptr ? rule->id : ""},
                    {"samples", rule != nullptr ? samples_of(*rule) : 0},
                    {"file", file},
                    {"errors", json::array()}};
        if (wrong != errors.end()) {
            row["errors"] = wrong->second;
            ++failed;
            errors.erase(wrong);
        }
        listing.rows.push_back(std::move(row));
    };
    for (const Rule& rule : built_in.rules) add(rule.file, rule.layer, &rule);
    for (const RuleFile& file : *files) {
        const auto rule = load_rule(file);
        add(file.name, file.layer, rule ? &*rule : nullptr);
    }
    for (const auto& [file, lines] : errors) {  // of the pack as a whole
        listing.rows.push_back(
            {{"result", "FAILED"}, {"id", ""}, {"samples", 0}, {"file", file}, {"errors", lines}});
        ++failed;
    }
    out << rendered(listing, options.format);
    if (options.format == ListFormat::table) {
        for (const json& row : listing.rows)
            for (const json& error : row["errors"]) out << error.get<std::string>() << "\n";
        out << counted(listing.rows.size(), "rule") << " tested, " << failed << " failed\n";
    }
    return failed == 0 ? in_order : found_some;
}

int write_rule_pages(const RulesOptions& options, const std::string& folder, std::ostream& out,
                     std::ostream& err) {
    const auto matcher = rules_or_errors(options.folders, err);
    if (!matcher) return unusable;
    const auto pages = rule_pages(matcher->pack());
    const auto written = write_pages(folder, pages);
    if (!written) {
        err << "runnerwatch: " << written.error() << "\n";
        return unusable;
    }
    out << counted(pages.size(), "page") << " in " << folder << ", " << *written << " changed\n";
    return in_order;
}

}  // namespace runnerwatch
