#include "daemon/runtime/read_thread.h"

#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <optional>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

using Text = Result<std::string, StoreError>;

// A thread that is kept busy until it is let go.
class Busy {
public:
    Busy(TaskGroup& tasks, StoreThread& thread) { tasks.spawn("busy", hold(thread)); }
    void let_go() { gate_.set_value(); }

private:
    asio::awaitable<void> hold(StoreThread& thread) {
        auto job = [this] {
            gate_.get_future().wait();
            return true;
        };
        co_await thread.run(job);
    }
    std::promise<void> gate_;
};

TEST(StoreThread, OutlivesAllWhoLeaveWhileTheirJobsWait) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        int done = 0;
        {
            StoreThread thread;
            TaskGroup first(loop, &fail_test), others(loop, &fail_test);
            Busy busy(first, thread);
            for (int i = 0; i < 50; ++i) {
                auto task = [](StoreThread& on, int& count) -> asio::awaitable<void> {
                    auto job = [&count] { return ++count; };
                    co_await on.run(job);
                };
                others.spawn("waits", task(thread, done));
            }
            co_await asio::post(loop, asio::use_awaitable);
            auto leave = [&]() -> asio::awaitable<void> { co_await others.stop(); };
            TaskGroup leaving(loop, &fail_test);
            leaving.spawn("leaving", leave());
            co_await asio::post(loop, asio::use_awaitable);
            busy.let_go();
            while (others.running() > 0) co_await asio::post(loop, asio::use_awaitable);
            co_await leaving.stop();
            co_await first.stop();
        }
        EXPECT_EQ(done, 50) << "a job may refer to who waits for it, so it is always waited for";
    });
}

TEST(StoreThread, HandsOnWhatAJobThrows) {
    run_on_loop([](Loop) -> asio::awaitable<void> {
        StoreThread thread;
        auto job = []() -> int { throw std::runtime_error("broken"); };
        std::string what;
        try {
            co_await thread.run(job);
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        EXPECT_EQ(what, "broken");
    });
}

class ReadThreadTest : public testing::Test {
protected:
    // Time goes by when the test says so, and by `each_look` with each look at it.
    ReadThread::Now clock() {
        return [this] {
            time_ += each_look.count();
            return std::chrono::steady_clock::time_point(std::chrono::milliseconds(time_));
        };
    }
    void pass(std::chrono::milliseconds span) { time_ += span.count(); }
    std::chrono::milliseconds each_look{0};

    ReadThreadTest() {
        auto store = Store::open(folder.file());
        EXPECT_TRUE(store);
        ChangeSet set;
        for (int i = 0; i < 300; ++i) {
            const std::string number = std::to_string(i);
            IncidentRow row;
            row.key = row.ulid = row.identity = "incident " + number;
            row.first_seen = row.last_seen = Timestamp(std::chrono::seconds(i));
            set.incidents[row.key] = row;
        }
        EXPECT_TRUE((*store)->commit(set));
    }
    TestFolder folder;

private:
    std::atomic<std::int64_t> time_ = 0;
};

TEST_F(ReadThreadTest, InterruptsAQuestionThatTakesTooLongAndAnswersTheNext) {
    run_on_loop([this](Loop) -> asio::awaitable<void> {
        ReadThread readers(15'000ms, clock());
        EXPECT_TRUE(co_await readers.open(folder.file()));
        each_look = 100ms;  // SQLite looks every few thousand steps
        // Some hundred times as long as it may take.
        auto long_one = [](Reader& reader) -> Result<std::size_t, StoreError> {
            for (int i = 0; i < 20'000; ++i) {
                IncidentFilter all;
                all.limit = 300;
                const auto rows = reader.incidents(all);
                if (!rows) return failure(rows.error());
            }
            return 0;
        };
        const auto answer = co_await readers.ask(long_one);
        EXPECT_FALSE(answer);
        if (answer) co_return;
        EXPECT_EQ(answer.error().kind, StoreError::Kind::too_long);
        EXPECT_THAT(answer.error().what, HasSubstr("given up after 15 s"));
        EXPECT_THAT(answer.error().what, HasSubstr("Ask for less"));
        each_look = 0ms;
        auto quick = [](Reader& reader) { return reader.meta("database_id"); };
        const auto next = co_await readers.ask(quick);
        EXPECT_TRUE(next && *next) << "the deadline was that of one question";
        co_await readers.close();
    });
}

TEST_F(ReadThreadTest, DoesNotBeginWhatWaitedTooLongBehindAnother) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        ReadThread readers(15'000ms, clock());
        EXPECT_TRUE(co_await readers.open(folder.file()));
        std::promise<void> gate;
        bool begun = false;
        std::optional<Text> late;
        TaskGroup tasks(loop, &fail_test);
        auto first = [&]() -> asio::awaitable<void> {
            auto job = [&](Reader&) -> Text {
                gate.get_future().wait();
                return std::string();
            };
            co_await readers.ask(job);
        };
        auto second = [&]() -> asio::awaitable<void> {
            auto job = [&](Reader&) -> Text {
                begun = true;
                return std::string();
            };
            late = co_await readers.ask(job);
        };
        tasks.spawn("first", first());
        tasks.spawn("second", second());
        co_await asio::post(loop, asio::use_awaitable);
        pass(15'000ms);
        gate.set_value();
        while (!late) co_await asio::post(loop, asio::use_awaitable);
        EXPECT_FALSE(begun);
        EXPECT_FALSE(*late);
        co_await tasks.stop();
        co_await readers.close();
    });
}

TEST_F(ReadThreadTest, RefusesWhatFindsTooManyWaitingAndTakesTheNextOnceTheyAreGone) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        ReadThread readers(15'000ms, clock());
        EXPECT_TRUE(co_await readers.open(folder.file()));
        std::promise<void> gate;
        std::size_t answered = 0;
        TaskGroup tasks(loop, &fail_test);
        auto hold = [&](Reader&) -> Text {
            gate.get_future().wait();
            return std::string();
        };
        auto answer = [](Reader&) -> Text { return std::string(); };
        auto one = [&](bool first) -> asio::awaitable<void> {
            std::function<Text(Reader&)> job = answer;
            if (first) job = hold;
            const auto text = co_await readers.ask(job);
            answered += text ? 1u : 0u;
        };
        for (std::size_t i = 0; i < ReadThread::waiting_max; ++i) tasks.spawn("one", one(i == 0));
        co_await asio::post(loop, asio::use_awaitable);
        std::optional<Text> refused;
        auto beyond = [&]() -> asio::awaitable<void> { refused = co_await readers.ask(answer); };
        tasks.spawn("beyond", beyond());
        co_await asio::post(loop, asio::use_awaitable);
        EXPECT_TRUE(refused && !*refused);
        if (refused && !*refused) {
            EXPECT_EQ(refused->error().kind, StoreError::Kind::too_long);
            EXPECT_THAT(refused->error().what, HasSubstr("1000 questions wait already"));
        }
        gate.set_value();
        while (tasks.running() > 0) co_await asio::post(loop, asio::use_awaitable);
        EXPECT_EQ(answered, ReadThread::waiting_max);
        const auto next = co_await readers.ask(answer);
        EXPECT_TRUE(next);
        co_await tasks.stop();
        co_await readers.close();
    });
}

}  // namespace
}  // namespace runnerwatch
