// The timeline of a postmortem: what changed and who was told, in the order of their times, each
// with what proves it.
#include "alerts/postmortem.h"
#include "alerts/postmortem_sections.h"
#include "parsers/ansi.h"
#include "parsers/timestamp.h"

#include <algorithm>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

struct Entry {
    std::optional<Timestamp> at;
    std::string clock, what, who, incident;
    Text proof;
};

std::string words(const json& value, const char* name) {
    const auto found = value.find(name);
    return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<Timestamp> time_in(const json& value) {
    const auto parsed = parse_time(words(value, "at"));
    return parsed ? std::optional(parsed->time) : std::nullopt;
}

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
        if (words(row, "instance") == reference.substr(0, colon) &&
            std::to_string(row.value("first_line", std::uint64_t{0})) ==
                reference.substr(colon + 1))
            return &row;
    return nullptr;
}

Text proof_of(const json& story, const json& row) {
    const std::string reference = words(row, "evidence");
    if (const json* record = record_of(story, reference))
        return code(shown_line(words(*record, "text"))) +
               plain(" (record " + std::to_string(record->value("ordinal", std::int64_t{0})) + ")");
    if (!reference.empty()) return plain("log line ") + code(reference);
    const std::string change = std::to_string(row.value("change", std::int64_t{0}));
    const std::string kind = words(row, "kind");
    if (kind == "container_restarted" || kind == "rollout" || kind == "member_gone" ||
        kind == "member_replaced")
        return plain("the cluster's pods as watched, change " + change);
    if (kind == "member_recovering" || kind == "member_recovered" || kind == "resolved")
        return plain("the line it quotes, change " + change);
    if (kind == "gap") return plain("the account of what was read, change " + change);
    return plain("change " + change + " of this incident");
}

}  // namespace

std::string told_words(std::string state) {
    if (state.starts_with("open:")) return "open, " + state.substr(5, state.rfind(':') - 5);
    std::replace(state.begin(), state.end(), '_', ' ');
    return state;
}

std::vector<Block> timeline_section(const Stories& stories) {
    std::vector<Entry> entries;
    for (const json& story : stories) {
        const std::string number = "#" + std::to_string(story.value("number", std::int64_t{0}));
        std::optional<Timestamp> before;  // a row without a time stands behind the one before it
        for (const json& row : story.at("timeline")) {
            Entry entry{time_in(row), words(row, "clock"), words(row, "text"), words(row, "actor"),
                        number,       proof_of(story, row)};
            if (entry.what.empty()) entry.what = words(row, "kind");
            if (!entry.at) {
                entry.clock = "unknown";
                entry.at = before;
            }
            before = entry.at;
            entries.push_back(std::move(entry));
        }
        for (const json& one : story.at("deliveries")) {
            const bool sent = words(one, "verdict") == "sent";
            Text proof = plain("delivery ") + code(words(one, "key"));
            if (const int status = one.value("status", 0); status != 0)
                proof = proof + plain(", answered with " + std::to_string(status));
            if (!words(one, "error").empty()) proof = proof + plain(", " + words(one, "error"));
            entries.push_back({time_in(one), "ours",
                               (sent ? "told " : "could not tell ") + words(one, "receiver") +
                                   ": " + told_words(words(one, "told")),
                               "runnerwatch", number, std::move(proof)});
        }
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.at < b.at; });
    std::vector<Text> headings{plain("Time (UTC)"), plain("Clock"), plain("What"), plain("Who"),
                               plain("Proof")};
    const bool several = stories.size() > 1;
    if (several) headings.insert(headings.begin() + 2, plain("Incident"));
    std::vector<std::vector<Text>> rows{std::move(headings)};
    for (Entry& entry : entries) {
        const std::string at = entry.at ? format_time_for_people(*entry.at).substr(0, 19) : "";
        std::vector<Text> row{plain(entry.clock == "unknown" ? "" : at),
                              plain(entry.clock == "source" ? "log" : entry.clock),
                              plain(entry.what), plain(entry.who), std::move(entry.proof)};
        if (several) row.insert(row.begin() + 2, plain(entry.incident));
        rows.push_back(std::move(row));
    }
    return {table(std::move(rows))};
}

}  // namespace runnerwatch
