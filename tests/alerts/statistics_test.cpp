#include "alerts/statistics.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const Timestamp noon = Timestamp(std::chrono::days(20'000)) + 12h;

IncidentMoments resolved(Duration length) {
    IncidentMoments one;
    one.rule = "job-request-forbidden";
    one.state = IncidentState::resolved;
    one.started = noon;
    one.detected = noon + 2s;
    one.mitigated = noon + length - 1min;
    one.ended = noon + length;
    return one;
}

IncidentStatistics statistics(const std::vector<IncidentMoments>& incidents) {
    StatisticsSums sums;
    for (const auto& one : incidents) sums.add(one);
    return sums.all();
}

TEST(Percentiles, AreValuesThatWereMeasured) {
    struct Case {
        const char* name;
        std::vector<Duration> values;
        std::optional<Duration> p50, p90;
    };
    const Case cases[] = {
        {"none", {}, std::nullopt, std::nullopt},
        {"one", {5s}, 5s, 5s},
        {"two", {9s, 5s}, 5s, 9s},
        {"ten", {10s, 9s, 8s, 7s, 6s, 5s, 4s, 3s, 2s, 1s}, 5s, 9s},
        {"eleven", {11s, 10s, 9s, 8s, 7s, 6s, 5s, 4s, 3s, 2s, 1s}, 6s, 10s},
    };
    for (const auto& [name, values, p50, p90] : cases) {
        SCOPED_TRACE(name);
        const auto found = percentiles(values);
        EXPECT_EQ(found.n, values.size());
        EXPECT_EQ(found.p50, p50);
        EXPECT_EQ(found.p90, p90);
    }
}

TEST(Statistics, WhatPeopleKeptQuietIsCountedAndStandsInNoFigure) {
    IncidentMoments quiet = resolved(30min);
    quiet.snoozed = true;
    quiet.previous_ended = noon - 1h;
    const auto sums = statistics({quiet, resolved(10min)});
    EXPECT_EQ(sums.snoozed, 1u);
    EXPECT_EQ(sums.incidents, 1u);
    EXPECT_EQ(sums.resolve.n, 1u);
    EXPECT_EQ(sums.resolve.p90, 10min);
    EXPECT_EQ(sums.recurred[0], 0u);
}

TEST(Statistics, DrillsAreCountedAndStandInNoFigure) {
    IncidentMoments drill = resolved(30min);
    drill.drill = drill.snoozed = true;
    drill.version = "17.5.0";
    StatisticsSums sums;
    sums.add(drill);
    sums.add(resolved(10min));
    EXPECT_EQ(sums.all().drills, 1u);
    EXPECT_EQ(sums.all().snoozed, 0u) << "each is left out once";
    EXPECT_EQ(sums.all().incidents, 1u);
    EXPECT_EQ(sums.all().resolve.p90, 10min);
    EXPECT_EQ(sums.by_rule()[0].second.incidents, 1u);
    EXPECT_EQ(sums.by_release()[0].second.incidents, 0u);
}

TEST(Statistics, AreSummedUpByWorkload) {
    StatisticsSums sums;
    IncidentMoments one = resolved(30min);
    sums.add(one);
    one.workload = "Deployment/runner";
    for (const char* in : {"team-a", "team-b", "team-b"}) {
        one.namespace_ = in;
        sums.add(one);
    }
    const auto workloads = sums.by_workload();
    ASSERT_EQ(workloads.size(), 3u);
    EXPECT_EQ(workloads[0].first, "team-b Deployment/runner");
    EXPECT_EQ(workloads[0].second.incidents, 2u);
    EXPECT_EQ(workloads[1].first, "") << "of a host";
    EXPECT_EQ(workloads[2].first, "team-a Deployment/runner");
}

TEST(Statistics, AreSummedUpByReleaseWhereThatIsKnown) {
    StatisticsSums sums;
    IncidentMoments one = resolved(30min);
    sums.add(one);
    one.version = "17.5.0";
    sums.add(one);
    sums.add(one);
    one.version = "18.0.0";
    sums.add(one);
    const auto releases = sums.by_release();
    ASSERT_EQ(releases.size(), 2u);
    EXPECT_EQ(releases[0].first, "17.5.0");
    EXPECT_EQ(releases[0].second.incidents, 2u);
    EXPECT_EQ(releases[1].first, "18.0.0");
    EXPECT_EQ(sums.all().incidents, 4u);
}

TEST(Statistics, MeasureEachStepBetweenItsOwnMoments) {
    IncidentMoments one = resolved(30min);
    one.notified = noon + 40s;
    one.acknowledged = noon + 5min;
    const auto sums = statistics({one});
    EXPECT_EQ(sums.detect.p50, 2s);
    EXPECT_EQ(sums.notify.p50, 38s);
    EXPECT_EQ(sums.acknowledge.p50, 4min + 20s);
    EXPECT_EQ(sums.mitigate.p50, 29min);
    EXPECT_EQ(sums.resolve.p50, 30min);
    EXPECT_EQ(sums.going_on, 0u);
}

TEST(Statistics, CountWhatWasNotMeasuredForNothing) {
    IncidentMoments open = resolved(30min);
    open.state = IncidentState::cannot_tell;
    IncidentMoments without_times = resolved(30min);
    without_times.clock = ClockKind::ours;
    const auto sums = statistics({open, without_times, resolved(10min)});
    EXPECT_EQ(sums.incidents, 3u);
    EXPECT_EQ(sums.going_on, 1u);
    EXPECT_EQ(sums.resolve.n, 2u) << "one goes on";
    EXPECT_EQ(sums.detect.n, 2u) << "the log of one has no times";
    EXPECT_EQ(sums.notify.n, 0u);
    EXPECT_FALSE(sums.notify.p50);
}

TEST(Statistics, SayNothingOfDetectionWhereALogWasReadAfterwards) {
    IncidentMoments read_later = resolved(30min);
    read_later.detected = noon + 9h;
    read_later.notified = noon + 10h;
    IncidentMoments ahead = resolved(10min);
    ahead.detected = noon - 1s;
    const auto sums = statistics({read_later, ahead});
    EXPECT_EQ(sums.found_afterwards, 1u);
    EXPECT_EQ(sums.detect.n, 1u);
    EXPECT_EQ(sums.detect.p50, 0s) << "a node's clock may be ahead of ours";
    EXPECT_EQ(sums.notify.n, 0u);
    EXPECT_EQ(sums.resolve.n, 2u);
}

TEST(Statistics, CountARecurrenceBySpansThatHoldIt) {
    std::vector<IncidentMoments> incidents;
    for (const auto days : {1, 7, 8, 30, 90, 91}) {
        incidents.push_back(resolved(10min));
        incidents.back().previous_ended = noon - std::chrono::days(days);
    }
    incidents.push_back(resolved(10min));
    EXPECT_THAT(statistics(incidents).recurred, ElementsAre(2u, 4u, 5u));
}

TEST(Statistics, ListTheRulesWithMostIncidentsFirst) {
    std::vector<IncidentMoments> incidents{resolved(10min), resolved(20min), resolved(30min)};
    incidents[1].rule = incidents[2].rule = "zebra";
    StatisticsSums sums;
    for (const auto& one : incidents) sums.add(one);
    const auto list = sums.by_rule();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].first, "zebra");
    EXPECT_EQ(list[0].second.incidents, 2u);
    EXPECT_EQ(list[1].second.resolve.p90, 10min);
}

}  // namespace
}  // namespace runnerwatch
