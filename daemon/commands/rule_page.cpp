#include "daemon/commands/rule_page.h"

#include "daemon/commands/rule_json.h"
#include "daemon/rule_files.h"
#include "parsers/fill_fix.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {
namespace {

constexpr const char* generated =
    "<!-- Generated from the rule by `./dev docs`; changes belong into the rule. -->\n";
constexpr std::size_t sample_bytes_max = 1'200;

// Sections of the catalogue, by the second part of its ids, in the order of the index.
struct Section {
    const char* title;
    std::vector<std::string_view> codes;
};

const std::vector<Section>& sections() {
    static const std::vector<Section> all{
        {"GitLab API: tokens and answers",
         {"API", "TOKEN", "VERIFY", "REGISTER", "RUNNER", "SYSID"}},
        {"Network, TLS, proxies", {"NET", "TLS", "PROXY", "URL"}},
        {"Job state, trace and artifacts", {"TRACE", "JOB", "ARTIFACT", "PAUSE", "SESSION"}},
        {"Configuration and start",
         {"CFG", "START", "METRICS", "SENTRY", "USAGE", "SERVICE", "WORKDIR", "NO", "TEXT"}},
        {"Kubernetes executor", {"K8S", "PREP", "PREPARE"}},
        {"The runner's process", {"PANIC", "PROC", "STOP", "RESTART"}},
        {"Cache, secrets, autoscaling", {"CACHE", "SECRETS", "FLEETING", "ROUTER", "REFEREE"}},
        {"Docker executor", {"DOCKER", "MACHINE"}},
        {"Other executors", {"SHELL", "CUSTOM", "SSH", "VIRTUALBOX", "PARALLELS", "INSTANCE"}},
        {"runnerwatch itself", {"SELF"}}};
    return all;
}

std::string section_of(const std::string& catalog) {
    const std::size_t begin = catalog.find('-') + 1;
    const std::string code = catalog.substr(begin, catalog.find('-', begin) - begin);
    for (const Section& section : sections())
        if (std::find(section.codes.begin(), section.codes.end(), code) != section.codes.end())
            return section.title;
    return "Everything else";
}

std::string code(const std::string& text) {
    return text.find('`') == std::string::npos ? "`" + text + "`" : "`` " + text + " ``";
}

std::string fenced(const std::string& text, const char* language) {
    std::string body = text;
    while (body.ends_with('\n')) body.pop_back();
    std::string fence = "```";
    while (body.find(fence) != std::string::npos) fence += '`';
    return fence + language + "\n" + body + "\n" + fence + "\n";
}

std::string heading(const char* title) { return std::string("\n## ") + title + "\n\n"; }

std::string causes(const Rule& rule) {
    std::string text;
    for (const Cause& cause : rule.causes) {
        text += "- **" + std::string(to_string(cause.confidence)) + "**: " + cause.says;
        if (!cause.catalog.empty()) text += " (" + cause.catalog + ")";
        text += "\n";
        if (const std::string when = condition_words(cause); !when.empty())
            text += "  - holds when " + code(when) + "\n";
        if (!cause.versions.empty()) text += "  - runner " + code(cause.versions) + "\n";
        if (!cause.disproved_by.empty()) text += "  - disproved by " + cause.disproved_by + "\n";
        if (const Fix* fix = rule.fix(cause.fix)) text += "  - fix: " + fix->title + "\n";
    }
    return text;
}

std::string fixes(const Rule& rule) {
    std::string text;
    for (const Fix& written : rule.fixes) {
        const Fix fix = fill_fix(written, {});
        text += "\n### " + fix.title + "\n\n";
        int number = 0;
        for (const FixStep& step : fix.steps) {
            text += std::to_string(++number) + ". " + step_words(step.says, step.versions);
            text += "\n";
            if (!step.command.empty()) {
                text += "\n";
                const std::string block = fenced(step.command, "sh");
                for (std::size_t at = 0; at < block.size();) {
                    const std::size_t end = block.find('\n', at) + 1;
                    text += "   " + block.substr(at, end - at);
                    at = end;
                }
                text += "\n";
            }
        }
        if (text.ends_with("\n\n")) text.pop_back();
        if (!fix.not_a_fix.empty()) text += "\nWhat does not help:\n\n";
        for (const std::string& folklore : fix.not_a_fix) text += "- " + folklore + "\n";
        if (!fix.verify.empty()) text += "\nIt worked when: " + fix.verify + "\n";
    }
    return text;
}

std::string recognised(const Rule& rule) {
    std::string text = "| | |\n|---|---|\n";
    const auto add = [&](const std::string& name, std::string words) {
        for (std::size_t at = 0; (at = words.find('|', at)) != std::string::npos; at += 2)
            words.insert(at, "\\");
        text += "| " + name + " | " + words + " |\n";
    };
    for (const Detect& detect : rule.detect) {
        add(detect.anywhere ? "message holds" : "message begins with", code(detect.message));
        if (!detect.levels.empty()) add("and the level", "is one of " + level_words(detect));
        for (const FieldPattern& one : detect.require)
            add("and " + code(one.field), "matches " + code(one.pattern));
        for (const FieldPattern& one : detect.without)
            add("and " + code(one.field), "does not match " + code(one.pattern));
        if (detect.absent) add("and", absence_words(*detect.absent));
        if (!detect.versions.empty()) add("written by", "runner " + code(detect.versions));
    }
    if (rule.notice) return text;
    add("one incident for each", identity_words(rule));
    add("it opens", opening_words(rule));
    for (const Recovery& recovery : rule.recover) add("it is over after", recovery_words(recovery));
    if (rule.silence) add("it is over after", format_duration(*rule.silence) + " without it");
    if (rule.raise_to)
        add("severity",
            "rises to " + std::string(to_string(*rule.raise_to)) + " when all members show it");
    if (!rule.runner_versions.empty()) add("runner", code(rule.runner_versions));
    return text;
}

std::string samples(const char* title, const std::vector<Sample>& list) {
    if (list.empty()) return {};
    std::string text = std::string("\n") + title + "\n\n", lines;
    for (const Sample& sample : list)
        lines += shortened(visible_text(sample.text, Newlines::keep), sample_bytes_max) + "\n";
    return text + fenced(lines, "text");
}

std::string sources(const Rule& rule) {
    std::set<std::string> named;
    std::string text;
    for (const std::string& doc : rule.docs)
        if (named.insert(doc).second) text += "- <" + doc + ">\n";
    for (const Fix& fix : rule.fixes)
        for (const FixStep& step : fix.steps)
            if (!step.source.empty() && named.insert(step.source).second)
                text += "- " + step.source + "\n";
    return text;
}

std::string links(const RulePack& pack, const std::vector<std::string>& ids) {
    std::string text;
    for (const std::string& id : ids) {
        const Rule* rule = pack.find(id);
        text += "- [" + (rule == nullptr ? id : unfilled_words(rule->title)) + "](" + id + ".md)\n";
    }
    return text;
}

// What comes of a line that the rule takes.
std::string standing(const Rule& rule) {
    if (rule.notice) return "a known line that is no failure: it raises nothing";
    return std::string(to_string(rule.severity)) + " · " + to_string(rule.response) + " · " +
           to_string(rule.status);
}

std::string index(const RulePack& pack) {
    std::map<std::string, std::vector<const Rule*>> by_section;
    for (const Rule& rule : pack.rules) by_section[section_of(rule.catalog)].push_back(&rule);
    std::string text = std::string(generated) + "\n# What runnerwatch recognises\n\n" +
                       std::to_string(pack.rules.size()) +
                       " rules, each with a page. `runnerwatch rules show ID` shows the same on a "
                       "terminal; [write a rule](../write-a-rule.md) of your own in ten minutes.\n";
    std::vector<std::string> titles;
    for (const Section& section : sections()) titles.emplace_back(section.title);
    titles.emplace_back("Everything else");
    for (const std::string& title : titles) {
        auto& rules = by_section[title];
        if (rules.empty()) continue;
        std::sort(rules.begin(), rules.end(),
                  [](const Rule* a, const Rule* b) { return a->id < b->id; });
        text += "\n## " + title +
                "\n\n| rule | catalogue | severity | response | title |\n"
                "|---|---|---|---|---|\n";
        for (const Rule* rule : rules)
            text += "| [" + rule->id + "](" + rule->id + ".md) | " + rule->catalog + " | " +
                    (rule->notice ? "–" : to_string(rule->severity)) + " | " +
                    (rule->notice ? "nothing" : to_string(rule->response)) + " | " +
                    unfilled_words(rule->title) + " |\n";
    }
    return text;
}

}  // namespace

