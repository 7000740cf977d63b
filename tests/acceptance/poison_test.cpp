#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Timestamp began = std::chrono::system_clock::now();

std::string refused_by(const std::string& host) {
    return "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
           "runner=glpat-FAK runner_name=k8s-runner status=\"POST https://" +
           host + "/api/v4/jobs/request: 403 Forbidden\"";
}

std::int64_t count_of(const World& world, const std::string& rule) {
    std::int64_t count = 0;
    for (const auto& row : world.incidents())
        if (row.rule == rule) count += row.count;
    return count;
}

// The daemon with a matcher that aborts on one host's name.
class Poison : public testing::Test {
protected:
    Poison() {
        world.set_environment("LD_PRELOAD", ABORT_IN_MATCHER);
        // Of use only where the daemon is built with a sanitizer, which would take a fault
        // for its own and exit with a code instead of dying of it.
        world.set_environment("ASAN_OPTIONS", "verify_asan_link_order=0:handle_segv=0");
        world.set_environment("TSAN_OPTIONS", "handle_segv=0");
    }
    World world;
    const std::string sick = world.add_pod("runner-sick", "aaaaa");
    const std::string well = world.add_pod("runner-well", "bbbbb");
};

TEST_F(Poison, IsPassedOverAtTheFourthStartAndEverythingElseIsRead) {
    world.append(sick, began, refused_by("gitlab.example.com"));
    world.append(sick, began + 1s, refused_by("abört.example.com"));
    world.append(sick, began + 2s, refused_by("gitlab.example.com"));
    for (int crash = 1; crash <= 3; ++crash) {
        world.append(well, began + crash * 1s, refused_by("gitlab.example.com"));
        world.start_daemon();
        EXPECT_EQ(world.daemon_signal(), SIGABRT) << world.daemon_log();
    }
    world.start_daemon();
    world.until("the incident of ours is there",
                [&] { return count_of(world, "log-line-passed-over") == 1; });
    world.until("every other line is counted",
                [&] { return count_of(world, "job-request-forbidden") == 5; });
    EXPECT_THAT(world.daemon_log(), HasSubstr("in line 2 of test/gitlab-runner/uid-"));
    EXPECT_THAT(world.daemon_log(), HasSubstr("3 times in a row: the line is passed over"));

    // Neither a kill nor what comes later makes it two, and what is read stays read.
    world.until("it is committed", [&] { return world.lines_committed() == 6; });
    world.kill_daemon();
    world.append(sick, began + 3s, refused_by("gitlab.example.com"));
    world.start_daemon();
    world.until("the daemon goes on",
                [&] { return count_of(world, "job-request-forbidden") == 6; });
    EXPECT_EQ(count_of(world, "log-line-passed-over"), 1);
    const auto gaps = world.gaps("poison");
    ASSERT_EQ(gaps.size(), 1u);
    EXPECT_EQ(gaps[0].certainty, "lost");
    EXPECT_EQ(gaps[0].lines, 1);
    EXPECT_EQ(gaps[0].from, began + 1s);
    EXPECT_THAT(gaps[0].details, HasSubstr("XXH3 of its bytes: "));
    EXPECT_EQ(world.terminate_daemon(), 0);
}

TEST_F(Poison, IsNotWhatWasInReachOfAKill) {
    // Sent from outside, between lines: a fault of nobody's line.
    for (int crash = 1; crash <= 4; ++crash) {
        world.append(well, began + crash * 1s, refused_by("gitlab.example.com"));
        world.start_daemon();
        world.until("it is counted",
                    [&] { return world.lines_committed() == static_cast<std::uint64_t>(crash); });
        ::kill(world.daemon_pid(), SIGSEGV);
        EXPECT_EQ(world.daemon_signal(), SIGSEGV) << world.daemon_log();
    }
    EXPECT_TRUE(world.gaps("poison").empty());
    EXPECT_EQ(count_of(world, "job-request-forbidden"), 4);
}

}  // namespace
}  // namespace runnerwatch
