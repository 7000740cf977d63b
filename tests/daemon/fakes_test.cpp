#include "daemon/net/http_client.h"
#include "tests/daemon/run_on_loop.h"
#include "tests/fakes/alertmanager.h"
#include "tests/fakes/webhook_receiver.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

HttpCall post(const std::string& url, const std::string& body,
              const std::string& type = "application/json") {
    HttpCall call;
    call.method = "POST";
    call.url = url;
    call.body = body;
    call.headers = {{"Content-Type", type}};
    return call;
}

// A test of the fakes, so that what they let pass is what the real ones would.
TEST(WebhookReceiver, KeepsWhatCameAndAnswersAsTold) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        WebhookReceiver receiver(loop);
        HttpClient client(loop);
        receiver.answer_next(429, "7");
        receiver.never_answer_next();
        auto first = co_await client.fetch(post(receiver.url(), "one"));
        EXPECT_TRUE(first && first->status == 429 && first->header("retry-after") == "7");
        auto impatient = post(receiver.url("/other"), "two");
        impatient.timeout = 20ms;
        auto second = co_await client.fetch(impatient);
        EXPECT_TRUE(!second && second.error().kind == HttpFailure::Kind::timeout);
        auto third = co_await client.fetch(post(receiver.url(), "three"));
        EXPECT_TRUE(third && third->status == 200);

        co_await receiver.arrived(3);
        EXPECT_EQ(receiver.received().size(), 3u);
        EXPECT_EQ(receiver.received()[0].body, "one");
        EXPECT_EQ(receiver.received()[1].path, "/other");
        EXPECT_EQ(receiver.received()[2].headers.at("content-type"), "application/json");
        co_await receiver.stop();
    });
}

TEST(FakeAlertmanager, RefusesWhatTheRealOneRefuses) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Clock clock;
        FakeAlertmanager alertmanager(loop, clock);
        HttpClient client(loop);
        const std::string good = R"({"labels":{"alertname":"A"}})";
        const struct {
            const char* name;
            std::string type, body;
            int status;
            std::size_t kept;
        } cases[] = {
            {"not JSON by its type", "text/plain", "[" + good + "]", 415, 0},
            {"not JSON", "application/json", "[", 400, 0},
            {"not a list", "application/json", good, 422, 0},
            {"no labels", "application/json", R"([{"annotations":{}}])", 422, 0},
            {"a label that is no text", "application/json", R"([{"labels":{"a":1}}])", 422, 0},
            {"a time that is none", "application/json", R"([{"labels":{"a":"b"},"endsAt":"soon"}])",
             422, 0},
            {"only empty labels", "application/json", R"([{"labels":{"a":""}}])", 400, 0},
            {"an end before the start", "application/json",
             R"([{"labels":{"a":"b"},"startsAt":"2026-01-01T00:00:01Z",
                  "endsAt":"2026-01-01T00:00:00Z"}])",
             400, 0},
            {"the valid one of two is kept", "application/json", R"([{"labels":{}},)" + good + "]",
             400, 1},
            {"the same again", "application/json; charset=utf-8", "[" + good + "]", 200, 1},
        };
        for (const auto& [name, type, body, status, kept] : cases) {
            SCOPED_TRACE(name);
            auto reply =
                co_await client.fetch(post(alertmanager.url() + "/api/v2/alerts", body, type));
            EXPECT_EQ(reply ? reply->status : 0, status);
            EXPECT_EQ(alertmanager.alerts().size(), kept);
        }
        co_await alertmanager.stop();
    });
}

TEST(FakeAlertmanager, KeepsOneAlertForEachSetOfLabels) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Clock clock;
        FakeAlertmanager alertmanager(loop, clock);
        HttpClient client(loop);
        const std::string url = alertmanager.url() + "/api/v2/alerts";
        const FakeAlertmanager::Labels labels{{"alertname", "A"}};
        auto firing = json::array({{{"labels", {{"alertname", "A"}, {"empty", ""}}},
                                    {"annotations", {{"summary", "S"}}},
                                    {"startsAt", format_time(clock.now())}}});
        alertmanager.fail_next(500);
        for (int status : {500, 200, 200}) {
            auto reply = co_await client.fetch(post(url, firing.dump()));
            EXPECT_TRUE(reply && reply->status == status);
        }
        EXPECT_TRUE(alertmanager.firing(labels));
        EXPECT_EQ(alertmanager.alerts().at(labels).posts, 2);
        EXPECT_EQ(alertmanager.alerts().at(labels).annotations.at("summary"), "S");
        HttpCall get;
        get.url = url;
        auto shown = co_await client.fetch(get);
        EXPECT_TRUE(shown && json::parse(shown->body).size() == 1);

        auto resolved = firing;
        resolved[0]["endsAt"] = format_time(clock.now());
        auto reply = co_await client.fetch(post(url, resolved.dump()));
        EXPECT_TRUE(reply && reply->status == 200);
        EXPECT_FALSE(alertmanager.firing(labels));
        shown = co_await client.fetch(get);
        EXPECT_TRUE(shown && shown->body == "[]");
        co_await alertmanager.stop();
    });
}

}  // namespace
}  // namespace runnerwatch
