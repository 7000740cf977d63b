#include "daemon/runtime/task_group.h"

#include "tests/daemon/run_on_loop.h"

#include <gmock/gmock.h>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Failures {
    std::vector<std::string> seen;
    TaskGroup::OnFailure record() {
        return [this](const std::string& task, std::exception_ptr failure) {
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& error) {
                seen.push_back(task + ": " + error.what());
            }
        };
    }
};

asio::awaitable<void> wait_for_ever(std::shared_ptr<int> holds) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    ++*holds;
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> fail() {
    throw std::runtime_error("broken");
    co_return;
}

asio::awaitable<void> turn() {
    auto loop = co_await asio::this_coro::executor;
    co_await asio::post(loop, asio::use_awaitable);
}

asio::awaitable<void> wait_on_both_sides(std::shared_ptr<int> holds) {
    using namespace asio::experimental::awaitable_operators;
    co_await (wait_for_ever(holds) || wait_for_ever(holds));
}

TEST(TaskGroup, TakesACancellationOnBothSidesForOne) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup group(loop, failures.record());
        auto held = std::make_shared<int>(0);
        group.spawn("waiter", wait_on_both_sides(held));
        auto waiting = [&] { return *held == 2; };
        co_await until(waiting);
        co_await group.stop();
        EXPECT_THAT(failures.seen, IsEmpty());
    });
}

TEST(TaskGroup, StopEndsEveryTaskAndFreesWhatItHeld) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup group(loop, failures.record());
        auto held = std::make_shared<int>(0);
        for (int i = 0; i < 3; ++i) group.spawn("waiter", wait_for_ever(held));
        co_await turn();
        EXPECT_EQ(*held, 3);
        EXPECT_EQ(group.running(), 3u);

        co_await group.stop();
        EXPECT_EQ(group.running(), 0u);
        EXPECT_EQ(held.use_count(), 1);
        EXPECT_THAT(failures.seen, IsEmpty()) << "cancellation is not a failure";
    });
}

TEST(TaskGroup, ReportsATaskThatFailsUnderItsName) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup group(loop, failures.record());
        group.spawn("loader", fail());
        co_await turn();
        co_await turn();
        EXPECT_THAT(failures.seen, ElementsAre("loader: broken"));
        co_await group.stop();
    });
}

TEST(TaskGroup, ReportsAFailureThatHappensWhileItStops) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup group(loop, failures.record());
        auto stubborn = [](std::shared_ptr<int> held) -> asio::awaitable<void> {
            try {
                co_await wait_for_ever(held);
            } catch (const boost::system::system_error&) {
                throw std::runtime_error("could not let go");
            }
        };
        group.spawn("stubborn", stubborn(std::make_shared<int>(0)));
        co_await turn();
        co_await group.stop();
        EXPECT_THAT(failures.seen, ElementsAre("stubborn: could not let go"));
    });
}

TEST(TaskGroup, CancelsATaskThatHasNotBegunToWait) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup group(loop, failures.record());
        auto held = std::make_shared<int>(0);
        group.spawn("late", wait_for_ever(held));
        co_await group.stop();
        EXPECT_EQ(held.use_count(), 1);
        EXPECT_THAT(failures.seen, IsEmpty());
    });
}

TEST(TaskGroup, StartsNothingOnceItStops) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup group(loop, failures.record());
        co_await group.stop();
        group.spawn("too late", fail());
        EXPECT_EQ(group.running(), 0u);
        co_await turn();
        EXPECT_THAT(failures.seen, IsEmpty());
    });
}

// A task may take its time to end; leaving before would leave it with what we destroy.
TEST(TaskGroup, StopWaitsEvenWhenItIsCancelledItself) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Failures failures;
        TaskGroup inner(loop, failures.record());
        TaskGroup outer(loop, failures.record());
        asio::steady_timer allowed(loop, asio::steady_timer::time_point::max());
        auto slow = [&]() -> asio::awaitable<void> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            boost::system::error_code ignored;
            co_await allowed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        };
        bool stopped = false;
        auto stopper = [&]() -> asio::awaitable<void> {
            co_await inner.stop();
            EXPECT_EQ(inner.running(), 0u);
            stopped = true;
        };
        inner.spawn("slow", slow());
        outer.spawn("stopper", stopper());
        co_await turn();
        auto allow = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 5; ++i) co_await turn();
            EXPECT_FALSE(stopped);
            allowed.cancel();
        };
        TaskGroup helpers(loop, failures.record());
        helpers.spawn("allow", allow());
        co_await outer.stop();
        EXPECT_TRUE(stopped);
        co_await helpers.stop();
        EXPECT_THAT(failures.seen, IsEmpty());
    });
}

}  // namespace
}  // namespace runnerwatch
