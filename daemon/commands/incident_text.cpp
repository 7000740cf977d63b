#include "daemon/commands/incident_text.h"

#include "alerts/incident_timeline.h"
#include "alerts/postmortem.h"
#include "daemon/commands/acts.h"
#include "parsers/ansi.h"
#include "parsers/fill_fix.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

std::string words(const json& value, const char* name) {
    const auto found = value.find(name);
    if (found == value.end() || !found->is_string()) return {};
    return visible_text(found->get_ref<const std::string&>(), Newlines::keep);
}

std::int64_t count(const json& value, const char* name) {
    return value.value(name, std::int64_t{0});
}

std::string heading(const char* name, const TextStyle& style) {
    return "\n" + painted(name, "1", style) + "\n";
}

std::string when(const json& story) {
    std::string text = time_for_people(story.at("first_seen"));
    if (const std::string end = time_for_people(story.at("ended_at")); !end.empty())
        text += " to " + end;
    else
        text += ", last seen " + time_for_people(story.at("last_seen"));
    if (words(story, "clock") == "ours") text += " (our clock: the log has no times)";
    return text;
}

std::string answer(const json& story, const TextStyle& style) {
    std::string text = row("when", when(story), style);
    text += row("where", words(story, "scope"), style);
    text +=
        row("seen", counted(static_cast<std::uint64_t>(count(story, "count")), "record"), style);
    if (!words(story, "impact").empty()) text += row("impact", words(story, "impact"), style);
    text += row("line", words(story, "line"), style);
    for (const json& cause : story.at("causes"))
        text += row(story.at("causes").front() == cause ? "why" : "or",
                    words(cause, "says") + " (" + words(cause, "confidence") + ")" +
                        (words(cause, "disproved_by").empty()
                             ? ""
                             : " Disproved by " + words(cause, "disproved_by") + "."),
                    style);
    for (const auto& [rule, symptom] : story.at("symptoms").items())
        text += row("with it",
                    words(symptom, "title") + " ×" + std::to_string(count(symptom, "count")) +
                        " (" + visible_text(rule) + ")",
                    style);
    if (!words(story, "proof").empty()) text += row("proof", words(story, "proof"), style);
    if (!words(story, "waiting_for").empty())
        text += row("over when", words(story, "waiting_for"), style);
    if (const std::string people = attribute_words(story); !people.empty())
        text += row("people", people, style);
    for (const json& part : story.at("merged"))
        text += row("with it",
                    "#" + std::to_string(count(part, "number")) + " " + words(part, "title") +
                        ", " + words(part, "state") + ", " +
                        counted(static_cast<std::uint64_t>(count(part, "count")), "record"),
                    style);
    if (const json& whole = story.at("merged_with"); !whole.is_null())
        text +=
            row("merged into",
                "#" + std::to_string(count(whole, "number")) + " " + words(whole, "title"), style);
    if (const json& cause = story.at("cause_incident"); !cause.is_null())
        text +=
            row("part of",
                "#" + std::to_string(count(cause, "number")) + " " + words(cause, "title"), style);
    std::string rule = words(story, "rule") + ", " + words(story, "catalog");
    text += row("rule", rule, style);
    std::string fields;
    for (const auto& [name, value] : story.at("fields").items())
        fields += ", " + visible_text(name) + " " +
                  visible_text(value.is_string() ? value.get<std::string>() : value.dump());
    text += row("one because", "same rule, same place" + fields, style);
    return text;
}

std::string fix(const json& story, const TextStyle& style) {
    const json& fix = story.at("fix");
    if (fix.is_null()) return {};
    std::string text = heading("What to do", style) + row("fix", words(fix, "title"), style);
    int number = 0;
    for (const json& step : fix.at("steps")) {
        text += row(std::to_string(++number) + ".",
                    step_words(words(step, "says"), words(step, "versions")), style);
        if (!words(step, "command").empty()) text += command_lines(words(step, "command"), style);
    }
    for (const json& folklore : fix.at("not_a_fix"))
        text += row("no fix", visible_text(folklore.get<std::string>()), style);
    if (!words(fix, "verify").empty()) text += row("verify", words(fix, "verify"), style);
    return text;
}

std::string members(const json& story, const TextStyle& style) {
    std::string text = heading("Where it shows", style);
    for (const json& member : story.at("members")) {
        text += "  " + words(member, "name") + ": " + words(member, "state") + ", " +
                counted(static_cast<std::uint64_t>(count(member, "count")), "record") + ", last " +
                time_for_people(member.at("last_seen"));
        if (!words(member, "node").empty()) text += ", on node " + words(member, "node");
        if (!words(member, "successor").empty())
            text += ", replaced by " + words(member, "successor");
        text += "\n";
    }
    if (const auto beyond = count(story, "members_beyond"); beyond > 0)
        text += "  and " + std::to_string(beyond) + " more\n";
    return text;
}

