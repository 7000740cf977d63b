// What a postmortem says of its incidents, section by section. Where several incidents stand in
// one, each has its own place, except on the timeline; what was merged is one trouble, whose parts
// have places of their own only where each has something to show.
#include "alerts/postmortem_sections.h"

#include "alerts/incident_timeline.h"
#include "alerts/postmortem.h"
#include "alerts/postmortem_parts.h"
#include "parsers/fill_fix.h"
#include "parsers/timestamp.h"

#include <algorithm>
#include <set>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

constexpr const char* not_measured = "unknown: not measured";

std::string number_of(const json& story) {
    return "#" + std::to_string(story.value("number", std::int64_t{0}));
}

std::optional<Timestamp> time_of(const json& time) {
    const auto parsed = parse_time(time.is_string() ? time.get<std::string>() : std::string());
    return parsed ? std::optional(parsed->time) : std::nullopt;
}

std::string span_words(const std::optional<Timestamp>& from, const std::optional<Timestamp>& to) {
    if (!from || !to) return "unknown";
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*to - *from);
    return seconds.count() < 0 ? "0s" : format_duration(seconds);
}

bool has_ended(const json& story) { return words_in(story, "state") == "resolved"; }

// "part of #12" of a symptom.
std::string part_of(const json& story) {
    const json& cause = story.at("cause_incident");
    return cause.is_null() ? "part of another incident" : "part of " + number_of(cause);
}

std::string duration_of(const json& story) {
    if (words_in(story, "state") == "folded") return part_of(story);
    if (!has_ended(story)) return "not over";
    return span_words(time_of(story.at("first_seen")), time_of(story.at("ended_at")));
}

std::string state_words(const json& story) {
    const std::string state = words_in(story, "state");
    if (state == "cannot_tell") return "cannot tell whether it is over";
    if (state == "folded") return part_of(story);
    return state;
}

// The earliest delivery that a receiver took, or null.
json first_told(const json& story) {
    for (const json& delivery : story.at("deliveries"))
        if (words_in(delivery, "verdict") == "sent") return delivery;
    return {};
}

json first_of_kind(const json& story, std::string_view kind) {
    for (const json& row : story.at("timeline"))
        if (words_in(row, "kind") == kind) return row;
    return {};
}

// Each incident's blocks, under its name where there are several.
template <class Each>
Section for_each_story(Each each) {
    return [each](const Stories& stories) {
        std::vector<Block> blocks;
        for (const json& story : stories) {
            if (stories.size() > 1)
                blocks.push_back(
                    paragraph(plain((is_part(stories, story) ? "Part " : "Incident ") +
                                    number_of(story) + ": " + words_in(story, "title"))));
            for (Block& block : each(story)) blocks.push_back(std::move(block));
        }
        return blocks;
    };
}

// The same of those that are no part of another.
template <class Each>
Section for_each_whole(Each each) {
    return [each](const Stories& stories) { return for_each_story(each)(wholes_of(stories)); };
}

std::vector<Block> facts(const json& story) {
    const std::string end = has_ended(story) ? time_words(story.at("ended_at"), "unknown")
                                             : state_words(story) + "; last seen " +
                                                   time_words(story.at("last_seen"), "unknown");
    const std::string clock =
        words_in(story, "clock") == "ours" ? " (our clock: the log has no times)" : "";
    std::vector<std::vector<Text>> rows{
        {plain("Field"), plain("Value")},
        {plain("Incident"), plain(number_of(story) + ", ") + code(words_in(story, "id"))},
        {plain("Severity"), plain(words_in(story, "severity"))},
        {plain("Where"), plain(words_in(story, "scope"))},
        {plain("First line"), plain(time_words(story.at("first_seen"), "unknown") + clock)},
        {plain("Recovery proven"), plain(end)},
        {plain("Duration"), plain(duration_of(story))},
        {plain("Rule"), code(words_in(story, "rule")) + plain(" " + words_in(story, "catalog"))},
        {plain("Status of this document"), plain("draft")},
        {plain("Authors"), plain("to fill in")}};
    std::string parts;
    for (const json& part : story.at("merged"))
        parts += (parts.empty() ? "" : "; ") + number_of(part) + " " + words_in(part, "title");
    if (!parts.empty()) rows.insert(rows.begin() + 2, {plain("Merged into it"), plain(parts)});
    if (const std::string by = words_in(story, "acknowledged_by"); !by.empty())
        rows.insert(rows.end() - 2, {plain("Acknowledged by"), plain(by)});
    return {table(std::move(rows))};
}

