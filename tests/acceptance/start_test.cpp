#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Timestamp now() { return std::chrono::system_clock::now(); }

const char* const refused =
    "level=error msg=\"Checking for jobs... forbidden\" runner=glpat-FAK runner_name=k8s-runner "
    "status=\"POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
const char* const got_a_job =
    "level=info msg=\"Checking for jobs... received\" job=1 runner=AbCdEfGhI "
    "runner_name=k8s-runner";
const char* const loaded = "level=info msg=\"Configuration loaded\" builds=0 max_builds=10";

std::string text(const char* rest) { return "time=\"2026-11-24T10:00:00Z\" " + std::string(rest); }

std::size_t deliveries(World& world) {
    return world.on_loop([&] { return world.hook().received().size(); });
}

std::size_t alerts(World& world) {
    return world.on_loop([&] { return world.alertmanager().alerts().size(); });
}

TEST(Start, OnADayOfFailuresThatAllEndedTellsNobody) {
    World world;
    for (const char* name : {"one", "two", "three"}) {
        const std::string pod = world.add_pod(name, "aaaaa");
        for (int hour = 10; hour > 1; --hour) {
            world.append(pod, now() - hour * 1h, text(refused));
            world.append(pod, now() - hour * 1h + 10min, text(got_a_job));
        }
    }
    world.start_daemon();
    world.until("all lines are read", [&] { return world.lines_committed() == 54; });
    for (const auto& row : world.incidents()) EXPECT_EQ(row.state, IncidentState::resolved);
    EXPECT_EQ(world.incidents().size(), 27u);
    // What would be told wrongly would be told by now: the first new trouble is.
    const std::string pod = world.add_pod("four", "aaaaa");
    world.append(pod, now(), text(refused));
    world.until("a new trouble is told", [&] { return deliveries(world) >= 1; });
    world.until("Alertmanager has it", [&] { return alerts(world) >= 1; });
    EXPECT_EQ(deliveries(world), 1u);
    EXPECT_EQ(alerts(world), 1u);
}

TEST(Start, WithThreeOpenSendsOneDigestAndThreeAlertsWithTheirOwnTimes) {
    World world;
    const Timestamp began = std::chrono::floor<std::chrono::seconds>(now() - 5h);
    int hours = 0;
    for (const char* name : {"one", "two", "three"}) {
        const std::string pod = world.add_pod(name, "aaaaa");
        world.append(pod, began + hours++ * 1h, text(refused));
    }
    world.start_daemon();
    world.until("the digest has arrived", [&] { return deliveries(world) >= 1; });
    world.until("the alerts have arrived", [&] { return alerts(world) >= 3; });
    const auto body =
        world.on_loop([&] { return nlohmann::json::parse(world.hook().received().at(0).body); });
    EXPECT_EQ(body["type"], "digest.start");
    EXPECT_EQ(body["data"]["incidents"].size(), 3u);
    EXPECT_THAT(body["data"]["subject"].get<std::string>(), HasSubstr("found at start: 3 open"));
    std::set<Timestamp> starts;
    world.on_loop([&] {
        for (const auto& [unused, alert] : world.alertmanager().alerts())
            starts.insert(alert.starts_at);
    });
    EXPECT_EQ(starts, (std::set<Timestamp>{began, began + 1h, began + 2h}));

    // Stopped, by force or in order, nothing is resolved: every alert lasts an hour from its last
    // refresh, so 20 minutes without us do not end it.
    world.kill_daemon();
    world.start_daemon();
    EXPECT_EQ(world.terminate_daemon(), 0);
    // Killed before its verdict was written, the digest may come again, then under the same key.
    const auto ids = world.on_loop([&] {
        std::set<std::string> all;
        for (const auto& request : world.hook().received())
            all.insert(request.headers.at("webhook-id"));
        return all;
    });
    EXPECT_EQ(ids.size(), 1u) << "told once";
    world.on_loop([&] {
        for (const auto& [labels, alert] : world.alertmanager().alerts())
            EXPECT_GT(alert.ends_at, now() + 50min);
    });
}

