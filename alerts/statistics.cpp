#include "alerts/statistics.h"

#include <algorithm>

namespace runnerwatch {

namespace {

std::size_t rank(std::size_t n, std::size_t percent) { return (n * percent + 99) / 100 - 1; }

// Between two moments, if both are known; what lies the wrong way round was at once.
void add(std::vector<Duration>& values, const std::optional<Timestamp>& from,
         const std::optional<Timestamp>& to) {
    if (from && to) values.push_back(std::max(*to - *from, Duration(0)));
}

}  // namespace

Percentiles percentiles(std::vector<Duration> values) {
    Percentiles found;
    found.n = values.size();
    if (values.empty()) return found;
    std::sort(values.begin(), values.end());
    found.p50 = values[rank(values.size(), 50)];
    found.p90 = values[rank(values.size(), 90)];
    return found;
}

IncidentStatistics statistics(const std::vector<IncidentMoments>& incidents) {
    IncidentStatistics sums;
    std::vector<Duration> detect, notify, acknowledge, mitigate, resolve;
    for (const auto& one : incidents) {
        ++sums.incidents;
        const bool over = one.state == IncidentState::resolved;
        if (!over) ++sums.going_on;
        const bool afterwards =
            over && one.clock == ClockKind::source && one.ended && *one.ended < one.detected;
        if (afterwards) {
            ++sums.found_afterwards;
        } else {
            if (one.clock == ClockKind::source) add(detect, one.started, one.detected);
            add(notify, one.detected, one.notified);
            add(acknowledge, one.notified, one.acknowledged);
        }
        if (over) {
            add(mitigate, one.started, one.mitigated);
            add(resolve, one.started, one.ended);
        }
        if (!one.previous_ended || !one.started) continue;
        for (std::size_t i = 0; i < sums.recurred.size(); ++i)
            if (*one.started - *one.previous_ended <=
                std::chrono::days(IncidentStatistics::recurrence_days[i]))
                ++sums.recurred[i];
    }
    sums.detect = percentiles(std::move(detect));
    sums.notify = percentiles(std::move(notify));
    sums.acknowledge = percentiles(std::move(acknowledge));
    sums.mitigate = percentiles(std::move(mitigate));
    sums.resolve = percentiles(std::move(resolve));
    return sums;
}

std::vector<std::pair<std::string, IncidentStatistics>> statistics_by_rule(
    const std::vector<IncidentMoments>& incidents) {
    std::map<std::string, std::vector<IncidentMoments>> by_rule;
    for (const auto& one : incidents) by_rule[one.rule].push_back(one);
    std::vector<std::pair<std::string, IncidentStatistics>> list;
    for (const auto& [rule, of_rule] : by_rule) list.emplace_back(rule, statistics(of_rule));
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
        return a.second.incidents > b.second.incidents;
    });
    return list;
}

}  // namespace runnerwatch