std::vector<Block> summary(const json& story) {
    std::string text = words_in(story, "title") + ", in " + words_in(story, "scope") + ", from " +
                       time_words(story.at("first_seen"), "an unknown time");
    text += has_ended(story) ? " to " + time_words(story.at("ended_at"), "an unknown time") + " (" +
                                   duration_of(story) + ")."
                             : "; " + state_words(story) + ".";
    const auto records = story.value("count", std::int64_t{0});
    text += " " + std::to_string(records) +
            (records == 1 ? " log record says so. " : " log records say so. ") +
            words_in(story, "impact");
    if (const json& causes = story.at("causes"); !causes.empty())
        text += " Cause (" + words_in(causes.front(), "confidence") +
                "): " + words_in(causes.front(), "says");
    return {paragraph(plain(text))};
}

std::vector<Block> impact(const json& story) {
    const std::size_t members =
        story.at("members").size() + story.value("members_beyond", std::size_t{0});
    return {paragraph(plain(words_in(story, "impact"))),
            table({{plain("Measure"), plain("Value")},
                   {plain("Jobs that failed or waited"), plain(not_measured)},
                   {plain("Users and projects affected"), plain(not_measured)},
                   {plain("Pods or files that showed it"), plain(std::to_string(members))},
                   {plain("Log records of it"),
                    plain(std::to_string(story.value("count", std::int64_t{0})))},
                   {plain("First line to proven recovery"), plain(duration_of(story))},
                   {plain("Gaps in what was read meanwhile"),
                    plain(std::to_string(story.at("gaps").size()))}})};
}

std::vector<Block> causes(const json& story) {
    if (story.at("causes").empty())
        return {paragraph(plain("Unknown: the rule names no cause for these lines."))};
    std::vector<std::vector<Text>> rows{
        {plain("Cause"), plain("Confidence"), plain("Would be disproved by"), plain("Catalogue")}};
    for (const json& cause : story.at("causes"))
        rows.push_back({plain(words_in(cause, "says")), plain(words_in(cause, "confidence")),
                        plain(words_in(cause, "disproved_by")),
                        plain(words_in(cause, "catalog").empty() ? words_in(story, "catalog")
                                                                 : words_in(cause, "catalog"))});
    std::vector<Block> blocks{table(std::move(rows))};
    if (!story.at("symptoms").empty()) {
        std::vector<Text> items;
        for (const auto& [rule, symptom] : story.at("symptoms").items())
            items.push_back(plain(words_in(symptom, "title") + " ×" +
                                  std::to_string(symptom.value("count", std::int64_t{0})) + " ") +
                            code(rule));
        blocks.push_back(paragraph(plain("What followed from it:")));
        blocks.push_back(list(std::move(items)));
    }
    return blocks;
}

std::vector<Block> trigger(const json& story) {
    std::vector<Text> items;
    const auto first = time_of(story.at("first_seen"));
    for (const json& row : story.at("timeline")) {
        const std::string kind = words_in(row, "kind");
        const auto at = time_of(row.at("at"));
        if ((kind == "rollout" || kind == "container_restarted") && at && first && *at <= *first)
            items.push_back(plain(time_words(row.at("at"), "") + ": " + words_in(row, "text")));
    }
    std::vector<Block> blocks;
    if (items.empty())
        blocks.push_back(
            paragraph(plain("Unknown: no change was recorded before the first line.")));
    else
        blocks.push_back(list(std::move(items)));
    blocks.push_back(prompt("What was changed before " +
                            time_words(story.at("first_seen"), "the first line") +
                            ": configuration, token, image, network, GitLab?"));
    return blocks;
}

