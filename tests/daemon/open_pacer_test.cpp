#include "daemon/cluster/open_pacer.h"

#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <algorithm>
#include <vector>

namespace runnerwatch {
namespace {

// Takes turns for nodes and keeps what it is given.
struct Rig {
    Rig(Loop loop, double rate) : pacer(loop, rate), tasks(loop, &fail_test) {}
    void ask(const std::string& node) { tasks.spawn("asks", hold(node)); }
    asio::awaitable<void> hold(std::string node) {
        auto turn = co_await pacer.turn(node);
        served.push_back(node);
        held.push_back(std::move(turn));
    }
    asio::awaitable<void> serves(std::size_t turns) {
        auto enough = [&] { return served.size() >= turns; };
        co_await until(enough);
    }
    std::size_t served_of(const std::string& node) const {
        return static_cast<std::size_t>(std::count(served.begin(), served.end(), node));
    }
    OpenPacer pacer;
    std::vector<std::string> served;
    std::vector<OpenPacer::Turn> held;
    TaskGroup tasks;
};

template <class Test>
void with_rig(double rate, Test test) {
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, rate);
        co_await test(rig);
        rig.held.clear();
        co_await rig.tasks.stop();
    });
}

TEST(OpenPacer, GivesTurnsAtItsRateAndNotAllAtOnce) {
    with_rig(200, [](Rig& rig) -> asio::awaitable<void> {
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < 60; ++i) rig.ask("node-" + std::to_string(i));
        co_await rig.serves(1);
        EXPECT_LE(rig.served.size(), 25u) << "at most what a tenth of a second gives";
        co_await rig.serves(60);
        EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(190))
            << "60 turns at 200 a second, with a burst of 20";
    });
}

TEST(OpenPacer, OpensFewAtOnceOnOneNodeAndGoesOnWithOthers) {
    with_rig(10'000, [](Rig& rig) -> asio::awaitable<void> {
        for (int i = 0; i < 20; ++i) rig.ask("slow");
        for (int i = 0; i < 4; ++i) rig.ask("quick");
        co_await rig.serves(4 + OpenPacer::per_node);
        EXPECT_EQ(rig.served_of("quick"), 4u);
        EXPECT_EQ(rig.served_of("slow"), std::size_t{OpenPacer::per_node});
        for (auto& turn : rig.held) turn.succeeded();
        co_await rig.serves(4 + 2 * OpenPacer::per_node);
        for (auto& turn : rig.held) turn.succeeded();
        co_await rig.serves(24);
    });
}

TEST(OpenPacer, HalvesItsRateForAFailureAndGrowsItBack) {
    with_rig(1'000, [](Rig& rig) -> asio::awaitable<void> {
        rig.ask("away");
        rig.ask("away");
        co_await rig.serves(2);
        rig.held[0].failed();
        EXPECT_EQ(rig.pacer.rate(), 500);
        rig.held[1].failed();
        EXPECT_EQ(rig.pacer.rate(), 500) << "one trouble, told by many";
        rig.ask("away");
        rig.ask("there");
        co_await rig.serves(3);
        EXPECT_EQ(rig.served.back(), "there") << "the other node's containers wait together";
        for (int i = 0; i < 60; ++i) {
            rig.ask("there");
            co_await rig.serves(static_cast<std::size_t>(4 + i));
            rig.held.back().succeeded();
        }
        EXPECT_EQ(rig.pacer.rate(), 1'000);
    });
}

TEST(OpenPacer, LetsOneTryForAllWhileTheServerCannotBeReached) {
    with_rig(1'000, [](Rig& rig) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) rig.ask("node-" + std::to_string(i));
        co_await rig.serves(3);
        for (auto& turn : rig.held) turn.unreachable();
        EXPECT_EQ(rig.pacer.rate(), 1'000) << "it is not overloaded";
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < 10; ++i) rig.ask("node-" + std::to_string(i));
        co_await rig.serves(4);
        rig.held.back().unreachable();
        EXPECT_EQ(rig.pacer.waiting(), 9u);
        co_await rig.serves(5);
        EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(990));
        rig.held.back().succeeded();
        co_await rig.serves(13);
        EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    });
}

TEST(OpenPacer, ForgetsWhoeverWaitsNoMore) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        OpenPacer pacer(loop, 5);
        TaskGroup tasks(loop, &fail_test);
        auto ask = [&]() -> asio::awaitable<void> { auto turn = co_await pacer.turn("node"); };
        for (int i = 0; i < 10; ++i) tasks.spawn("asks", ask());
        auto one = [&] { return pacer.waiting() == 9; };
        co_await until(one);
        co_await tasks.stop();
        auto turn = co_await pacer.turn("node");
        EXPECT_TRUE(static_cast<bool>(turn));
        EXPECT_EQ(pacer.waiting(), 0u);
    });
}

}  // namespace
}  // namespace runnerwatch
