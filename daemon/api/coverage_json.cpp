#include "daemon/api/coverage_json.h"

#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using json = nlohmann::ordered_json;

namespace {

json words(const std::optional<Timestamp>& at) { return at ? json(format_time(*at)) : json(); }

json gap_to_json(const CoverageRow& gap) {
    return {{"kind", gap.kind},
            {"certainty", gap.certainty},
            {"from", words(gap.from)},
            {"to", words(gap.to)},
            {"lines", gap.lines < 0 ? json() : json(gap.lines)},
            {"says", gap_words(gap)},
            {"details", visible_text(gap.details)},
            {"noted_at", format_time(gap.noted_at)}};
}

}  // namespace

json coverage_to_json(const CoverageReport& report) {
    json sources = json::array();
    for (const auto& source : report.sources) {
        json gaps = json::array();
        for (const auto& gap : source.gaps) gaps.push_back(gap_to_json(gap));
        const Place& place = source.place;
        json lag;
        if (source.lag) lag = std::chrono::floor<std::chrono::seconds>(*source.lag).count();
        sources.push_back({{"cluster", place.cluster},
                           {"namespace", place.namespace_},
                           {"workload", place.workload},
                           {"member", place.member},
                           {"container", place.container},
                           {"instance", place.instance},
                           {"state", to_string(source.state)},
                           {"read_from", words(source.read_from)},
                           {"read_up_to", words(source.read_up_to)},
                           {"lag_seconds", lag},
                           {"lines", source.lines},
                           {"gaps", gaps}});
    }
    return {{"summary", report.count.words()},
            {"current", report.count.current},
            {"living", report.count.living},
            {"as_of", words(report.count.as_of)},
            {"sources", sources}};
}

}  // namespace runnerwatch