std::vector<Block> detection(const json& story) {
    const auto first = time_of(story.at("first_seen")), noted = time_of(story.at("noted_at"));
    const json told = first_told(story), taken_up = first_of_kind(story, "ack");
    const auto told_at = told.is_null() ? std::nullopt : time_of(told.at("at"));
    const auto taken_at = taken_up.is_null() ? std::nullopt : time_of(taken_up.at("at"));
    const bool dated = words_in(story, "clock") == "source";
    return {table(
        {{plain("Moment"), plain("Time"), plain("After the one before")},
         {plain("First line"), plain(time_words(story.at("first_seen"), "unknown")), plain("")},
         {plain("Detected by rule ") + code(words_in(story, "rule")),
          plain(time_words(story.at("noted_at"), "unknown")),
          plain(dated ? span_words(first, noted) : "unknown")},
         {plain(told_at ? "Told: " + words_in(told, "receiver") : "Told"),
          plain(told_at ? time_words(told.at("at"), "") : "nobody"),
          plain(told_at ? span_words(noted, told_at) : "")},
         {plain(taken_at ? "Acknowledged: " + words_in(taken_up, "actor") : "Acknowledged"),
          plain(taken_at ? time_words(taken_up.at("at"), "") : "by nobody here"),
          plain(taken_at ? span_words(told_at, taken_at) : "")}})};
}

std::vector<Block> resolution(const json& story) {
    std::vector<Block> blocks;
    if (has_ended(story))
        blocks.push_back(
            paragraph(plain("Recovery was proven at " +
                            time_words(story.at("ended_at"), "an unknown time") + " by ") +
                      code(words_in(story, "proof"))));
    else if (words_in(story, "state") == "folded")
        blocks.push_back(paragraph(plain("It is " + part_of(story) + " and ended with that.")));
    else
        blocks.push_back(paragraph(plain("It is not known to be over. What would end it: " +
                                         words_in(story, "waiting_for") + ".")));
    std::vector<Text> changes;
    static const std::set<std::string> of_interest{"rollout", "container_restarted",
                                                   "member_replaced", "note", "resolve"};
    for (const json& row : story.at("timeline"))
        if (of_interest.contains(words_in(row, "kind")))
            changes.push_back(plain(time_words(row.at("at"), "time unknown") + ": " +
                                    words_in(row, "text") + " (" + words_in(row, "actor") + ")"));
    if (!changes.empty()) {
        blocks.push_back(paragraph(plain("What was changed while it lasted:")));
        blocks.push_back(list(std::move(changes)));
    }
    if (const json& fix = story.at("fix"); !fix.is_null()) {
        blocks.push_back(paragraph(plain("What the rule advises: " + words_in(fix, "title"))));
        std::vector<Text> steps;
        for (const json& step : fix.at("steps"))
            steps.push_back(plain(step_words(words_in(step, "says"), words_in(step, "versions"))));
        blocks.push_back(list(std::move(steps)));
    }
    blocks.push_back(prompt("What was done, by whom, and which of it ended it?"));
    return blocks;
}

