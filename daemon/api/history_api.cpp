#include "daemon/api/history_api.h"

#include "alerts/postmortem.h"
#include "alerts/statistics.h"
#include "daemon/api/incident_json.h"
#include "daemon/api/visibility.h"
#include "daemon/net/gzip.h"
#include "parsers/digest.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;
constexpr std::size_t similar_max = 20;

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A cursor is opaque to callers: what it holds may change.
std::string cursor_of(const IncidentRow& last) {
    const Timestamp seen = last.last_seen.value_or(Timestamp{});
    return std::to_string(seen.time_since_epoch().count()) + "-" + std::to_string(last.number);
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
            {"snoozed", sums.snoozed},
            {"drills", sums.drills},
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

ServerReply postmortem_reply(const HistoryQuestion& question, const std::vector<json>& stories) {
    const auto document = postmortem(stories, *built_in_template(question.template_name));
    if (!document) return problem_reply(400, "Bad request", "template: " + document.error());
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

}  // namespace

ServerReply problem_reply(int status, const std::string& title, const std::string& detail) {
    return {status, "application/problem+json", problem_json(status, title, detail), {}};
}

ServerReply storage_reply(const StoreError& error) {
    const bool too_long = error.kind == StoreError::Kind::too_long;
    ServerReply reply = problem_reply(503, too_long ? "Takes too long" : "Storage", error.what);
    reply.headers.emplace_back("retry-after", "5");
    return reply;
}

bool takes_long(const HistoryQuestion& question) {
    using Kind = HistoryQuestion::Kind;
    return question.kind == Kind::facets || question.kind == Kind::statistics ||
           question.kind == Kind::postmortem || !question.filter.text.empty();
}

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
        if (!*found || !is_visible(question.filter.visible, (*found)->incident.namespace_))
            return std::optional<HistoryRows>();
        auto rows = reader.similar((*found)->incident, similar_max);
        if (!rows) return failure(rows.error());
        std::erase_if(*rows, [&](const SimilarIncident& one) {
            return !is_visible(question.filter.visible, one.incident.namespace_);
        });
        return given(SimilarRows{std::move((*found)->incident), std::move(*rows)});
    }
    std::vector<IncidentStory> stories;
    std::vector<std::string> ids = question.ids;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        auto story = reader.story(ids[i], question.filter.visible);
        if (!story) return failure(story.error());
        if (!*story || !is_visible(question.filter.visible, (*story)->detail.incident.namespace_))
            return std::optional<HistoryRows>();
        if (const auto& cause = (*story)->cause;
            cause && !is_visible(question.filter.visible, cause->namespace_))
            (*story)->cause.reset();
        const auto same = [&](const IncidentStory& other) {
            return other.detail.incident.key == (*story)->detail.incident.key;
        };
        if (std::any_of(stories.begin(), stories.end(), same)) continue;
        // A postmortem of a merged incident tells of its parts, too.
        if (question.kind == Kind::postmortem)
            for (const auto& part : (*story)->parts) ids.push_back(part.key);
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
        const std::size_t shown = std::min(list->size(), question.filter.limit);
        reply.body = "{\"incidents\":[";
        for (std::size_t i = 0; i < shown; ++i) {
            if (i > 0) reply.body += ',';
            append_incident((*list)[i], reply.body);
        }
        const bool more = list->size() > shown;
        reply.body +=
            "],\"next\":" + dump(more ? json(cursor_of((*list)[shown - 1])) : json()) + "}";
    } else if (const auto* facets = std::get_if<IncidentFacets>(&rows)) {
        reply.body = dump(facets_json(*facets));
    } else if (const auto* similar = std::get_if<SimilarRows>(&rows)) {
        reply.body = dump({{"number", similar->incident.number},
                           {"id", similar->incident.ulid},
                           {"rule", similar->incident.rule},
                           {"title", similar->incident.title},
                           {"similar", similar_to_json(similar->similar)}});
    } else if (const auto* sums = std::get_if<StatisticsSums>(&rows)) {
        json by_rule = json::array(), by_workload = json::array(), by_release = json::array();
        const auto put = [](json& into, const char* name, const auto& sums_of) {
            json one{{name, sums_of.first}};
            one.update(statistics_json(sums_of.second));
            into.push_back(std::move(one));
        };
        for (const auto& rule : sums->by_rule()) put(by_rule, "rule", rule);
        for (const auto& workload : sums->by_workload()) put(by_workload, "workload", workload);
        for (const auto& release : sums->by_release()) put(by_release, "version", release);
        const auto time = [](const std::optional<Timestamp>& at) {
            return at ? json(format_time(*at)) : json();
        };
        reply.body = dump({{"since", time(question.filter.since)},
                           {"until", time(question.filter.until)},
                           {"all", statistics_json(sums->all())},
                           {"rules", by_rule},
                           {"workloads", by_workload},
                           {"releases", by_release}});
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

Result<ServerReply, StoreError> answer_history(Reader& reader, const HistoryQuestion& question,
                                               const RulePack& pack, bool compressed,
                                               std::atomic<bool>& begun) {
    begun = true;
    const auto rows = read_history(reader, question);
    if (!rows) return failure(rows.error());
    ServerReply reply = *rows ? history_reply(question, **rows, pack) : no_such_incident(question);
    if (compressed) compress(reply);
    return reply;
}

}  // namespace runnerwatch
