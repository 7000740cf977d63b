// What is asked: paths and parameters to a question, or what is wrong with them.
#include "alerts/postmortem.h"
#include "daemon/api/history_api.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace runnerwatch {

namespace {

using Query = std::map<std::string, std::string>;

const std::string incidents_path = "/api/v1/incidents", facets_path = "/api/v1/incidents/facets",
                  stats_path = "/api/v1/stats";
constexpr std::size_t page_default = 50, page_max = 1'000, postmortem_max = 50;
constexpr std::size_t query_bytes_max = 1'000;  // of one value

std::vector<std::string> parts_of(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        if (end > at) parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

ServerReply refused(const std::string& detail) { return problem_reply(400, "Bad request", detail); }

std::string value_in(const Query& query, const char* name) {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
}

std::optional<IncidentCursor> cursor_from(const std::string& text) {
    std::int64_t time = 0, number = 0;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, time);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, number);
    if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
    return IncidentCursor{Timestamp(Duration(time)), number};
}

// Reads one list of words; the error names those there are.
template <class Value, class From>
std::string read_words(const Query& query, const char* name, const char* known, From from,
                       std::vector<Value>& values) {
    for (const auto& word : parts_of(value_in(query, name), ',')) {
        const auto value = from(word);
        if (!value)
            return std::string(name) + " is a list of " + known + "; \"" + word + "\" is none.";
        values.push_back(*value);
    }
    return {};
}

std::string read_times(const Query& query, Timestamp now, IncidentFilter& filter) {
    for (const auto& [name, time] : {std::pair{"since", &filter.since}, {"until", &filter.until}}) {
        const std::string words = value_in(query, name);
        if (words.empty()) continue;
        *time = moment_from(words, now);
        if (!*time)
            return std::string(name) +
                   " is a time (2026-11-30T02:10:03Z), a day (2026-11-30) or "
                   "how long ago (36h, 7d); \"" +
                   words + "\" is neither.";
    }
    return {};
}

std::string read_filter(const Query& query, Timestamp now, IncidentFilter& filter) {
    static const std::set<std::string> known{
        "state",   "severity", "rule",  "namespace", "workload", "pod",
        "text",    "since",    "until", "limit",     "cursor",   "acknowledged",
        "snoozed", "assignee", "tag",   "merged",    "version",  "runner"};
    for (const auto& [name, value] : query) {
        if (!known.contains(name)) return "There is no parameter " + name + " here.";
        if (value.size() > query_bytes_max)
            return name + " has more than " + std::to_string(query_bytes_max) + " bytes.";
    }
    if (auto error = read_words(query, "state", "open, recovering, resolved, cannot_tell, folded",
                                incident_state_from, filter.states);
        !error.empty())
        return error;
    if (auto error = read_words(query, "severity", "info, warning, error, critical", severity_from,
                                filter.severities);
        !error.empty())
        return error;
    if (auto error = read_times(query, now, filter); !error.empty()) return error;
    std::optional<bool> parts_too;
    for (const auto& [name, is] : {std::pair{"acknowledged", &filter.acknowledged},
                                   {"snoozed", &filter.snoozed},
                                   {"merged", &parts_too}}) {
        const std::string word = value_in(query, name);
        if (word.empty()) continue;
        if (word != "true" && word != "false") return std::string(name) + " is true or false.";
        *is = word == "true";
    }
    filter.parts_too = parts_too.value_or(false);
    filter.assignee = value_in(query, "assignee");
    filter.tag = value_in(query, "tag");
    filter.rule = value_in(query, "rule");
    filter.namespace_ = value_in(query, "namespace");
    filter.workload = value_in(query, "workload");
    filter.pod = value_in(query, "pod");
    filter.version = value_in(query, "version");
    filter.runner = value_in(query, "runner");
    filter.text = value_in(query, "text");
    filter.limit = page_default;
    if (const std::string limit = value_in(query, "limit"); !limit.empty()) {
        const char* end = limit.data() + limit.size();
        const auto [last, error] = std::from_chars(limit.data(), end, filter.limit);
        if (error != std::errc() || last != end || filter.limit < 1 || filter.limit > page_max)
            return "limit is a number from 1 to " + std::to_string(page_max) + ".";
    }
    if (const std::string cursor = value_in(query, "cursor"); !cursor.empty()) {
        filter.after = cursor_from(cursor);
        if (!filter.after) return "cursor is none that a page before gave as \"next\".";
    }
    return {};
}

