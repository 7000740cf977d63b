#include "daemon/commands/scan_summary.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace runnerwatch {
namespace {

constexpr std::size_t templates_shown = 50;

std::string detections(const ScanSummary& summary) {
    std::vector<std::pair<std::string, std::uint64_t>> rules(summary.detections.begin(),
                                                             summary.detections.end());
    std::stable_sort(rules.begin(), rules.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::uint64_t all = 0;
    for (const auto& [unused, count] : rules) all += count;
    std::string text = std::to_string(all);
    for (const auto& [name, count] : rules)
        text += (&name == &rules.front().first ? ": " : ", ") + name + " ×" + std::to_string(count);
    return text;
}

std::string unclassified(const UnclassifiedBook& book, const TextStyle& style) {
    std::vector<const TemplateRow*> rows;
    std::uint64_t records = book.beyond();
    for (const auto& [unused, row] : book.templates()) {
        rows.push_back(&row);
        records += static_cast<std::uint64_t>(row.count);
    }
    if (rows.empty()) return {};
    std::sort(rows.begin(), rows.end(), [](const TemplateRow* a, const TemplateRow* b) {
        return std::tie(b->count, a->text) < std::tie(a->count, b->text);
    });
    std::string text = row("no rule",
                           counted(records, "record") + " of warning and worse, of " +
                               counted(rows.size(), "kind") + ", that no rule knows:",
                           style);
    for (std::size_t i = 0; i < std::min(rows.size(), templates_shown); ++i)
        text +=
            row("×" + std::to_string(rows[i]->count),
                rows[i]->text + " (" + rows[i]->id + ", last in " + rows[i]->source + ")", style);
    if (rows.size() > templates_shown)
        text +=
            row("", "and " + std::to_string(rows.size() - templates_shown) + " more kinds", style);
    return text + row("", "`runnerwatch rules new --from 'LINE'` drafts a rule for one", style);
}

}  // namespace

std::string scan_summary(const ScanSummary& summary, const TextStyle& style) {
    std::string text = painted("SUMMARY", "1", style) + "\n";
    text +=
        row("read", counted(summary.files, "file") + ", " + counted(summary.lines, "line"), style);
    if (!summary.detections.empty()) text += row("detections", detections(summary), style);
    text += summary.when.text(style);
    text += unclassified(summary.unclassified, style);
    return text;
}

}  // namespace runnerwatch