// What "instance:line" is among the kept records.
std::string proof_words(const json& story, const std::string& reference) {
    if (reference.empty()) return {};
    for (const json& record : story.at("evidence"))
        if (words(record, "instance") + ":" + std::to_string(count(record, "first_line")) ==
            reference)
            return "proof: record " + std::to_string(count(record, "ordinal"));
    return "proof: line " + reference.substr(reference.rfind(':') + 1) + " of " +
           reference.substr(0, reference.rfind(':'));
}

std::string timeline(const json& story, const TextStyle& style) {
    std::string text = heading("Timeline", style);
    std::pair<std::optional<Timestamp>, std::string> before;
    for (const auto& entry : timeline_of(story)) {
        std::string what = entry.what + entry.outcome;
        // One pod's proof is that of all whom it replaces.
        if (auto same = std::pair(entry.at, what); std::exchange(before, same) == same) continue;
        const bool named = what.find(entry.who) != what.npos;
        if (entry.ours && entry.who != "runnerwatch" && !named) what += " — " + entry.who;
        text +=
            "  " +
            (entry.timed ? format_time_for_people(*entry.at).substr(0, 19) : std::string(19, '-')) +
            (entry.ours ? " ours  " : " log   ") +
            wrapped(visible_text(what, Newlines::keep), 28, style.width) + "\n";
        if (!entry.change) continue;
        const std::string proof = proof_words(story, words(*entry.change, "evidence"));
        if (!proof.empty()) text += std::string(28, ' ') + painted(proof, "2", style) + "\n";
    }
    return text;
}

// The runner's own colours tell nothing; every other escape is made visible.
std::string shown_record(const json& record, const char* name) {
    return visible_text(strip_ansi(record.value(name, std::string())), Newlines::keep);
}

std::string evidence(const json& story, const TextStyle& style) {
    std::string text = heading("Evidence", style);
    const auto lines = [&](const std::string& block, const char* mark, const char* colour) {
        std::string out;
        for (std::size_t at = 0; at < block.size();) {
            const std::size_t end = std::min(block.find('\n', at), block.size());
            out += painted(mark + block.substr(at, end - at), colour, style) + "\n";
            at = end + 1;
        }
        return out;
    };
    for (const json& record : story.at("evidence")) {
        text += "  record " + std::to_string(count(record, "ordinal")) + ", " +
                time_for_people(record.at("at")) + ", " + words(record, "member") + " line " +
                std::to_string(count(record, "first_line")) + "\n";
        text += lines(shown_record(record, "before"), "      ", "2");
        text += lines(shown_record(record, "text"), "    > ", "0");
    }
    return text;
}

std::string rest(const json& story, const TextStyle& style) {
    std::string text;
    if (!story.at("owed").empty()) {
        std::string owed;
        for (const json& one : story.at("owed"))
            if (words(one, "told") != words(one, "owed"))
                owed += "  " + words(one, "receiver") +
                        " is owed: " + told_words(words(one, "owed")) + "\n";
        if (!owed.empty()) text += heading("Not told yet", style) + owed;
    }
    if (!story.at("gaps").empty()) {
        text += heading("What was not read", style);
        for (const json& gap : story.at("gaps"))
            text += "  " +
                    wrapped((words(gap, "member").empty() ? words(gap, "instance")
                                                          : words(gap, "member")) +
                                ": " + words(gap, "says") + " (" + words(gap, "certainty") + ")",
                            4, style.width) +
                    "\n";
    }
    if (story.at("earlier").empty()) return text;
    text += heading("Earlier occurrences", style);
    for (const json& one : story.at("earlier"))
        text += "  " +
                wrapped("#" + std::to_string(count(one, "number")) + " " +
                            time_for_people(one.at("first_seen")) + ", " + words(one, "state") +
                            (words(one, "proof").empty() ? "" : ": " + words(one, "proof")),
                        4, style.width) +
                "\n";
    return text;
}

}  // namespace

std::string time_for_people(const json& time) {
    if (!time.is_string()) return {};
    const auto parsed = parse_time(time.get_ref<const std::string&>());
    return parsed ? format_time_for_people(parsed->time) : std::string();
}

std::string seconds_for_people(const json& seconds) {
    if (!seconds.is_number()) return "-";
    return format_duration(std::chrono::seconds(std::llround(seconds.get<double>())));
}

std::string incident_heading(const json& incident, const TextStyle& style) {
    const auto severity = severity_from(words(incident, "severity"));
    std::string state = words(incident, "state");
    if (state == "cannot_tell") state = "cannot tell";
    return "#" + std::to_string(count(incident, "number")) + "  " +
           badge(severity.value_or(Severity::info), style) + "  " + state + "  " +
           painted(words(incident, "title"), "1", style);
}

std::string incident_text(const json& story, const TextStyle& style) {
    std::string text = incident_heading(story, style) + "\n" +
                       painted("  " + words(story, "id"), "2", style) + "\n";
    if (count(story, "occurrence") > 1)
        text += row("occurrence", std::to_string(count(story, "occurrence")), style);
    return text + answer(story, style) + fix(story, style) + members(story, style) +
           timeline(story, style) + evidence(story, style) + rest(story, style);
}

}  // namespace runnerwatch