std::vector<Block> actions(const Stories& all) {
    const Stories stories = wholes_of(all);
    std::vector<std::vector<Text>> rows{
        {plain("Type"), plain("Action"), plain("Owner"), plain("Issue"), plain("Due")}};
    const auto add = [&](const char* type, const std::string& action) {
        rows.push_back({plain(type), plain(action), plain("?"), plain("?"), plain("?")});
    };
    for (const json& story : stories) {
        const std::string of = stories.size() > 1 ? number_of(story) + ": " : "";
        if (!story.at("earlier").empty())
            add("prevent", of + "It is occurrence " +
                               std::to_string(story.value("occurrence", std::int64_t{1})) +
                               " of the same trouble: remove its cause for good.");
        if (!has_ended(story) && words_in(story, "state") != "folded")
            add("mitigate", of + "End it: " + words_in(story, "waiting_for") + ".");
        for (const json& delivery : story.at("deliveries"))
            if (words_in(delivery, "verdict") == "gave_up")
                add("process", of + words_in(delivery, "receiver") +
                                   " could not be told: " + words_in(delivery, "error") + ".");
        if (!story.at("gaps").empty())
            add("detect", of + "The log was not read without gaps: see below.");
    }
    std::vector<Block> blocks;
    if (rows.size() > 1) blocks.push_back(table(std::move(rows)));
    blocks.push_back(prompt("What prevents it, what makes it shorter, who does it until when?"));
    return blocks;
}

std::vector<Block> gaps(const json& story) {
    std::vector<Text> items;
    for (const json& gap : story.at("gaps"))
        items.push_back(
            code(words_in(gap, "member").empty() ? words_in(gap, "instance")
                                                 : words_in(gap, "member")) +
            plain(": " + words_in(gap, "says") + " (" + words_in(gap, "certainty") + ")"));
    std::vector<Block> blocks{heading(3, plain("What was not read"))};
    blocks.push_back(items.empty() ? paragraph(plain("No gap is known in the logs of its members."))
                                   : list(std::move(items)));
    return blocks;
}

std::vector<Block> earlier(const json& story) {
    std::vector<Block> blocks{heading(3, plain("Earlier occurrences"))};
    if (story.at("earlier").empty()) {
        blocks.push_back(paragraph(plain("None is known.")));
        return blocks;
    }
    std::vector<std::vector<Text>> rows{
        {plain("Incident"), plain("From"), plain("To"), plain("Records"), plain("Ended by")}};
    for (const json& one : story.at("earlier"))
        rows.push_back({plain(number_of(one)), plain(time_words(one.at("first_seen"), "unknown")),
                        plain(time_words(one.at("ended_at"), "not known to be over")),
                        plain(std::to_string(one.value("count", std::int64_t{0}))),
                        code(words_in(one, "proof"))});
    blocks.push_back(table(std::move(rows)));
    return blocks;
}

}  // namespace

std::string time_words(const json& time, const std::string& otherwise) {
    const auto at = time_of(time);
    return at ? format_time_for_people(*at) : otherwise;
}

const std::map<std::string, Section, std::less<>>& postmortem_sections() {
    static const std::map<std::string, Section, std::less<>> sections{
        {"facts", for_each_whole(facts)},
        {"summary", for_each_whole(summary)},
        {"impact", for_each_whole(impact)},
        {"causes", for_each_story(causes)},
        {"trigger", for_each_whole(trigger)},
        {"detection", for_each_whole(detection)},
        {"resolution", for_each_whole(resolution)},
        {"actions", actions},
        {"timeline", timeline_section},
        {"evidence", for_each_story(evidence_section)},
        {"members", for_each_story(members_section)},
        {"deliveries", for_each_story(deliveries_section)},
        {"gaps", for_each_whole(gaps)},
        {"earlier", for_each_story(earlier)}};
    return sections;
}

std::string postmortem_word(const Stories& stories, std::string_view name, bool& known) {
    const json& first = stories.front();
    const std::size_t troubles = wholes_of(stories).size();
    if (name == "title" && troubles > 1)
        return std::to_string(troubles) + " incidents, first " + words_in(first, "title");
    if (name == "title" || name == "severity" || name == "scope" || name == "rule")
        return words_in(first, std::string(name).c_str());
    if (name == "duration") return duration_of(first);
    if (name == "date") return time_words(first.at("first_seen"), "unknown date").substr(0, 10);
    std::string numbers;
    for (const json& story : stories) numbers += (numbers.empty() ? "" : ", ") + number_of(story);
    known = name == "number";
    return numbers;
}

}  // namespace runnerwatch
