// What people do to the incidents of a daemon that runs: it holds through kills, and messages go by
// it.
#include "daemon/commands/ask_daemon.h"
#include "daemon/net/http_client.h"
#include "storage/sqlite.h"
#include "tests/acceptance/world.h"

#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <cstdlib>
#include <random>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

const char* const refused =
    "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
    "runner=glpat-FAK runner_name=k8s-runner status=\"POST "
    "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";

Timestamp now() { return std::chrono::system_clock::now(); }

// A client that writes one note after the other, until one is not answered; that one is sent again
// first the next time, under the key it had.
class Notes {
public:
    explicit Notes(std::string incident) : incident_(std::move(incident)) {}

    void write_until_it_dies(const std::string& port) {
        asio::io_context io(1);
        HttpClient client(io.get_executor());
        const auto write = [&]() -> asio::awaitable<void> {
            while (!stop_) {
                auto answer = co_await client.fetch(call(port));
                if (!answer) co_return;
                if (answer->status != 200) throw std::runtime_error(answer->body);
                answered_.push_back(next_++);
                ++count_;
            }
        };
        const auto at_end = [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, write, at_end);
        io.run();
        dead_ = true;
    }

    void begin() { dead_ = stop_ = false; }
    void stop() { stop_ = true; }
    bool dead() const { return dead_; }
    int count() const { return count_; }
    const std::vector<int>& answered() const { return answered_; }

private:
    HttpCall call(const std::string& port) const {
        const std::string name = std::to_string(next_);
        HttpCall call;
        call.method = "POST";
        call.url = "http://127.0.0.1:" + port + "/api/v1/incidents/" + incident_ + "/note";
        call.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", "note-" + name}};
        call.body = R"({"actor":"ann","note":"note )" + name + R"("})";
        return call;
    }

    std::string incident_;
    int next_ = 0;
    std::vector<int> answered_;
    std::atomic<bool> dead_ = false, stop_ = false;
    std::atomic<int> count_ = 0;
};

// RUNNERWATCH_ACT_KILLS says how often (12).
TEST(ActKill, LosesNoChangeThatWasAnsweredAndMakesNoneTwice) {
    const char* wanted = std::getenv("RUNNERWATCH_ACT_KILLS");
    const int kills = wanted ? std::atoi(wanted) : 12;
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    world.append(pod, now(), refused);
    world.start_daemon();
    world.until("the incident is open", [&] { return world.incidents().size() == 1; });
    Notes notes(world.incidents()[0].ulid);
    std::mt19937 random(11);
    for (int kill = 0; kill <= kills; ++kill) {
        const std::string port = world.api_port();
        notes.begin();
        std::thread client([&] { notes.write_until_it_dies(port); });
        world.append(pod, now(), refused);
        // While the first is taken, or some later, or in between.
        const int enough = notes.count() + static_cast<int>(random() % 6);
        world.until("notes are taken", [&] { return notes.count() >= enough || notes.dead(); });
        world.until_written(random() % 6, [&] { return notes.dead(); });
        if (kill == kills) notes.stop();
        if (kill < kills) world.kill_daemon();
        client.join();
        if (kill == kills) break;
        world.start_daemon();
    }
    EXPECT_EQ(world.terminate_daemon(), 0);

    std::map<std::string, int> kept;
    const auto detail = world.incident(world.incidents()[0].key);
    ASSERT_TRUE(detail);
    for (const auto& row : detail->timeline)
        if (row.kind == "note") ++kept[row.text];
    EXPECT_GT(notes.answered().size(), static_cast<std::size_t>(kills)) << "too few to tell";
    int lost = 0, doubled = 0;
    for (const int number : notes.answered()) {
        const int times = kept["note " + std::to_string(number)];
        EXPECT_EQ(times, 1) << number;
        lost += times == 0 ? 1 : 0;
        doubled += times > 1 ? 1 : 0;
    }
    EXPECT_EQ(kept.size(), notes.answered().size()) << "what was not answered was sent again";
    Connection file(world.database(), OpenMode::read_write);
    Statement check(file, "PRAGMA integrity_check");
    ASSERT_TRUE(check.step());
    EXPECT_EQ(check.text(0), "ok");
    EXPECT_EQ(file.number("SELECT count(*) FROM audit WHERE act = 'note'"),
              static_cast<std::int64_t>(kept.size()));
    std::cout << kills << " kills, " << notes.answered().size() << " changes answered, " << lost
              << " lost, " << doubled << " made twice, database " << check.text(0) << "\n";
}

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
