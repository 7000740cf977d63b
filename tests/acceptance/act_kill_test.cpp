// People act on incidents over the API while the logs are busy and the daemon is killed again and
// again: what was answered is in the database, once, and the database is whole.
#include "alerts/incident_act.h"
#include "daemon/net/http_client.h"
#include "storage/database_check.h"
#include "storage/sqlite.h"
#include "tests/acceptance/world.h"

#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <set>
#include <thread>

namespace runnerwatch {
namespace {

using nlohmann::json;

// One trouble of its own for each number.
std::string refused(unsigned runner) {
    return "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
           "runner=glpat-FA" +
           std::to_string(runner) +
           " runner_name=k8s-runner status=\"POST "
           "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
}

// What is done to an incident. Each has an actor of its own, by whom its rows are found and who is
// its Idempotency-Key.
struct Act {
    std::string name, actor;
    json body;
};

// Somebody who does one act after the other to one incident, until one is not answered; that one is
// sent again the next time, behind the last that was answered, as if that answer had been lost.
// One thread at a time; `count` and `dead` are asked by others meanwhile.
class Person {
public:
    Person(std::string name, std::string incident, unsigned seed)
        : name_(std::move(name)), incident_(std::move(incident)), random_(seed) {
        choose();
    }

    void act_until_it_dies(const std::string& port) {
        asio::io_context io(1);
        HttpClient client(io.get_executor());
        const auto act = [&]() -> asio::awaitable<void> {
            if (!last_answer_.empty()) {
                const auto again = co_await client.fetch(call(last_, port));
                if (!again || !is_the_same(*again)) co_return;
            }
            do {
                const auto answer = co_await client.fetch(call(next_, port));
                if (!answer || !take(*answer)) co_return;
                choose();
                ++count_;
            } while (!stop_);
        };
        const auto at_end = [this](std::exception_ptr thrown) {
            if (thrown) trouble_ = "the client threw";
        };
        asio::co_spawn(io, act, at_end);
        io.run();
        dead_ = true;
    }

    void begin() { dead_ = stop_ = false; }
    void stop() { stop_ = true; }
    bool dead() const { return dead_; }
    int count() const { return count_; }

    const std::string& incident() const { return incident_; }
    const std::string& trouble() const { return trouble_; }
    // Actor -> the act that must be there; empty: the answer was that nothing had to be changed.
    const std::map<std::string, std::string>& answered() const { return answered_; }
    std::size_t answered_late() const { return answered_late_; }
    const std::string& assignee() const { return assignee_; }
    const std::string& owner() const { return owner_; }
    const std::set<std::string>& tags() const { return tags_; }

private:
    void choose() {
        static constexpr const char* acts[] = {"ack",    "unack",    "assign",  "note", "tag",
                                               "snooze", "unsnooze", "resolve", "note", "tag"};
        next_.name = acts[random_() % std::size(acts)];
        if (next_.name == "tag" && tags_.size() >= ActRequest::tags_max) next_.name = "untag";
        next_.actor = name_ + "-" + std::to_string(++number_);
        next_.body = {{"actor", next_.actor}};
        if (next_.name == "assign") next_.body["to"] = next_.actor;
        if (next_.name == "note") next_.body["note"] = "note of " + next_.actor;
        if (next_.name == "tag") next_.body["tags"] = {next_.actor};
        if (next_.name == "untag") next_.body["tags"] = {*tags_.begin()};
        if (next_.name == "snooze") next_.body["count"] = 1'000'000 + number_;
    }

    HttpCall call(const Act& act, const std::string& port) const {
        HttpCall call;
        call.method = "POST";
        call.url = "http://127.0.0.1:" + port + "/api/v1/incidents/" + incident_ + "/" + act.name;
        call.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", act.actor}};
        call.body = act.body.dump();
        return call;
    }

    bool is_the_same(const HttpReply& again) {
        const bool same = again.status == 200 && again.body == last_answer_ &&
                          again.header("idempotent-replayed") == "true";
        if (!same)
            trouble_ = last_.name + " again: " + std::to_string(again.status) + " " + again.body;
        return same;
    }

