#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <set>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Timestamp now() { return std::chrono::system_clock::now(); }

// Numbered lines of the runner, in its text format.
std::string refused(int number) {
    return "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
           "correlation_id=" +
           std::to_string(number) +
           " runner=glpat-FAK runner_name=k8s-runner status=\"POST "
           "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
}

std::string unavailable() {
    return "time=\"2026-11-24T10:00:00Z\" level=warning msg=\"Checking for jobs... failed\" "
           "runner=AbCdEfGhI runner_name=k8s-runner status=\"POST "
           "https://gitlab.example.com/api/v4/jobs/request: 502 Bad Gateway\"";
}

std::vector<IncidentRow> of(const std::vector<IncidentRow>& rows, const std::string& rule) {
    std::vector<IncidentRow> found;
    for (const auto& row : rows)
        if (row.rule == rule) found.push_back(row);
    return found;
}

TEST(Kill, LosesNoLineCountsNoneTwiceAndLosesNoAlert) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    std::mt19937 random(7);
    int appended = 0;
    const auto add = [&] { world.append(pod, now(), refused(appended++)); };
    for (int kill = 0; kill < 50; ++kill) {
        world.start_daemon();
        // Killed at one of its writes: while it starts, opens, grows, tells, or commits a position.
        for (auto lines = random() % 40; lines > 0; --lines) {
            add();
            world.until_written(random() % 4, [&] {
                return world.lines_committed() == static_cast<std::uint64_t>(appended);
            });
        }
        world.kill_daemon();
        for (unsigned i = 0; i < random() % 4; ++i) add();
    }
    world.start_daemon();
    world.until("every line is counted", [&] {
        const auto rows = of(world.incidents(), "job-request-forbidden");
        return rows.size() == 1 && rows[0].count >= appended;
    });
    const auto rows = of(world.incidents(), "job-request-forbidden");
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].count, appended);
    EXPECT_EQ(world.lines_committed(), static_cast<std::uint64_t>(appended));
    const auto detail = world.incident(rows[0].key);
    ASSERT_TRUE(detail);
    EXPECT_EQ(detail->evidence.size(), 20u);
    EXPECT_EQ(detail->evidence.back().ordinal, appended);
    EXPECT_TRUE(world.gaps("poison").empty()) << "a SIGKILL is nobody's fault";

    world.until("the alert has arrived",
                [&] { return world.on_loop([&] { return !world.hook().received().empty(); }); });
    const auto bodies = world.on_loop([&] {
        std::map<std::string, std::set<std::string>> told;  // id -> incidents
        for (const auto& request : world.hook().received()) {
            const auto body = nlohmann::json::parse(request.body);
            for (const auto& incident : body["data"]["incidents"])
                told[request.headers.at("webhook-id")].insert(incident["id"].get<std::string>());
        }
        return told;
    });
    EXPECT_FALSE(bodies.empty());
    for (const auto& [id, incidents] : bodies)
        EXPECT_EQ(incidents, std::set<std::string>{rows[0].ulid}) << id;
    EXPECT_EQ(world.terminate_daemon(), 0);
}

TEST(Kill, BetweenTheSecondAndTheThirdOfARuleThatOpensAtThree) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    world.start_daemon();
    const Timestamp began = now();
    world.append(pod, began, unavailable());
    world.append(pod, began + 1ms, unavailable());
    world.until("two lines are committed", [&] { return world.lines_committed() == 2; });
    EXPECT_TRUE(world.incidents().empty());
    world.kill_daemon();
    world.start_daemon();
    world.append(pod, began + 2s, unavailable());
    world.until("the incident is open",
                [&] { return !of(world.incidents(), "gitlab-unavailable").empty(); });
    EXPECT_EQ(of(world.incidents(), "gitlab-unavailable")[0].count, 3);
    EXPECT_EQ(of(world.incidents(), "gitlab-unavailable")[0].first_seen, began);
}

TEST(Kill, RightAfterALineThatAnHourOfSilenceFollows) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    const Timestamp then = now() - 1h;
    world.append(pod, then, refused(1));
    world.start_daemon();
    world.until("it is counted", [&] { return world.incidents().size() == 1; });
    world.kill_daemon();
    world.start_daemon();
    world.append(pod, now(), refused(2));
    world.until("the next is counted", [&] {
        const auto rows = world.incidents();
        return rows.size() == 1 && rows[0].count >= 2;
    });
    EXPECT_EQ(world.incidents()[0].count, 2);
    EXPECT_EQ(world.incidents()[0].state, IncidentState::open) << "silence proves nothing";
}

TEST(Kill, BetweenAHeadAndItsRawLines) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    const std::string head =
        "\x1b[31;1mERROR: Checking for jobs... forbidden             \x1b[0;m  "
        "\x1b[31;1mrunner\x1b[0;m=glpat-FAK \x1b[31;1mrunner_name\x1b[0;m=k8s-runner "
        "\x1b[31;1mstatus\x1b[0;m=POST https://gitlab.example.com/api/v4/jobs/request: 403 "
        "Forbidden";
    const Timestamp at = now();
    world.start_daemon();
    world.append(pod, at, head);
    world.until("it is counted", [&] { return world.incidents().size() == 1; });
    world.until("its position is committed", [&] { return world.lines_committed() == 1; });
    world.kill_daemon();
    world.start_daemon();
    world.append(pod, at + 100ms, "and the rest of a value of several lines");
    world.until("the raw line is kept", [&] {
        const auto detail = world.incident(world.incidents().at(0).key);
        return detail && detail->evidence.at(0).text.find("several lines") != std::string::npos;
    });
    EXPECT_EQ(world.incidents().at(0).count, 1);
}

}  // namespace
}  // namespace runnerwatch
