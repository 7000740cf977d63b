#include "daemon/api/event_feed.h"

#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

IncidentRow row_of(const std::string& key, Severity severity = Severity::error) {
    IncidentRow row;
    row.key = key;
    row.rule = "job-request-forbidden";
    row.namespace_ = "gitlab-runner";
    row.workload = "Deployment/runner";
    row.severity = severity;
    return row;
}

// A client that keeps what it is sent, apart by events.
class Listener : public Responder {
public:
    asio::awaitable<void> send(ServerReply) override { co_return; }
    asio::awaitable<void> begin_stream(int, std::string) override { co_return; }
    asio::awaitable<void> write(std::string bytes) override {
        for (std::size_t end; (end = bytes.find("\n\n")) != bytes.npos; bytes.erase(0, end + 2))
            heard.push_back(bytes.substr(0, end));
        if (stalls == nullptr) co_return;
        boost::system::error_code woken;
        auto token = asio::redirect_error(asio::use_awaitable, woken);
        co_await stalls->async_wait(token);
    }
    asio::awaitable<void> end_stream() override { co_return; }

    std::string last_id() const {
        for (auto event = heard.rbegin(); event != heard.rend(); ++event)
            if (event->rfind("id: ", 0) == 0) return event->substr(4, event->find('\n') - 4);
        return {};
    }
    std::vector<std::string> heard;
    asio::steady_timer* stalls = nullptr;  // it takes nothing more until this expires
};

struct Feed {
    explicit Feed(Loop loop, const std::string& run = "r1")
        : events(loop, run), tasks(loop, &fail_test) {}
    void tell(const IncidentRow& row, std::int64_t number) {
        events.note(row);
        events.committed({{row.key, number}});
    }
    void listen(Listener& listener, const IncidentFilter& filter = {},
                const std::string& last = {}) {
        tasks.spawn("listener", events.serve(filter, last, listener));
    }
    EventFeed events;
    TaskGroup tasks;
};

TEST(EventFeed, TellsEverybodyWhatIsCommittedAndNothingBefore) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        Listener one, two;
        feed.listen(one);
        feed.listen(two);
        const auto greeted = [&] { return one.heard.size() == 2 && two.heard.size() == 2; };
        co_await until(greeted);
        EXPECT_THAT(one.heard, ElementsAre("retry: 2000", HasSubstr("event: hello")));
        feed.events.note(row_of("a"));
        for (int turn = 0; turn < 10; ++turn) co_await asio::post(loop, asio::use_awaitable);
        EXPECT_EQ(one.heard.size(), 2u) << "it is not committed";
        feed.events.committed({{"a", 12}});
        const auto told = [&] { return one.heard.size() == 3 && two.heard.size() == 3; };
        co_await until(told);
        EXPECT_THAT(one.heard.back(), HasSubstr("event: incident\ndata: {"));
        EXPECT_THAT(one.heard.back(), HasSubstr("\"number\":12"));
        EXPECT_EQ(feed.events.listeners(), 2u);
        co_await feed.tasks.stop();
        EXPECT_EQ(feed.events.listeners(), 0u);
    });
}

TEST(EventFeed, TellsAListenerThatComesBackWhatItMissed) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        feed.tell(row_of("a"), 1);
        Listener one;
        feed.listen(one);
        const auto greeted = [&] { return one.heard.size() == 2; };
        co_await until(greeted);
        co_await feed.tasks.stop();
        feed.tell(row_of("b"), 2);
        feed.tell(row_of("c"), 3);
        Listener again;
        TaskGroup tasks(loop, &fail_test);
        tasks.spawn("listener", feed.events.serve({}, one.last_id(), again));
        const auto told = [&] { return again.heard.size() == 3; };
        co_await until(told);
        EXPECT_THAT(again.heard[1], HasSubstr("\"number\":2"));
        EXPECT_THAT(again.heard[2], HasSubstr("\"number\":3"));
        co_await tasks.stop();
    });
}

TEST(EventFeed, SaysResetToWhoMissedMoreThanIsKeptOrListenedToAnotherRun) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        IncidentRow row = row_of("a");
        for (row.changes = 1; row.changes <= static_cast<int>(EventFeed::kept_max) + 5;
             ++row.changes)
            feed.tell(row, 1);
        for (const std::string last :
             {"r1-1", "r0-7", "r1-99999", "r1-", "rubbish", "-", "r1-1x"}) {
            Listener listener;
            TaskGroup tasks(loop, &fail_test);
            tasks.spawn("listener", feed.events.serve({}, last, listener));
            const auto greeted = [&] { return listener.heard.size() == 2; };
            co_await until(greeted);
            EXPECT_THAT(listener.heard[1], HasSubstr("event: reset")) << last;
            EXPECT_EQ(listener.last_id(), "r1-" + std::to_string(EventFeed::kept_max + 5));
            co_await tasks.stop();
        }
    });
}

