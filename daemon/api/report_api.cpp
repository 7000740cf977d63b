#include "daemon/api/report_api.h"

#include "alerts/range_report.h"
#include "daemon/api/history_api.h"
#include "daemon/api/visibility.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <tuple>

namespace runnerwatch {

namespace {

using Query = std::map<std::string, std::string>;

std::string value_in(const Query& query, const char* name, const char* otherwise) {
    const auto found = query.find(name);
    return found == query.end() || found->second.empty() ? otherwise : found->second;
}

// Nothing where it could be read; rows are then in `rows`.
std::optional<StoreError> read_sums(Reader& reader, const IncidentFilter& filter, RangeRows& rows) {
    const auto read =
        reader.each_moments(filter, [&rows](const IncidentMoments& one) { rows.sums.add(one); });
    if (!read) return read.error();
    return std::nullopt;
}

std::optional<StoreError> read_incidents(Reader& reader, IncidentFilter filter, RangeRows& rows) {
    filter.limit = RangeRows::incidents_max + 1;
    filter.parts_too = true;  // who merged what is told
    auto incidents = reader.incidents(filter);
    if (!incidents) return incidents.error();
    rows.more_incidents = incidents->size() > RangeRows::incidents_max;
    if (rows.more_incidents) incidents->pop_back();
    rows.incidents = std::move(*incidents);
    std::set<std::string> rules;
    for (const auto& row : rows.incidents) rules.insert(row.rule);
    for (const auto& rule : rules) {
        IncidentFilter before;
        before.rule = rule;
        before.visible = filter.visible;
        before.until = rows.since - Duration(1);
        before.limit = 1;
        before.parts_too = true;
        const auto earlier = reader.incidents(before);
        if (!earlier) return earlier.error();
        if (!earlier->empty()) rows.known_rules.insert(rule);
    }
    return std::nullopt;
}

std::optional<StoreError> read_deliveries(Reader& reader, const std::vector<std::string>& visible,
                                          RangeRows& rows) {
    const auto read =
        reader.each_delivery(rows.since, rows.until, visible,
                             [&rows](const DeliveryAttemptRow& row) { rows.told.add(row); });
    if (!read) return read.error();
    return std::nullopt;
}

std::optional<StoreError> read_coverage(Reader& reader, const std::vector<std::string>& visible,
                                        RangeRows& rows) {
    auto coverage = reader.coverage_rows();
    if (!coverage) return coverage.error();
    rows.coverage = std::move(*coverage);
    if (visible.empty()) {
        auto templates = reader.templates();
        if (!templates) return templates.error();
        rows.templates = std::move(*templates);
        return std::nullopt;
    }
    // Messages have no namespace, so who may not see all sees none of them.
    std::set<std::string> instances;
    std::erase_if(rows.coverage.sources,
                  [&](const SourceRow& row) { return !is_visible(visible, row.place.namespace_); });
    for (const auto& row : rows.coverage.sources) instances.insert(row.place.instance);
    std::erase_if(rows.coverage.coverage,
                  [&](const CoverageRow& row) { return !instances.contains(row.instance); });
    return std::nullopt;
}

}  // namespace

Result<ReportQuestion, ServerReply> report_question(const Query& query, Timestamp now) {
    const auto refused = [](const std::string& detail) {
        return failure(problem_reply(400, "Bad request", detail));
    };
    for (const auto& [name, value] : query)
        if (name != "since" && name != "until" && name != "format")
            return refused("A report is asked for by since, until and format, not by " + name +
                           ".");
    ReportQuestion question;
    question.form = value_in(query, "format", "md");
    if (question.form != "md" && question.form != "html" && question.form != "json")
        return refused("format is md, html or json.");
    const auto since = moment_from(value_in(query, "since", "7d"), now);
    const auto until = moment_from(value_in(query, "until", "0"), now);
    if (!since || !until)
        return refused(
            "since and until are each a time (2026-11-30T02:10:03Z), a day (2026-11-30) or how "
            "long ago (36h, 7d).");
    if (*since >= *until) return refused("since lies behind until: there is nothing between them.");
    question.since = *since;
    question.until = *until;
    return question;
}

Result<ServerReply, StoreError> report_reply(Reader& reader, const ReportQuestion& question) {
    RangeRows rows;
    rows.since = question.since;
    rows.until = question.until;
    IncidentFilter filter;
    filter.since = question.since;
    filter.until = question.until;
    filter.visible = question.visible;
    auto trouble = read_sums(reader, filter, rows);
    if (!trouble) trouble = read_incidents(reader, filter, rows);
    if (!trouble) trouble = read_deliveries(reader, question.visible, rows);
    if (!trouble) trouble = read_coverage(reader, question.visible, rows);
    if (trouble) return failure(*trouble);
    const Document document = range_report(rows);
    ServerReply reply;
    if (question.form == "html") {
        reply.content_type = "text/html; charset=utf-8";
        reply.body = to_html(document);
    } else if (question.form == "json") {
        reply.body = to_json(document).dump(-1, ' ', false,
                                            nlohmann::ordered_json::error_handler_t::replace);
    } else {
        reply.content_type = "text/markdown; charset=utf-8";
        reply.body = to_markdown(document);
    }
    return reply;
}

}  // namespace runnerwatch