// Which facets are wanted; without a word all but those that take long.
std::string read_facets(Query& query, std::vector<std::string>& facets) {
    const auto& known = IncidentFacets::names();
    const auto wanted = query.extract("facets");
    if (!wanted) {
        facets.assign(known.begin(), std::find(known.begin(), known.end(), "runner"));
        return {};
    }
    facets = parts_of(wanted.mapped(), ',');
    for (const auto& name : facets)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return "facets is a list of rule, severity, namespace, workload, state, outcome, "
                   "runner, pod, node, version; \"" +
                   name + "\" is none.";
    return {};
}

std::string read_postmortem(const Query& query, HistoryQuestion& question) {
    question.form = value_in(query, "format").empty() ? "md" : value_in(query, "format");
    question.template_name =
        value_in(query, "template").empty() ? "sre" : value_in(query, "template");
    if (question.form != "md" && question.form != "html" && question.form != "json")
        return "format is md, html or json.";
    if (!built_in_template(question.template_name)) return "template is sre, pagerduty or gitlab.";
    return {};
}

const std::set<std::string>& story_parts() {
    static const std::set<std::string> parts{"timeline", "evidence",   "members", "causes",
                                             "fix",      "deliveries", "gaps",    "earlier"};
    return parts;
}

}  // namespace

bool is_history_path(const std::string& path) {
    return path == incidents_path || path.starts_with(incidents_path + "/") || path == stats_path;
}

std::optional<Timestamp> moment_from(const std::string& words, Timestamp now) {
    if (const auto ago = parse_duration(words)) {
        if (ago->count() < 0) return std::nullopt;
        return now - *ago;
    }
    if (words.size() == 10) {
        if (const auto day = parse_time(words + "T00:00:00Z")) return day->time;
        return std::nullopt;
    }
    const auto time = parse_time(words);
    if (!time || time->length != words.size()) return std::nullopt;
    return time->time;
}

Result<HistoryQuestion, ServerReply> history_question(const std::string& path, const Query& query,
                                                      Timestamp now) {
    HistoryQuestion question;
    if (path == incidents_path || path == incidents_path + "/" || path == stats_path) {
        if (path == stats_path) question.kind = HistoryQuestion::Kind::statistics;
        if (auto error = read_filter(query, now, question.filter); !error.empty())
            return failure(refused(error));
        return question;
    }
    if (path == facets_path) {
        question.kind = HistoryQuestion::Kind::facets;
        Query filter = query;
        auto error = read_facets(filter, question.facets);
        if (error.empty()) error = read_filter(filter, now, question.filter);
        if (!error.empty()) return failure(refused(error));
        return question;
    }
    const auto parts = parts_of(path.substr(incidents_path.size()), '/');
    question.kind = HistoryQuestion::Kind::incident;
    question.ids = parts.empty() ? std::vector<std::string>{} : parts_of(parts.front(), ',');
    const std::string what = parts.size() > 1 ? parts[1] : "";
    const bool known =
        what.empty() || what == "similar" || what == "postmortem" || story_parts().contains(what);
    if (parts.size() > 2 || !known || question.ids.empty())
        return failure(
            problem_reply(404, "Not found",
                          "There is nothing at " + path +
                              ". An incident has timeline, evidence, members, "
                              "causes, fix, deliveries, gaps, earlier, similar and postmortem."));
    if (what == "similar") question.kind = HistoryQuestion::Kind::similar;
    if (what == "postmortem") question.kind = HistoryQuestion::Kind::postmortem;
    if (story_parts().contains(what)) question.part = what;
    if (question.ids.size() > (what == "postmortem" ? postmortem_max : 1))
        return failure(refused("Too many incidents at once."));
    if (what == "postmortem")
        if (auto error = read_postmortem(query, question); !error.empty())
            return failure(refused(error));
    return question;
}

Result<IncidentFilter, ServerReply> event_filter(const Query& query) {
    static const std::set<std::string> known{"state", "severity", "rule", "namespace", "workload"};
    for (const auto& [name, value] : query)
        if (!known.contains(name))
            return failure(
                refused("Events are chosen by state, severity, rule, namespace and "
                        "workload, not by " +
                        name + "."));
    IncidentFilter filter;
    if (auto error = read_filter(query, Timestamp{}, filter); !error.empty())
        return failure(refused(error));
    return filter;
}

}  // namespace runnerwatch
