#include "daemon/api/shared_answers.h"

#include "tests/daemon/run_on_loop.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

namespace runnerwatch {
namespace {

using testing::ElementsAre;

// Answers that come when the test wants them: numbers in the order of the asking.
class Asked {
public:
    explicit Asked(Loop loop) : loop_(loop), tasks(loop, &fail_test) {}

    void ask(const std::string& question) { listeners.spawn(question, one(question)); }
    void begin_to_read() {
        for (auto* begun : begun_) *begun = true;
    }
    void answer(std::size_t number) { gates_.at(number - 1)->cancel(); }
    asio::awaitable<void> answer_all() {
        for (const auto& gate : gates_) gate->cancel();
        auto done = [this] { return listeners.running() == 0; };
        co_await until(done);
    }
    asio::awaitable<void> turn() {
        for (int i = 0; i < 5; ++i) co_await asio::post(loop_, asio::use_awaitable);
    }

    std::vector<std::string> heard;
    int asked = 0;

private:
    asio::awaitable<void> one(std::string question) {
        SharedAnswers::Ask ask = [this](std::atomic<bool>& begun) { return read(begun); };
        const auto answer = co_await answers.ask(std::move(question), std::move(ask));
        heard.push_back(answer->body);
    }
    asio::awaitable<SharedAnswers::Answer> read(std::atomic<bool>& begun) {
        const std::string number = std::to_string(++asked);
        begun_.push_back(&begun);
        const auto never = asio::steady_timer::time_point::max();
        gates_.push_back(std::make_unique<asio::steady_timer>(loop_, never));
        boost::system::error_code woken;
        auto token = asio::redirect_error(asio::use_awaitable, woken);
        co_await gates_.back()->async_wait(token);
        ServerReply reply;
        reply.body = number;
        co_return reply;
    }

    Loop loop_;
    std::vector<std::unique_ptr<asio::steady_timer>> gates_;  // of each asking
    std::vector<std::atomic<bool>*> begun_;

public:
    TaskGroup tasks;
    SharedAnswers answers{tasks};
    TaskGroup listeners{loop_, &fail_test};
};

TEST(SharedAnswers, AsksOnceForAllWhoWaitForTheSame) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Asked page(loop);
        for (const char* question : {"a", "b", "a", "a"}) page.ask(question);
        co_await page.turn();
        EXPECT_EQ(page.asked, 2);
        co_await page.answer_all();
        EXPECT_THAT(page.heard, testing::UnorderedElementsAre("1", "1", "1", "2"));
        page.ask("a");
        co_await page.turn();
        EXPECT_EQ(page.asked, 3) << "an answer is not kept";
        co_await page.answer_all();
        co_await page.tasks.stop();
        co_await page.listeners.stop();
    });
}

TEST(SharedAnswers, GivesNobodyWhatIsBeingReadAlready) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Asked page(loop);
        page.ask("a");
        co_await page.turn();
        page.begin_to_read();
        page.ask("a");
        page.ask("a");
        co_await page.turn();
        EXPECT_EQ(page.asked, 2);
        co_await page.answer_all();
        EXPECT_THAT(page.heard, testing::UnorderedElementsAre("1", "2", "2"));
        co_await page.tasks.stop();
        co_await page.listeners.stop();
    });
}

TEST(SharedAnswers, HandsOnWhyThereIsNoneAndAsksAgainTheNextTime) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        TaskGroup tasks(loop, &fail_test), listeners(loop, &fail_test);
        SharedAnswers answers(tasks);
        std::vector<std::string> heard;
        SharedAnswers::Ask broken =
            [](std::atomic<bool>&) -> asio::awaitable<SharedAnswers::Answer> {
            throw std::runtime_error("broken");
            co_return ServerReply{};
        };
        auto one = [&]() -> asio::awaitable<void> {
            try {
                co_await answers.ask("a", broken);
            } catch (const std::runtime_error& error) {
                heard.emplace_back(error.what());
            }
        };
        listeners.spawn("one", one());
        listeners.spawn("another", one());
        auto done = [&] { return listeners.running() == 0; };
        co_await until(done);
        EXPECT_THAT(heard, ElementsAre("broken", "broken"));
        SharedAnswers::Ask whole =
            [](std::atomic<bool>&) -> asio::awaitable<SharedAnswers::Answer> {
            co_return ServerReply{};
        };
        EXPECT_TRUE(co_await answers.ask("a", whole));
        co_await tasks.stop();
    });
}

// A caller who may see less must never be given what another one may see.
TEST(SharedAnswers, AreOfOneQuestionByCallersWhoMaySeeTheSame) {
    const auto key = [](const std::string& path, std::map<std::string, std::string> query,
                        const std::vector<std::string>& visible, bool compressed) {
        ServerRequest request;
        request.path = path;
        request.query = std::move(query);
        return key_of_question(request, visible, compressed);
    };
    const std::string keys[] = {
        key("/incidents", {}, {}, false),
        key("/incidents", {}, {}, true),
        key("/incidents", {}, {"a"}, false),
        key("/incidents", {}, {"a", "b"}, false),
        key("/incidents", {}, {"a\n\nb"}, false),
        key("/incidents", {{"text", "x"}}, {}, false),
        key("/incidents", {{"text", "x"}}, {"a"}, false),
        key("/incidents", {{"text", "x\n\na"}}, {}, false),
        key("/incidents", {{"text", "x 1 a"}}, {}, false),
        key("/incidents", {{"text", ""}, {"x", "a"}}, {}, false),
        key("/incidents/1", {}, {}, false),
    };
    EXPECT_EQ(std::set<std::string>(std::begin(keys), std::end(keys)).size(), std::size(keys));
    EXPECT_EQ(key("/incidents", {{"text", "x"}}, {"a"}, true),
              key("/incidents", {{"text", "x"}}, {"a"}, true));
}

TEST(SharedAnswers, AnOlderAnswerLeavesTheNewerQuestionToThoseWhoAskTheSame) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Asked page(loop);
        page.ask("a");
        co_await page.turn();
        page.begin_to_read();
        page.ask("a");
        co_await page.turn();
        page.answer(1);
        co_await page.turn();
        EXPECT_THAT(page.heard, ElementsAre("1"));
        page.ask("a");
        co_await page.turn();
        EXPECT_EQ(page.asked, 2);
        co_await page.answer_all();
        EXPECT_THAT(page.heard, ElementsAre("1", "2", "2"));
        co_await page.tasks.stop();
        co_await page.listeners.stop();
    });
}

TEST(SharedAnswers, OutlivesWhoAskedFirst) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Asked page(loop);
        page.ask("a");
        co_await page.turn();
        TaskGroup others(loop, &fail_test);
        std::string heard;
        auto second = [&]() -> asio::awaitable<void> {
            SharedAnswers::Ask never;
            const auto answer = co_await page.answers.ask("a", std::move(never));
            heard = answer->body;
        };
        others.spawn("second", second());
        co_await page.turn();
        co_await page.listeners.stop();
        co_await page.answer_all();
        auto done = [&] { return others.running() == 0; };
        co_await until(done);
        EXPECT_EQ(heard, "1");
        EXPECT_THAT(page.heard, ElementsAre());
        co_await page.tasks.stop();
    });
}

}  // namespace
}  // namespace runnerwatch