    // Whether it was answered; a refusal (what was resolved cannot be snoozed) promises nothing.
    bool take(const HttpReply& reply) {
        if (reply.status != 200 && reply.status != 409) {
            trouble_ = next_.name + ": " + std::to_string(reply.status) + " " + reply.body;
            return false;
        }
        if (reply.status == 409) return true;
        if (!reply.header("idempotent-replayed").empty()) ++answered_late_;
        const std::string& actor = next_.actor;
        answered_[actor] = json::parse(reply.body).at("changed").get<bool>() ? next_.name : "";
        if (next_.name == "assign") assignee_ = actor;
        if (next_.name == "ack") owner_ = actor;
        if (next_.name == "unack") owner_.clear();
        if (next_.name == "tag") tags_.insert(actor);
        if (next_.name == "untag") tags_.erase(tags_.begin());
        last_ = next_;
        last_answer_ = reply.body;
        return true;
    }

    std::string name_, incident_, trouble_;
    Act next_, last_;
    std::string last_answer_;
    int number_ = 0;
    std::mt19937 random_;
    std::map<std::string, std::string> answered_;
    std::size_t answered_late_ = 0;  // only when asked again, and had been done by then
    std::string assignee_, owner_;
    std::set<std::string> tags_;
    std::atomic<bool> dead_ = false, stop_ = false;
    std::atomic<int> count_ = 0;
};

// Actor -> what stands under this name in a table, one word for each row.
std::map<std::string, std::vector<std::string>> by_actor(Connection& file, const std::string& sql) {
    std::map<std::string, std::vector<std::string>> found;
    Statement rows(file, sql);
    while (rows.step()) found[rows.text(0)].push_back(rows.text(1));
    return found;
}

// Four people with an incident each, and the log that these show in.
class Siege {
public:
    explicit Siege(World& world) : world_(world), pod_(world.add_pod("gitlab-runner", "aaaaa")) {
        for (unsigned i = 0; i < people_count; ++i) append(i);
        world_.start_daemon();
        world_.until("the incidents are open",
                     [&] { return world_.incidents().size() == people_count; });
        static constexpr const char* names[people_count] = {"ann", "bob", "cid", "dot"};
        const auto rows = world_.incidents();
        for (unsigned i = 0; i < people_count; ++i)
            people_.push_back(std::make_unique<Person>(names[i], rows[i].ulid, i));
    }

    void kill_at_work() {
        while_they_act([&] {
            // While one of the first acts is taken, or some later, or in between.
            const int enough = count() + static_cast<int>(random_() % 40);
            world_.until("acts are answered", [&] { return count() >= enough || any_dead(); });
            world_.until_written(random_() % 6, [&] { return any_dead(); });
            world_.kill_daemon();
        });
    }

    void kill_while_it_starts() {
        world_.start_daemon();
        world_.until_written(random_() % 8, [&] { return world_.lines_committed() == lines_; });
        world_.kill_daemon();
    }

    void let_them_finish() {
        while_they_act([&] {
            for (auto& person : people_) person->stop();
        });
    }

    // Of a copy, so that it is the daemon that finds the files as the kill has left them.
    void check_what_a_kill_left() {
        const std::string copy = world_.file("copy.db");
        for (const char* end : {"", "-wal"}) {
            std::filesystem::remove(copy + end);
            if (std::filesystem::exists(world_.database() + end))
                std::filesystem::copy_file(world_.database() + end, copy + end);
        }
        check(copy);
    }

    void check(const std::string& database) {
        const auto whole = check_database(database);
        ASSERT_TRUE(whole) << whole.error().what;
        EXPECT_THAT(whole->damage, testing::IsEmpty());
        EXPECT_THAT(whole->breaches, testing::IsEmpty());
        damaged_ += whole->passed() ? 0 : 1;
        ++checks_;
        Connection file(database, OpenMode::read_write);
        const auto audit = by_actor(file, "SELECT actor, act FROM audit");
        const auto timeline =
            by_actor(file, "SELECT actor, kind FROM timeline WHERE actor LIKE '___-%'");
        for (const auto& person : people_) {
            EXPECT_EQ(person->trouble(), "");
            for (const auto& [actor, act] : person->answered())
                for (const auto* table : {&audit, &timeline}) compare(*table, actor, act);
        }
        EXPECT_EQ(audit, timeline);
    }

