// What a postmortem shows of what was kept of an incident: log lines, pods, deliveries.
#include "alerts/incident_timeline.h"
#include "alerts/postmortem_sections.h"
#include "parsers/ansi.h"

#include <algorithm>

namespace runnerwatch {

using json = nlohmann::ordered_json;

// The record marked, its context as it stands.
std::vector<Block> evidence_section(const json& story) {
    std::vector<Block> blocks;
    for (const json& row : story.at("evidence")) {
        const auto from = row.value("first_line", std::uint64_t{0});
        const auto to = row.value("last_line", std::uint64_t{0});
        std::string lines = (from == to ? "line " : "lines ") + std::to_string(from);
        if (from != to) lines += " to " + std::to_string(to);
        blocks.push_back(paragraph(
            plain("Record " + std::to_string(row.value("ordinal", std::int64_t{0})) + ", " +
                  time_words(row.at("at"), "time unknown") + ", " + lines + " of ") +
            code(words_in(row, "member")) + plain(", SHA-256 ") +
            code(words_in(row, "hash").substr(0, 16))));
        std::string excerpt;
        const auto add = [&](const std::string& text, const char* mark) {
            for (std::size_t at = 0; at < text.size();) {
                const std::size_t end = std::min(text.find('\n', at), text.size());
                excerpt += (excerpt.empty() ? "" : "\n") + (mark + text.substr(at, end - at));
                at = end + 1;
            }
        };
        add(strip_ansi(words_in(row, "before")), "  ");
        add(strip_ansi(words_in(row, "text")), "> ");
        blocks.push_back(code_block(std::move(excerpt)));
    }
    const auto counted = story.value("evidence_count", std::int64_t{0});
    if (counted > static_cast<std::int64_t>(story.at("evidence").size()))
        blocks.push_back(
            paragraph(plain("Of " + std::to_string(counted) +
                            " records the first five and the last fifteen are kept.")));
    return blocks;
}

std::vector<Block> members_section(const json& story) {
    std::vector<std::vector<Text>> rows{{plain("Pod or file"), plain("Node"), plain("State"),
                                         plain("First"), plain("Last"), plain("Records")}};
    for (const json& member : story.at("members"))
        rows.push_back({code(words_in(member, "name")), plain(words_in(member, "node")),
                        plain(words_in(member, "state")),
                        plain(time_words(member.at("first_seen"), "unknown")),
                        plain(time_words(member.at("last_seen"), "unknown")),
                        plain(std::to_string(member.value("count", std::int64_t{0})))});
    return {heading(3, plain("Where it showed")), table(std::move(rows))};
}

std::vector<Block> deliveries_section(const json& story) {
    if (story.at("deliveries").empty())
        return {heading(3, plain("Who was told")), paragraph(plain("Nobody was told by us."))};
    std::vector<std::vector<Text>> rows{
        {plain("Time"), plain("Receiver"), plain("What"), plain("Verdict"), plain("Delivery key")}};
    for (const json& one : story.at("deliveries")) {
        std::string verdict = words_in(one, "verdict");
        if (const int status = one.value("status", 0); status != 0)
            verdict += ", status " + std::to_string(status);
        if (!words_in(one, "error").empty()) verdict += ": " + words_in(one, "error");
        rows.push_back({plain(time_words(one.at("at"), "unknown")),
                        plain(words_in(one, "receiver")), plain(told_words(words_in(one, "told"))),
                        plain(verdict), code(words_in(one, "key"))});
    }
    return {heading(3, plain("Who was told")), table(std::move(rows))};
}

}  // namespace runnerwatch
