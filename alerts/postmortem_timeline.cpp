// The timeline of a postmortem: what changed and who was told, in the order of their times, each
// with what proves it.
#include "alerts/incident_timeline.h"
#include "alerts/postmortem.h"
#include "alerts/postmortem_parts.h"
#include "alerts/postmortem_sections.h"
#include "parsers/ansi.h"
#include "parsers/timestamp.h"

#include <algorithm>
#include <set>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

// A record's first line without the runner's colours and the blanks they were aligned with.
std::string shown_line(const std::string& text) {
    std::string line;
    for (const char c : strip_ansi(text.substr(0, text.find('\n'))))
        if (c != ' ' || (!line.empty() && line.back() != ' ')) line += c;
    return line;
}

// "instance:line" -> the kept record that has this line.
const json* record_of(const json& story, const std::string& reference) {
    const std::size_t colon = reference.rfind(':');
    if (colon == std::string::npos) return nullptr;
    for (const json& row : story.at("evidence"))
        if (words_in(row, "instance") == reference.substr(0, colon) &&
            std::to_string(row.value("first_line", std::uint64_t{0})) ==
                reference.substr(colon + 1))
            return &row;
    return nullptr;
}

Text proof_of(const json& story, const json& row) {
    const std::string reference = words_in(row, "evidence");
    if (const json* record = record_of(story, reference))
        return code(shown_line(words_in(*record, "text"))) +
               plain(" (record " + std::to_string(record->value("ordinal", std::int64_t{0})) + ")");
    if (!reference.empty()) return plain("log line ") + code(reference);
    const std::string change = std::to_string(row.value("change", std::int64_t{0}));
    const std::string kind = words_in(row, "kind");
    if (kind == "container_restarted" || kind == "rollout" || kind == "member_gone" ||
        kind == "member_replaced")
        return plain("the cluster's pods as watched, change " + change);
    if (kind == "member_recovering" || kind == "member_recovered" || kind == "resolved")
        return plain("the line it quotes, change " + change);
    if (kind == "gap") return plain("the account of what was read, change " + change);
    return plain("change " + change + " of this incident");
}

}  // namespace

std::vector<Block> timeline_section(const Stories& stories) {
    struct Told {
        TimelineEntry entry;
        const json* story;
    };
    std::vector<Told> all;
    std::set<std::string> told;  // a delivery tells of several
    for (const json& story : stories)
        for (auto& entry : timeline_of(story))
            if (!entry.delivery || told.insert(delivery_identity(*entry.delivery)).second)
                all.push_back({std::move(entry), &story});
    std::stable_sort(all.begin(), all.end(),
                     [](const Told& a, const Told& b) { return a.entry.at < b.entry.at; });
    std::vector<Text> headings{plain("Time (UTC)"), plain("Clock"), plain("What"), plain("Who"),
                               plain("Proof")};
    const bool several = stories.size() > 1;
    if (several) headings.insert(headings.begin() + 2, plain("Incident"));
    std::vector<std::vector<Text>> rows{std::move(headings)};
    for (const auto& [entry, story] : all) {
        const char* clock = !entry.timed ? "unknown" : entry.ours ? "ours" : "log";
        Text proof = entry.change ? proof_of(*story, *entry.change)
                                  : plain("delivery ") + code(words_in(*entry.delivery, "key")) +
                                        plain(entry.outcome);
        std::vector<Text> row{
            plain(entry.timed ? format_time_for_people(*entry.at).substr(0, 19) : ""), plain(clock),
            plain(entry.what), plain(entry.who), std::move(proof)};
        if (several)
            row.insert(row.begin() + 2,
                       plain("#" + std::to_string(story->value("number", std::int64_t{0}))));
        rows.push_back(std::move(row));
    }
    return {table(std::move(rows))};
}

}  // namespace runnerwatch
