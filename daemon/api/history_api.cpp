#include "daemon/api/history_api.h"

#include "alerts/postmortem.h"
#include "alerts/statistics.h"
#include "daemon/api/incident_json.h"
#include "parsers/digest.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;
using Query = std::map<std::string, std::string>;

const std::string incidents_path = "/api/v1/incidents", facets_path = "/api/v1/incidents/facets",
                  stats_path = "/api/v1/stats";
constexpr std::size_t page_default = 50, page_max = 1'000, similar_max = 20, postmortem_max = 50;
constexpr std::size_t query_bytes_max = 1'000;  // of one value

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

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

// A cursor is opaque to callers: what it holds may change.
std::string cursor_of(const IncidentRow& last) {
    const Timestamp seen = last.last_seen.value_or(Timestamp{});
    return std::to_string(seen.time_since_epoch().count()) + "-" + std::to_string(last.number);
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
        "state", "severity", "rule",   "namespace",    "workload", "pod",      "text", "since",
        "until", "limit",    "cursor", "acknowledged", "snoozed",  "assignee", "tag"};
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
    for (const auto& [name, is] :
         {std::pair{"acknowledged", &filter.acknowledged}, {"snoozed", &filter.snoozed}}) {
        const std::string word = value_in(query, name);
        if (word.empty()) continue;
        if (word != "true" && word != "false") return std::string(name) + " is true or false.";
        *is = word == "true";
    }
    filter.assignee = value_in(query, "assignee");
    filter.tag = value_in(query, "tag");
    filter.rule = value_in(query, "rule");
    filter.namespace_ = value_in(query, "namespace");
    filter.workload = value_in(query, "workload");
    filter.pod = value_in(query, "pod");
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

json percentiles_json(const Percentiles& of) {
    const auto seconds = [](const std::optional<Duration>& duration) {
        return duration ? json(std::chrono::duration<double>(*duration).count()) : json();
    };
    return {{"n", of.n}, {"p50_seconds", seconds(of.p50)}, {"p90_seconds", seconds(of.p90)}};
}

json statistics_json(const IncidentStatistics& sums) {
    json recurred = json::object();
    for (std::size_t i = 0; i < sums.recurred.size(); ++i)
        recurred["within_" + std::to_string(IncidentStatistics::recurrence_days[i]) + "d"] =
            sums.recurred[i];
    return {{"incidents", sums.incidents},
            {"going_on", sums.going_on},
            {"found_afterwards", sums.found_afterwards},
            {"mttd", percentiles_json(sums.detect)},
            {"mttn", percentiles_json(sums.notify)},
            {"mtta", percentiles_json(sums.acknowledge)},
            {"mttm", percentiles_json(sums.mitigate)},
            {"mttr", percentiles_json(sums.resolve)},
            {"recurred", recurred}};
}

json facets_json(const IncidentFacets& facets) {
    json document{{"incidents", facets.incidents}, {"facets", json::object()}};
    for (const auto& facet : facets.facets) {
        json values = json::array();
        for (const auto& [value, count] : facet.values)
            values.push_back({{"value", value}, {"incidents", count}});
        document["facets"][facet.name] = {{"values", values}, {"beyond", facet.beyond}};
    }
    return document;
}

// Which facets are wanted; without a word all but those that take long.
std::string read_facets(Query& query, std::vector<std::string>& facets) {
    const auto& known = IncidentFacets::names();
    const auto wanted = query.extract("facets");
    if (!wanted) {
        facets.assign(known.begin(), std::find(known.begin(), known.end(), "pod"));
        return {};
    }
    facets = parts_of(wanted.mapped(), ',');
    for (const auto& name : facets)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return "facets is a list of rule, severity, namespace, workload, state, outcome, pod, "
                   "node; \"" +
                   name + "\" is none.";
    return {};
}

