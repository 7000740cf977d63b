#include "alerts/range_report.h"

#include "parsers/timestamp.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace runnerwatch {

namespace {

constexpr std::size_t templates_shown = 20, gaps_shown = 30;

std::string count_words(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string seconds_words(Duration span) {
    return format_duration(std::chrono::round<std::chrono::seconds>(span));
}

std::string percentile_words(const Percentiles& of) {
    if (of.n == 0) return "–";
    return seconds_words(*of.p50) + " / " + seconds_words(*of.p90) + " (" + std::to_string(of.n) +
           ")";
}

std::vector<Text> header(const std::vector<const char*>& names) {
    std::vector<Text> row;
    for (const char* name : names) row.push_back(plain(name));
    return row;
}

std::string name_of(const IncidentRow& row) { return "#" + std::to_string(row.number); }

std::string where(const IncidentRow& row) {
    return row.namespace_.empty() ? row.workload : row.namespace_ + " " + row.workload;
}

std::string time_words(const std::optional<Timestamp>& at) {
    return at ? format_time_for_people(std::chrono::floor<std::chrono::seconds>(*at)) : "unknown";
}

class Report {
public:
    explicit Report(const RangeRows& rows) : rows_(rows) {}

    Document document() {
        document_.title = "Review of " + time_words(rows_.since) + " to " + time_words(rows_.until);
        add(heading(1, plain(document_.title)));
        summary();
        figures();
        add(heading(2, plain("What was new")));
        fresh_kinds();
        add(heading(2, plain("What came again")));
        lists(
            "Nothing came again.",
            [this](const IncidentRow& row) { return begun(row) && row.occurrence > 1; },
            [](const IncidentRow& row) {
                return " in " + where(row) + ": for the " + ordinal(row.occurrence) + " time" +
                       (row.flapping ? ", flapping" : "");
            });
        add(heading(2, plain("What goes on")));
        lists(
            "Nothing goes on.", [](const IncidentRow& row) { return !is_over(row.state); },
            [](const IncidentRow& row) {
                return " in " + where(row) + ", since " + time_words(row.first_seen) +
                       (row.state == IncidentState::cannot_tell ? "; cannot tell whether it is over"
                                                                : "") +
                       (row.acknowledged_by.empty() ? "; nobody has acknowledged it"
                                                    : "; " + row.acknowledged_by + " works on it");
            });
        quiet();
        told();
        unclassified();
        not_read();
        add(heading(2, plain("To decide")));
        add(prompt("What repeats and is worth an end, who ends it, and until when."));
        add(prompt("What was told and nobody acted on: what should not have woken anybody."));
        return std::move(document_);
    }

private:
    using Choice = std::function<bool(const IncidentRow&)>;
    using Words = std::function<std::string(const IncidentRow&)>;

    void add(Block block) { document_.blocks.push_back(std::move(block)); }

    static std::string ordinal(std::int64_t number) {
        const auto last = number % 10;
        const bool teen = number / 10 % 10 == 1;
        return std::to_string(number) + (teen || last > 3 || last == 0 ? "th"
                                         : last == 1                   ? "st"
                                         : last == 2                   ? "nd"
                                                                       : "rd");
    }

    bool begun(const IncidentRow& row) const {
        return row.state != IncidentState::folded && row.first_seen &&
               *row.first_seen >= rows_.since && *row.first_seen <= rows_.until;
    }

    void summary() {
        const IncidentStatistics all = rows_.sums.all();
        std::vector<Text> items;
        items.push_back(plain(count_words(all.incidents, "incident began", "incidents began") +
                              ", " + std::to_string(all.going_on) + " of them not over yet; " +
                              std::to_string(all.recurred[1]) +
                              " had ended before and came again within 30 days."));
        items.push_back(plain("Time to notice " + percentile_words(all.detect) +
                              ", to acknowledge " + percentile_words(all.acknowledge) +
                              ", to end " + percentile_words(all.resolve) +
                              " (p50 / p90, measured for so many)."));
        if (all.snoozed > 0)
            items.push_back(plain(count_words(all.snoozed, "was", "were") +
                                  " snoozed and stand in none of these figures."));
        if (all.drills > 0)
            items.push_back(plain(count_words(all.drills, "was a drill", "were drills") +
                                  " and stand in none of these figures."));
        if (all.found_afterwards > 0)
            items.push_back(plain(count_words(all.found_afterwards, "was", "were") +
                                  " over before it could be told: read afterwards."));
        if (rows_.more_incidents)
            items.push_back(plain("More than " + std::to_string(RangeRows::incidents_max) +
                                  " incidents went on: the lists below name the newest only, the "
                                  "figures count all."));
        add(list(std::move(items)));
    }

    void figures() {
        if (rows_.sums.all().incidents == 0) return;
        add(heading(2, plain("Incidents")));
        const auto names = [](const char* first) {
            return header(
                {first, "begun", "not over", "again", "noticed", "told", "acknowledged", "ended"});
        };
        const auto row = [](Text name, const IncidentStatistics& of) {
            return std::vector<Text>{std::move(name),
                                     plain(std::to_string(of.incidents)),
                                     plain(std::to_string(of.going_on)),
                                     plain(std::to_string(of.recurred[1])),
                                     plain(percentile_words(of.detect)),
                                     plain(percentile_words(of.notify)),
                                     plain(percentile_words(of.acknowledge)),
                                     plain(percentile_words(of.resolve))};
        };
        add(
            paragraph(plain("\"Again\": an earlier one had ended at most 30 days before. Times are "
                            "p50 / p90 and how many were measured.")));
        std::vector<std::vector<Text>> by_rule{names("rule")};
        for (const auto& [rule, of] : rows_.sums.by_rule()) by_rule.push_back(row(code(rule), of));
        add(table(std::move(by_rule)));
        std::vector<std::vector<Text>> by_workload{names("workload")};
        for (const auto& [name, of] : rows_.sums.by_workload())
            by_workload.push_back(row(plain(name), of));
        add(table(std::move(by_workload)));
        std::vector<std::vector<Text>> by_release{names("runner")};
        for (const auto& [version, of] : rows_.sums.by_release())
            by_release.push_back(row(plain(version), of));
        if (by_release.size() > 1) add(table(std::move(by_release)));
    }

    void lists(const char* none, const Choice& choice, const Words& words) {
        std::vector<Text> items;
        for (const IncidentRow& row : rows_.incidents)
            if (choice(row)) items.push_back(plain(name_of(row) + " " + row.title + words(row)));
        add(items.empty() ? paragraph(plain(none)) : list(std::move(items)));
    }

    // Each kind by the incident that it came with.
    void fresh_kinds() {
        std::map<std::string, const IncidentRow*> first;
        for (const IncidentRow& row : rows_.incidents)
            if (begun(row) && !rows_.known_rules.contains(row.rule)) first[row.rule] = &row;
        std::vector<const IncidentRow*> kinds;
        for (const auto& [unused, row] : first) kinds.push_back(row);
        std::sort(kinds.begin(), kinds.end(),
                  [](const IncidentRow* a, const IncidentRow* b) { return a->number < b->number; });
        std::vector<Text> items;
        for (const IncidentRow* row : kinds)
            items.push_back(plain(name_of(*row) + " " + row->title + " in " + where(*row) + ", " +
                                  time_words(row->first_seen)));
        add(items.empty() ? paragraph(plain("No kind of failure was seen for the first time."))
                          : list(std::move(items)));
    }

    // What was kept from people, by people.
    void quiet() {
        add(heading(2, plain("What was snoozed, merged or ended by hand")));
        lists(
            "Nothing was.",
            [](const IncidentRow& row) {
                return !row.snoozed_by.empty() || row.wakes > 0 || !row.resolved_by.empty() ||
                       !row.merged_into.empty();
            },
            [this](const IncidentRow& row) {
                std::string words = ":";
                if (!row.snoozed_by.empty()) words += " snoozed by " + row.snoozed_by + ";";
                if (row.wakes > 0)
                    words += row.wakes == 1 ? " snoozed once;"
                                            : " snoozed " + std::to_string(row.wakes) + " times;";
                if (!row.resolved_by.empty()) words += " ended by hand by " + row.resolved_by + ";";
                if (!row.merged_into.empty())
                    words += " part of " + number_of(row.merged_into) + ";";
                words.pop_back();
                return words;
            });
    }

    std::string number_of(const std::string& key) const {
        for (const IncidentRow& row : rows_.incidents)
            if (row.key == key) return name_of(row);
        return "another";
    }

    void told() {
        add(heading(2, plain("Who was told")));
        const auto& receivers = rows_.told.by_receiver();
        if (receivers.empty()) return add(paragraph(plain("Nobody was told anything.")));
        std::vector<std::vector<Text>> table_rows{
            header({"receiver", "messages", "a day", "incidents", "tried again", "given up"})};
        const double days = std::max(
            std::chrono::duration<double, std::ratio<86'400>>(rows_.until - rows_.since).count(),
            1.0);
        for (const auto& [name, load] : receivers) {
            const auto tenths =
                static_cast<std::int64_t>(static_cast<double>(load.sent) / days * 10 + 0.5);
            table_rows.push_back(
                {plain(name), plain(std::to_string(load.sent)),
                 plain(std::to_string(tenths / 10) + "." + std::to_string(tenths % 10)),
                 plain(std::to_string(load.incidents.size())), plain(std::to_string(load.retries)),
                 plain(std::to_string(load.given_up))});
        }
        add(table(std::move(table_rows)));
    }

    void unclassified() {
        add(heading(2, plain("Messages that no rule takes")));
        std::vector<const TemplateRow*> fresh;
        for (const auto& row : rows_.templates)
            if (row.last_seen && *row.last_seen >= rows_.since && row.first_seen &&
                *row.first_seen <= rows_.until)
                fresh.push_back(&row);
        if (fresh.empty()) return add(paragraph(plain("There were none.")));
        std::vector<std::vector<Text>> table_rows{
            header({"message", "level", "in all", "first seen", "where last"})};
        for (std::size_t i = 0; i < fresh.size() && i < templates_shown; ++i) {
            const TemplateRow& row = *fresh[i];
            table_rows.push_back({code(row.text), plain(row.level),
                                  plain(std::to_string(row.count)),
                                  plain(time_words(row.first_seen)), plain(row.source)});
        }
        add(table(std::move(table_rows)));
        if (fresh.size() > templates_shown)
            add(paragraph(plain("And " + std::to_string(fresh.size() - templates_shown) +
                                " more: `runnerwatch rules unclassified`.")));
    }

    void not_read() {
        add(heading(2, plain("What was not read")));
        std::map<std::string, Place> places;
        for (const auto& row : rows_.coverage.sources) places[row.place.instance] = row.place;
        std::vector<std::pair<std::string, const CoverageRow*>> gaps;
        for (const auto& row : rows_.coverage.coverage) {
            if (row.ordinal == read_ordinal) continue;
            const bool behind = row.from && *row.from > rows_.until;
            const bool before = row.to && *row.to < rows_.since;
            if (behind || before) continue;
            const auto place = places.find(row.instance);
            gaps.emplace_back(place == places.end() ? row.instance : place->second.member, &row);
        }
        if (gaps.empty()) return add(paragraph(plain("All that was followed was read.")));
        std::stable_sort(gaps.begin(), gaps.end(), [](const auto& a, const auto& b) {
            return std::tie(a.second->from, a.first) < std::tie(b.second->from, b.first);
        });
        std::vector<Text> items;
        for (std::size_t i = 0; i < gaps.size() && i < gaps_shown; ++i)
            items.push_back(plain(gaps[i].first + ": " + gap_words(*gaps[i].second)));
        if (gaps.size() > gaps_shown)
            items.push_back(plain("and " + std::to_string(gaps.size() - gaps_shown) + " more"));
        add(list(std::move(items)));
        add(paragraph(plain("What happened in there is in none of the figures above.")));
    }

    const RangeRows& rows_;
    Document document_;
};

}  // namespace

void DeliverySums::add(const DeliveryAttemptRow& attempt) {
    Load& load = loads_[attempt.receiver];
    ++(attempt.verdict == "sent"    ? load.sent
       : attempt.verdict == "retry" ? load.retries
                                    : load.given_up);
    const auto incidents = nlohmann::json::parse(attempt.told, nullptr, false);
    if (!incidents.is_object()) return;
    for (const auto& [key, unused] : incidents.items()) load.incidents.insert(key);
}

Document range_report(const RangeRows& rows) { return Report(rows).document(); }

}  // namespace runnerwatch