TEST(EventFeed, SaysResetToAListenerThatReadsTooSlowly) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        asio::steady_timer stalls(loop, asio::steady_timer::time_point::max());
        Listener slow;
        slow.stalls = &stalls;
        feed.listen(slow);
        const auto greeted = [&] { return slow.heard.size() == 2; };
        co_await until(greeted);
        IncidentRow row = row_of("a");
        for (row.changes = 1; row.changes <= static_cast<int>(EventFeed::kept_max) + 5;
             ++row.changes)
            feed.tell(row, 1);
        slow.stalls = nullptr;
        stalls.cancel();
        const auto told = [&] { return slow.heard.size() == 3; };
        co_await until(told);
        EXPECT_THAT(slow.heard.back(), HasSubstr("event: reset"));
        feed.tell(row_of("b"), 2);
        const auto goes_on = [&] { return slow.heard.size() == 4; };
        co_await until(goes_on);
        EXPECT_THAT(slow.heard.back(), HasSubstr("event: incident"));
        co_await feed.tasks.stop();
    });
}

TEST(EventFeed, TellsAListenerOnlyOfWhatItAskedFor) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        Listener critical, workload;
        IncidentFilter filter;
        filter.severities = {Severity::critical};
        feed.listen(critical, filter);
        IncidentFilter named;
        named.workload = "other";
        feed.listen(workload, named);
        const auto greeted = [&] { return critical.heard.size() + workload.heard.size() == 4; };
        co_await until(greeted);
        feed.tell(row_of("a"), 1);
        IncidentRow other = row_of("b", Severity::critical);
        other.workload = "Deployment/other";
        feed.tell(other, 2);
        const auto told = [&] { return critical.heard.size() + workload.heard.size() == 6; };
        co_await until(told);
        EXPECT_THAT(critical.heard[2], HasSubstr("\"number\":2"));
        EXPECT_THAT(workload.heard[2], HasSubstr("\"number\":2"));
        co_await feed.tasks.stop();
    });
}

TEST(EventFeed, TellsLaterAndWithTheNewestCountThatSomethingWasOnlySeenAgain) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        Listener one;
        feed.listen(one);
        const auto greeted = [&] { return one.heard.size() == 2; };
        co_await until(greeted);
        IncidentRow row = row_of("a");
        row.changes = 1;
        for (row.count = 1; row.count <= 5; ++row.count) feed.tell(row, 1);
        const auto told = [&] { return one.heard.size() == 3; };
        co_await until(told);
        for (int turn = 0; turn < 10; ++turn) co_await asio::post(loop, asio::use_awaitable);
        EXPECT_EQ(one.heard.size(), 3u);
        EXPECT_THAT(one.heard[2], HasSubstr("\"count\":1,"));
        feed.events.tell_counted();
        const auto counted = [&] { return one.heard.size() == 4; };
        co_await until(counted);
        EXPECT_THAT(one.heard[3], HasSubstr("\"count\":5,"));
        // What becomes of it is told at once, and then there is nothing left to tell.
        feed.tell(row, 1);
        row.changes = 2;
        row.count = 7;
        feed.tell(row, 1);
        const auto changed = [&] { return one.heard.size() == 5; };
        co_await until(changed);
        EXPECT_THAT(one.heard[4], HasSubstr("\"count\":7,"));
        feed.events.tell_counted();
        for (int turn = 0; turn < 10; ++turn) co_await asio::post(loop, asio::use_awaitable);
        EXPECT_EQ(one.heard.size(), 5u);
        co_await feed.tasks.stop();
    });
}

TEST(EventFeed, TellsAFewOfThoseThatAreOnlyCountedAtOnceEachInItsTurn) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Feed feed(loop);
        const int all = static_cast<int>(EventFeed::counted_at_once) + 5;
        for (const int round : {1, 2})
            for (int i = 0; i < all; ++i) {
                IncidentRow row = row_of("incident " + std::to_string(100 + i));
                row.count = round;
                feed.tell(row, 100 + i);
            }
        Listener one;
        feed.listen(one);
        const auto greeted = [&] { return one.heard.size() == 2; };
        co_await until(greeted);
        feed.events.tell_counted();
        const auto first = [&] { return one.heard.size() == 2 + EventFeed::counted_at_once; };
        co_await until(first);
        feed.events.tell_counted();
        const auto rest = [&] { return one.heard.size() == 2u + static_cast<std::size_t>(all); };
        co_await until(rest);
        for (int i = 0; i < all; ++i)
            EXPECT_THAT(one.heard[static_cast<std::size_t>(2 + i)],
                        HasSubstr("\"number\":" + std::to_string(100 + i)));
        co_await feed.tasks.stop();
    });
}

TEST(EventFeed, ConcernsAnIncidentByEachPartOfAFilter) {
    const IncidentRow row = row_of("a");
    IncidentFilter filter;
    EXPECT_TRUE(concerns(filter, row));
    filter.workload = "runner";
    filter.rule = "job-request-forbidden";
    filter.namespace_ = "gitlab-runner";
    filter.states = {IncidentState::recovering, IncidentState::open};
    EXPECT_TRUE(concerns(filter, row));
    for (const auto spoil : {+[](IncidentFilter& f) { f.workload = "unner"; },
                             +[](IncidentFilter& f) { f.rule = "job"; },
                             +[](IncidentFilter& f) { f.namespace_ = "gitlab"; },
                             +[](IncidentFilter& f) { f.states = {IncidentState::resolved}; },
                             +[](IncidentFilter& f) { f.severities = {Severity::info}; }}) {
        IncidentFilter other = filter;
        spoil(other);
        EXPECT_FALSE(concerns(other, row));
    }
}

}  // namespace
}  // namespace runnerwatch