    // What the incidents are in the end is what was done to each last, and nothing else was done.
    void check_attributes() {
        std::int64_t made = 0;
        for (const auto& person : people_)
            made += std::count_if(person->answered().begin(), person->answered().end(),
                                  [](const auto& one) { return !one.second.empty(); });
        Connection file(world_.database(), OpenMode::read_write);
        EXPECT_EQ(file.number("SELECT count(*) FROM audit"), made);
        for (const auto& person : people_) {
            SCOPED_TRACE(person->incident());
            const auto detail = world_.incident(person->incident());
            ASSERT_TRUE(detail);
            EXPECT_EQ(detail->incident.assignee, person->assignee());
            EXPECT_EQ(detail->incident.acknowledged_by, person->owner());
            const auto tags = tag_list(detail->incident.tags);
            EXPECT_EQ(std::set<std::string>(tags.begin(), tags.end()), person->tags());
        }
    }

    void check_counts() {
        const auto counted = [&] {
            std::uint64_t count = 0;
            for (const auto& row : world_.incidents())
                count += static_cast<std::uint64_t>(row.count);
            return count;
        };
        world_.until("every line is counted", [&] { return counted() >= lines_; });
        EXPECT_EQ(counted(), lines_);
    }

    std::size_t answered() const {
        std::size_t sum = 0;
        for (const auto& person : people_) sum += person->answered().size();
        return sum;
    }

    std::string summary() const {
        std::size_t late = 0;
        for (const auto& person : people_) late += person->answered_late();
        return std::to_string(answered()) + " changes answered (" + std::to_string(late) +
               " of them had been made when they were asked for again), " + std::to_string(lines_) +
               " lines, " + std::to_string(lost_) + " lost, " + std::to_string(doubled_) +
               " made twice, database checked " + std::to_string(checks_) + " times, " +
               std::to_string(damaged_) + " times damaged";
    }

private:
    static constexpr unsigned people_count = 4;

    void append(unsigned runner) {
        world_.append(pod_, std::chrono::system_clock::now(), refused(runner));
        ++lines_;
    }

    template <class F>
    void while_they_act(F f) {
        const std::string port = world_.api_port();
        std::vector<std::thread> threads;
        for (auto& person : people_) {
            person->begin();
            threads.emplace_back([&person, port] { person->act_until_it_dies(port); });
        }
        for (unsigned i = 0; i < 10 * people_count; ++i) append(i % people_count);
        f();
        for (auto& thread : threads) thread.join();
    }

    int count() const {
        int sum = 0;
        for (const auto& person : people_) sum += person->count();
        return sum;
    }
    bool any_dead() const {
        return std::any_of(people_.begin(), people_.end(),
                           [](const auto& person) { return person->dead(); });
    }

    void compare(const std::map<std::string, std::vector<std::string>>& table,
                 const std::string& actor, const std::string& act) {
        const auto found = table.find(actor);
        const auto rows = found == table.end() ? std::vector<std::string>{} : found->second;
        EXPECT_EQ(rows, act.empty() ? std::vector<std::string>{} : std::vector{act}) << actor;
        lost_ += rows.empty() && !act.empty() ? 1 : 0;
        doubled_ += rows.size() > 1 ? 1 : 0;
    }

    World& world_;
    const std::string pod_;
    std::uint64_t lines_ = 0;
    std::mt19937 random_{11};
    std::vector<std::unique_ptr<Person>> people_;
    int lost_ = 0, doubled_ = 0, damaged_ = 0, checks_ = 0;
};

// RUNNERWATCH_ACT_KILLS says how often (12).
TEST(ActKill, LosesNoChangeThatWasAnsweredAndMakesNoneTwice) {
    const char* wanted = std::getenv("RUNNERWATCH_ACT_KILLS");
    const int kills = wanted ? std::atoi(wanted) : 12;
    World world;
    Siege siege(world);
    for (int kill = 1; kill <= kills; ++kill) {
        if (kill % 4 == 0)
            siege.kill_while_it_starts();
        else
            siege.kill_at_work();
        if (kill % 10 == 0) siege.check_what_a_kill_left();
        if ((kill + 1) % 4 != 0 || kill == kills) world.start_daemon();
    }
    siege.let_them_finish();
    siege.check_counts();
    EXPECT_EQ(world.terminate_daemon(), 0);
    siege.check(world.database());
    siege.check_attributes();
    EXPECT_GT(siege.answered(), static_cast<std::size_t>(kills)) << "too few to tell";
    std::cout << kills << " kills, " << siege.summary() << "\n";
}

}  // namespace
}  // namespace runnerwatch