ServerReply postmortem_reply(const HistoryQuestion& question, const std::vector<json>& stories) {
    const auto document = postmortem(stories, *built_in_template(question.template_name));
    if (!document) return refused("template: " + document.error());
    ServerReply reply;
    if (question.form == "html") {
        reply.content_type = "text/html; charset=utf-8";
        reply.body = to_html(*document);
    } else if (question.form == "json") {
        reply.body = dump(to_json(*document));
    } else {
        reply.content_type = "text/markdown; charset=utf-8";
        reply.body = to_markdown(*document);
    }
    return reply;
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

ServerReply problem_reply(int status, const std::string& title, const std::string& detail) {
    return {status, "application/problem+json", problem_json(status, title, detail), {}};
}

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

namespace {

bool is_visible(const IncidentFilter& filter, const IncidentRow& row) {
    return filter.visible.empty() || std::find(filter.visible.begin(), filter.visible.end(),
                                               row.namespace_) != filter.visible.end();
}

// What a story says of other incidents.
void hide_others(IncidentStory& story, const IncidentFilter& filter) {
    if (story.cause && !is_visible(filter, *story.cause)) story.cause.reset();
    if (story.whole && !is_visible(filter, *story.whole)) story.whole.reset();
    std::erase_if(story.parts, [&](const IncidentRow& row) { return !is_visible(filter, row); });
}

}  // namespace

Result<std::optional<HistoryRows>, StoreError> read_history(Reader& reader,
                                                            const HistoryQuestion& question) {
    using Kind = HistoryQuestion::Kind;
    const auto given = [](auto&& rows) { return std::optional(HistoryRows(std::move(rows))); };
    if (question.kind == Kind::list) {
        IncidentFilter one_more = question.filter;
        ++one_more.limit;
        auto rows = reader.incidents(one_more);
        if (!rows) return failure(rows.error());
        return given(std::move(*rows));
    }
    if (question.kind == Kind::facets) {
        auto rows = reader.facets(question.filter, question.facets);
        if (!rows) return failure(rows.error());
        return given(std::move(*rows));
    }
    if (question.kind == Kind::statistics) {
        StatisticsSums sums;
        const auto read = reader.each_moments(
            question.filter, [&sums](const IncidentMoments& one) { sums.add(one); });
        if (!read) return failure(read.error());
        return given(std::move(sums));
    }
    if (question.kind == Kind::similar) {
        auto found = reader.incident(question.ids.front());
        if (!found) return failure(found.error());
        if (!*found || !is_visible(question.filter, (*found)->incident))
            return std::optional<HistoryRows>();
        auto rows = reader.similar((*found)->incident, similar_max);
        if (!rows) return failure(rows.error());
        std::erase_if(*rows, [&](const SimilarIncident& one) {
            return !is_visible(question.filter, one.incident);
        });
        return given(SimilarRows{std::move((*found)->incident), std::move(*rows)});
    }
    std::vector<IncidentStory> stories;
    for (const auto& id : question.ids) {
        auto story = reader.story(id);
        if (!story) return failure(story.error());
        if (!*story || !is_visible(question.filter, (*story)->detail.incident))
            return std::optional<HistoryRows>();
        hide_others(**story, question.filter);
        stories.push_back(std::move(**story));
    }
    return given(std::move(stories));
}

ServerReply no_such_incident(const HistoryQuestion& question) {
    std::string ids;
    for (const auto& id : question.ids) ids += (ids.empty() ? "" : ", ") + id;
    return problem_reply(
        404, "Not found",
        (question.ids.size() > 1 ? "Not all of these incidents exist: " : "There is no incident ") +
            ids + ". Numbers, ULIDs and keys are taken.");
}

ServerReply history_reply(const HistoryQuestion& question, const HistoryRows& rows,
                          const RulePack& pack) {
    ServerReply reply;
    if (const auto* list = std::get_if<std::vector<IncidentRow>>(&rows)) {
        json incidents = json::array();
        const std::size_t shown = std::min(list->size(), question.filter.limit);
        for (std::size_t i = 0; i < shown; ++i) incidents.push_back(incident_to_json((*list)[i]));
        const bool more = list->size() > shown;
        reply.body = dump({{"incidents", incidents},
                           {"next", more ? json(cursor_of((*list)[shown - 1])) : json()}});
    } else if (const auto* facets = std::get_if<IncidentFacets>(&rows)) {
        reply.body = dump(facets_json(*facets));
    } else if (const auto* similar = std::get_if<SimilarRows>(&rows)) {
        reply.body = dump({{"number", similar->incident.number},
                           {"id", similar->incident.ulid},
                           {"rule", similar->incident.rule},
                           {"title", similar->incident.title},
                           {"similar", similar_to_json(similar->similar)}});
    } else if (const auto* sums = std::get_if<StatisticsSums>(&rows)) {
        json by_rule = json::array();
        for (const auto& [rule, of_rule] : sums->by_rule()) {
            json one{{"rule", rule}};
            one.update(statistics_json(of_rule));
            by_rule.push_back(std::move(one));
        }
        const auto time = [](const std::optional<Timestamp>& at) {
            return at ? json(format_time(*at)) : json();
        };
        reply.body = dump({{"since", time(question.filter.since)},
                           {"until", time(question.filter.until)},
                           {"all", statistics_json(sums->all())},
                           {"rules", by_rule}});
    } else {
        std::vector<json> stories;
        for (const auto& story : std::get<std::vector<IncidentStory>>(rows))
            stories.push_back(story_to_json(story, pack));
        if (question.kind == HistoryQuestion::Kind::postmortem)
            return postmortem_reply(question, stories);
        const json& story = stories.front();
        if (question.part.empty()) {
            reply.body = dump(story);
            // The number of the last change tells who changes it whether they have seen all
            // others; the hash tells who reads it whether anything shown is new.
            reply.headers.emplace_back("etag", "\"" + story.at("changes").dump() + "-" +
                                                   sha256_hex(reply.body).substr(0, 16) + "\"");
        } else
            reply.body = dump({{"number", story.at("number")},
                               {"id", story.at("id")},
                               {question.part, story.at(question.part)}});
    }
    return reply;
}

}  // namespace runnerwatch
