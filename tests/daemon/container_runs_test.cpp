#include "daemon/container_runs.h"

#include "parsers/anchor_ring.h"

#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

Place place(int run, const std::string& uid = "u-1") {
    Place at;
    at.cluster = "c";
    at.namespace_ = "n";
    at.member_uid = uid;
    at.container = "runner";
    at.instance = "c/n/" + uid + "/runner/c://run-" + std::to_string(run);
    return at;
}

// A container whose run is number `run`, with the one before it where there is one.
PodContainer container(int run) {
    PodContainer shown;
    shown.name = "runner";
    shown.id = "run-" + std::to_string(run);
    shown.restarts = run;
    if (run > 0) shown.last_id = "run-" + std::to_string(run - 1);
    return shown;
}

TEST(ContainerRuns, SeesNothingMissingFromOneRunToTheNext) {
    ContainerRuns runs;
    for (int run = 0; run < 3; ++run) {
        const auto news = runs.see(place(run), container(run), true);
        EXPECT_FALSE(news.previous) << run;
        EXPECT_EQ(news.unseen, 0) << run;
    }
}

TEST(ContainerRuns, CountsTheRunsThatNobodySaw) {
    ContainerRuns runs;
    runs.see(place(1), container(1), true);
    const auto news = runs.see(place(5), container(5), true);
    EXPECT_TRUE(news.previous) << "run 4 can be read";
    EXPECT_EQ(news.unseen, 2) << "runs 2 and 3 cannot";
    EXPECT_EQ(news.last_seen, place(1).instance);
    EXPECT_EQ(runs.see(place(5), container(5), true).unseen, 0) << "once";
}

TEST(ContainerRuns, KnowsTheRunOfAnEarlierStart) {
    PositionRow position;
    position.instance = place(1).instance;
    position.blob = AnchorRing().blob(0);
    put_run(position.blob, 1);
    const Timestamp read_up_to{std::chrono::hours(5)};
    ContainerRuns runs;
    runs.load(position, read_up_to);
    const auto news = runs.see(place(4), container(4), false);
    EXPECT_EQ(news.unseen, 1);
    EXPECT_EQ(news.read_up_to, read_up_to);
}

TEST(ContainerRuns, ReadsAPositionWithAndWithoutTheNumberOfTheRun) {
    for (const int lines : {0, 1, 64}) {
        AnchorRing ring(lines == 1 ? std::optional(Timestamp{}) : std::nullopt);
        for (int i = 0; i < lines; ++i) ring.push({});
        const std::string old = ring.blob(0);
        std::string blob = old;
        put_run(blob, 70'000);
        std::string_view stored = blob, without = old;
        EXPECT_EQ(take_run(stored), 70'000);
        EXPECT_EQ(stored, old);
        EXPECT_EQ(take_run(without), -1);
        EXPECT_EQ(without, old);
    }
}

TEST(ContainerRuns, ExpectsAllRunsOfAPodThatWasMadeWhileItWatched) {
    ContainerRuns runs;
    const auto made = runs.see(place(2, "u-2"), container(2), true);
    EXPECT_TRUE(made.previous);
    EXPECT_EQ(made.unseen, 1) << "run 0";
    const auto found = runs.see(place(2, "u-3"), container(2), false);
    EXPECT_FALSE(found.previous) << "what was there before us is history";
    EXPECT_EQ(found.unseen, 0);
}

// In a crash loop the run that ended stands as the current and as the last one.
TEST(ContainerRuns, DoesNotTakeTheRunThatEndedForTheOneBefore) {
    ContainerRuns runs;
    runs.see(place(1), container(1), true);
    PodContainer waiting = container(3);
    waiting.last_id = waiting.id;
    const auto news = runs.see(place(3), waiting, true);
    EXPECT_FALSE(news.previous);
    EXPECT_EQ(news.unseen, 1);
}

TEST(ContainerRuns, ForgetsAPod) {
    ContainerRuns runs;
    runs.see(place(1), container(1), true);
    runs.forget(place(1));
    EXPECT_EQ(runs.see(place(9), container(9), false).unseen, 0);
}

}  // namespace
}  // namespace runnerwatch
