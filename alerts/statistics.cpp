#include "alerts/statistics.h"

#include <algorithm>

namespace runnerwatch {

namespace {

std::size_t rank(std::size_t n, std::size_t percent) { return (n * percent + 99) / 100 - 1; }

// Between two moments, if both are known; what lies the wrong way round was at once.
void measure(std::vector<Duration>& values, const std::optional<Timestamp>& from,
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

void StatisticsSums::Times::add(const IncidentMoments& one) {
    if (one.drill) {
        ++counts.drills;
        return;
    }
    if (one.snoozed) {
        ++counts.snoozed;
        return;
    }
    ++counts.incidents;
    const bool over = one.state == IncidentState::resolved;
    if (!over) ++counts.going_on;
    const bool afterwards =
        over && one.clock == ClockKind::source && one.ended && *one.ended < one.detected;
    if (afterwards) {
        ++counts.found_afterwards;
    } else {
        if (one.clock == ClockKind::source) measure(detect, one.started, one.detected);
        measure(notify, one.detected, one.notified);
        measure(acknowledge, one.notified, one.acknowledged);
    }
    if (over) {
        measure(mitigate, one.started, one.mitigated);
        measure(resolve, one.started, one.ended);
    }
    if (!one.previous_ended || !one.started) return;
    for (std::size_t i = 0; i < counts.recurred.size(); ++i)
        if (*one.started - *one.previous_ended <=
            std::chrono::days(IncidentStatistics::recurrence_days[i]))
            ++counts.recurred[i];
}

IncidentStatistics StatisticsSums::Times::sums() const {
    IncidentStatistics sums = counts;
    sums.detect = percentiles(detect);
    sums.notify = percentiles(notify);
    sums.acknowledge = percentiles(acknowledge);
    sums.mitigate = percentiles(mitigate);
    sums.resolve = percentiles(resolve);
    return sums;
}

void StatisticsSums::add(const IncidentMoments& incident) {
    all_.add(incident);
    rules_[incident.rule].add(incident);
    const std::string& in = incident.namespace_;
    workloads_[in.empty() ? incident.workload : in + " " + incident.workload].add(incident);
    if (!incident.version.empty()) releases_[incident.version].add(incident);
}

IncidentStatistics StatisticsSums::all() const { return all_.sums(); }

std::vector<std::pair<std::string, IncidentStatistics>> StatisticsSums::by_rule() const {
    return listed(rules_);
}

std::vector<std::pair<std::string, IncidentStatistics>> StatisticsSums::by_workload() const {
    return listed(workloads_);
}

std::vector<std::pair<std::string, IncidentStatistics>> StatisticsSums::by_release() const {
    return listed(releases_);
}

std::vector<std::pair<std::string, IncidentStatistics>> StatisticsSums::listed(const Sums& of) {
    std::vector<std::pair<std::string, IncidentStatistics>> list;
    for (const auto& [name, times] : of) list.emplace_back(name, times.sums());
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
        return a.second.incidents > b.second.incidents;
    });
    return list;
}

}  // namespace runnerwatch
