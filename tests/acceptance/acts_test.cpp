// What people do to the incidents of a daemon that runs: messages go by it.
#include "daemon/commands/ask_daemon.h"
#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

const char* const refused =
    "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
    "runner=glpat-FAK runner_name=k8s-runner status=\"POST "
    "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";

Timestamp now() { return std::chrono::system_clock::now(); }

// What the webhook was told of, as "reason count".
std::vector<std::string> told(World& world) {
    return world.on_loop([&] {
        std::vector<std::string> reasons;
        for (const auto& request : world.hook().received()) {
            const auto body = nlohmann::json::parse(request.body);
            for (const auto& one : body.at("data").at("incidents"))
                reasons.push_back(one["reason"].get<std::string>() + " " + one["count"].dump() +
                                  " " + one["woke_because"].get<std::string>());
        }
        return reasons;
    });
}

TEST(ActStory, ASnoozedIncidentIsToldAgainWhenItWakesAndOnlyThen) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    world.start_daemon();
    world.append(pod, now(), refused);
    world.until("it is told", [&] { return !told(world).empty(); });
    const std::string address = "127.0.0.1:" + world.api_port();
    const auto act = [&](const std::string& path, const std::string& body) {
        const auto reply = tell_daemon(address, "/api/v1/incidents/1/" + path, body);
        ASSERT_TRUE(reply) << reply.error();
        ASSERT_EQ(reply->status, 200) << reply->body;
    };
    act("ack", R"({"actor":"ann"})");
    act("snooze", R"({"actor":"ann","count":4})");
    // A second pod would be told as a raised severity, if it were not for the snooze.
    const std::string other = world.add_pod("gitlab-runner", "bbbbb");
    world.append(other, now(), refused);
    world.until("it has grown", [&] { return world.incidents().at(0).count == 2; });
    world.kill_daemon();
    world.start_daemon();
    world.api_port();
    world.append(pod, now(), refused);
    world.until("it was seen three times", [&] { return world.incidents().at(0).count == 3; });
    const auto before = told(world);
    EXPECT_THAT(before, testing::Each(testing::EndsWith("1 ")));
    world.append(pod, now(), refused);
    world.until("it is told again", [&] { return told(world).size() > before.size(); });
    EXPECT_EQ(told(world).back(), "snooze_ended 4 it has been seen 4 times");
    EXPECT_EQ(world.incidents().at(0).acknowledged_by, "ann");
}

}  // namespace
}  // namespace runnerwatch
