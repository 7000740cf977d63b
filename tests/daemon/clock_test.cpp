#include "daemon/runtime/clock.h"

#include "daemon/runtime/backoff.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <gtest/gtest.h>

#include <thread>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

TEST(Clock, AtRateOneIsTheSystemsClock) {
    Clock clock;
    auto before = std::chrono::system_clock::now();
    Timestamp now = clock.now();
    auto after = std::chrono::system_clock::now();
    EXPECT_LE(before, now);
    EXPECT_LE(now, after);
    EXPECT_EQ(clock.real(90s), 90s);
}

TEST(Clock, AtAnotherRatePassesThatMuchFaster) {
    auto real_before = std::chrono::steady_clock::now();
    Clock clock(1000);
    Timestamp first = clock.now();
    while (clock.now() - first < 1s) std::this_thread::yield();
    auto real_after = std::chrono::steady_clock::now();
    Duration passed = clock.now() - first;

    EXPECT_GE(real_after - real_before, 1ms) << "a second of ours is a millisecond at least";
    EXPECT_GE(passed, 1s);
    EXPECT_EQ(clock.real(1000s), 1s);
    EXPECT_EQ(clock.real(1ms), 1us);
}

TEST(Clock, SleepsForTheDividedTime) {
    run_on_loop([](Loop) -> asio::awaitable<void> {
        Clock clock(3600);
        Timestamp before = clock.now();
        co_await clock.sleep(36s);
        EXPECT_GE(clock.now() - before, 36s);
    });
}

TEST(Clock, ASleepThatIsCancelledThrows) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Clock clock;
        bool cancelled = false;
        auto sleeper = [&]() -> asio::awaitable<void> {
            try {
                co_await clock.sleep(Duration::max());
            } catch (const boost::system::system_error& error) {
                cancelled = error.code() == asio::error::operation_aborted;
            }
        };
        auto ignore = [](const std::string&, std::exception_ptr) { ADD_FAILURE(); };
        TaskGroup group(loop, ignore);
        group.spawn("sleeper", sleeper());
        co_await group.stop();
        EXPECT_TRUE(cancelled);
    });
}

TEST(Backoff, DoublesUpToItsMostAndSpreadsOverTheUpperHalf) {
    Backoff backoff(1s, 10s);
    for (Duration most : {1s, 2s, 4s, 8s, 10s, 10s}) {
        Duration wait = backoff.next();
        EXPECT_GE(wait, most / 2);
        EXPECT_LE(wait, most);
    }
    EXPECT_EQ(backoff.tries(), 6);

    backoff.reset();
    EXPECT_EQ(backoff.tries(), 0);
    EXPECT_LE(backoff.next(), 1s);
}

TEST(Backoff, StaysAtItsMostHoweverOftenItIsAsked) {
    Backoff backoff(800ms, 30s);
    for (int i = 0; i < 1000; ++i) backoff.next();
    EXPECT_GE(backoff.next(), 15s);
    EXPECT_LE(backoff.next(), 30s);
}

TEST(Backoff, TwoClientsDoNotWaitEquallyLong) {
    Backoff one(1h, 1h), other(1h, 1h);
    EXPECT_NE(one.next(), other.next());
}

}  // namespace
}  // namespace runnerwatch