std::string rule_page(const RulePack& pack, const Rule& rule) {
    std::string text = std::string(generated) + "\n# " + unfilled_words(rule.title) + "\n\n";
    text += code(rule.id) + (rule.catalog.empty() ? "" : " · " + rule.catalog) + " · " +
            standing(rule) + "\n";
    const auto part = [&](const char* title, std::string words) {
        while (words.ends_with('\n')) words.pop_back();
        if (!words.empty()) text += heading(title) + unfilled_words(words) + "\n";
    };
    part("Meaning", rule.runbook.meaning);
    part("Impact", rule.impact);
    part("Diagnosis", rule.runbook.diagnosis);
    part("Mitigation", rule.runbook.mitigation);
    if (const std::string list = causes(rule); !list.empty())
        text += heading("Causes") + unfilled_words(list);
    if (!rule.fixes.empty()) {
        std::string list = unfilled_words(fixes(rule));
        list.erase(0, 1);
        text += heading("Fix") + list;
    }
    if (!rule.symptoms.empty())
        text += heading("What follows from it") + "Folded into the same incident:\n\n" +
                links(pack, rule.symptoms);
    text += heading("How it is recognised") + recognised(rule);
    text += std::string("\n## Samples\n");
    text += samples(rule.notice ? "These lines are meant:" : "These lines are this failure:",
                    rule.sample_detect);
    text += samples("These are not:", rule.sample_ignore);
    text += samples("These say that it is over:", rule.sample_recover);
    if (const std::string list = sources(rule); !list.empty()) text += heading("Sources") + list;
    return text;
}

std::map<std::string, std::string> rule_pages(const RulePack& pack) {
    std::map<std::string, std::string> pages{{"README.md", index(pack)}};
    for (const Rule& rule : pack.rules) pages[rule.id + ".md"] = rule_page(pack, rule);
    return pages;
}

Result<std::size_t, std::string> write_pages(const std::string& folder,
                                             const std::map<std::string, std::string>& pages) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    std::size_t changed = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const auto& path = entry.path();
        if (path.extension() != ".md" || pages.contains(path.filename().string())) continue;
        // Only what was generated is ours to remove.
        const auto text = read_file(path.string());
        if (!text || text->rfind(generated, 0) != 0) continue;
        if (std::filesystem::remove(path, error)) ++changed;
    }
    for (const auto& [name, text] : pages) {
        const std::string path = (std::filesystem::path(folder) / name).string();
        if (const auto before = read_file(path); before && *before == text) continue;
        std::ofstream file(path, std::ios::binary | std::ios::trunc);
        file << text << std::flush;
        if (!file)
            return failure(path + " cannot be written: " + std::strerror(errno) +
                           ". Name a folder that you may write to.");
        ++changed;
    }
    return changed;
}

}  // namespace runnerwatch