// One log with troubles, recoveries that last and that do not, lines of no interest, a record of
// several lines.
std::vector<std::pair<Duration, std::string>> story() {
    std::vector<std::pair<Duration, std::string>> lines;
    Duration at{};
    const auto add = [&](Duration after, const std::string& line) {
        at += after;
        lines.emplace_back(at, line);
    };
    for (int round = 0; round < 6; ++round) {
        add(1s, text(loaded));
        for (int i = 0; i < 3; ++i) add(3s, text(refused));
        add(5s, text("level=info msg=\"nothing of interest\""));
        add(20min, text(loaded));
        if (round % 2) add(30s, text(refused));
        add(2min, text("level=info msg=\"later\""));
        add(1ms,
            "\x1b[0;33mWARNING: Couldn't save new system ID on state file. In order to "
            "reliably identify this runner in jobs with a known identifier,");
        add(1us,
            "please ensure there is a text file at the location specified in `state_file` "
            "with the contents of `system_id`.");
        add(1us,
            "\x1b[0;m  \x1b[0;33mstate_file\x1b[0;m=/etc/gitlab-runner/.runner_system_id "
            "\x1b[0;33msystem_id\x1b[0;m=r_67LCCif0JstK");
        add(10min, text(got_a_job));
    }
    return lines;
}

// Where two texts part, with a little around it; empty when they are equal.
std::string first_difference(const std::string& a, const std::string& b) {
    const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (in_a == a.end() && in_b == b.end()) return "";
    const auto at = static_cast<std::size_t>(in_a - a.begin());
    const std::size_t from = at < 120 ? 0 : at - 120;
    return "…" + a.substr(from, 240) + "…\n   instead of\n…" + b.substr(from, 240) + "…";
}

TEST(Start, TheSameLogWholeOrInPiecesWithKillsGivesTheSameIncidents) {
    const auto lines = story();
    // Ahead of our clock: then no probe of a quiet log can say more than its lines do, however long
    // a run takes. With lines of the past that come piece by piece, no clock would fit.
    const Timestamp began = std::chrono::floor<std::chrono::seconds>(now() + 1h);
    // Keys are computed from the database's id, so both begin with the same empty database.
    World whole;
    whole.start_daemon();
    whole.until("there is a database", [&] { return !whole.daemon_log().empty(); });
    whole.until("it is caught up",
                [&] { return whole.daemon_log().find("caught up") != std::string::npos; });
    ASSERT_EQ(whole.terminate_daemon(), 0);

    for (unsigned seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(seed);
        World pieces;
        std::filesystem::copy_file(whole.database(), pieces.database());
        const std::string pod = pieces.add_pod("gitlab-runner", "aaaaa");
        std::mt19937 random(seed);
        std::size_t given = 0;
        while (given < lines.size()) {
            pieces.start_daemon();
            const auto burst = 1 + random() % 20;
            for (unsigned i = 0; i < burst && given < lines.size(); ++i, ++given)
                pieces.append(pod, began + lines[given].first, lines[given].second);
            if (random() % 2)
                pieces.until("read", [&] { return pieces.lines_committed() + 3 >= given; });
            pieces.kill_daemon();
        }
        pieces.start_daemon();
        pieces.until("all is read", [&] { return pieces.lines_committed() == lines.size(); });
        ASSERT_EQ(pieces.terminate_daemon(), 0);

        World at_once;
        std::filesystem::copy_file(whole.database(), at_once.database());
        const std::string same = at_once.add_pod("gitlab-runner", "aaaaa");
        for (const auto& [offset, line] : lines) at_once.append(same, began + offset, line);
        at_once.start_daemon();
        at_once.until("all is read", [&] { return at_once.lines_committed() == lines.size(); });
        ASSERT_EQ(at_once.terminate_daemon(), 0);
        EXPECT_FALSE(at_once.dump().empty());
        EXPECT_EQ(first_difference(pieces.dump(), at_once.dump()), "");
    }
}

}  // namespace
}  // namespace runnerwatch
