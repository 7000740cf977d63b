// Who may ask a daemon that runs, what he sees of it, and what he is told while it happens.
#include "daemon/commands/ask_daemon.h"
#include "daemon/net/http_client.h"
#include "parsers/digest.h"
#include "tests/acceptance/world.h"

#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <mutex>
#include <sstream>

namespace runnerwatch {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const char* const refused =
    "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
    "runner=glpat-FAK runner_name=k8s-runner status=\"POST "
    "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";

const std::string list = "/api/v1/incidents";

std::string token_entry(const std::string& name, const std::string& role,
                        const std::string& namespaces = "") {
    return "{name: " + name + ", role: " + role + ", sha256: " + sha256_hex("rwt_" + name) +
           (namespaces.empty() ? "" : ", namespaces: [" + namespaces + "]") + "}";
}

HttpReply reply_to(HttpCall call) {
    asio::io_context io(1);
    HttpClient client(io.get_executor());
    HttpReply reply;
    const auto ask = [&]() -> asio::awaitable<void> {
        auto answer = co_await client.fetch(std::move(call));
        if (!answer) throw std::runtime_error(answer.error().what);
        reply = *std::move(answer);
    };
    const auto at_end = [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(io, ask, at_end);
    io.run();
    return reply;
}

// Hears what a daemon sends until it is stopped.
class Listener {
public:
    explicit Listener(HttpCall call) : thread_([this, call = std::move(call)] { listen(call); }) {}
    ~Listener() {
        client_.reset();
        io_.stop();
        thread_.join();
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::string heard() const {
        const std::lock_guard lock(mutex_);
        return heard_;
    }

private:
    void listen(HttpCall call) {
        call.timeout = std::chrono::milliseconds(0);
        const auto hear = [this, call]() -> asio::awaitable<void> {
            const auto on_headers = [](int) {};
            const auto on_bytes = [this](std::string_view bytes) {
                const std::lock_guard lock(mutex_);
                heard_ += bytes;
            };
            co_await client_->stream(call, on_headers, on_bytes);
        };
        const auto at_end = [](std::exception_ptr) {};
        asio::co_spawn(io_, hear, at_end);
        io_.run();
    }

    asio::io_context io_{1};
    std::optional<HttpClient> client_{io_.get_executor()};
    mutable std::mutex mutex_;
    std::string heard_;
    std::thread thread_;
};

class Callers : public testing::Test {
protected:
    Callers() {
        world.set_http("{listen: '127.0.0.1:0', tokens: [" + token_entry("eve", "responder") +
                       ", " + token_entry("wall", "viewer", "gitlab-runner") + ", " +
                       token_entry("other", "viewer", "production") + "]}");
        pod = world.add_pod("gitlab-runner", "aaaaa");
    }
    HttpCall call(const std::string& target, const std::string& who) {
        HttpCall call;
        call.url = "http://127.0.0.1:" + world.api_port() + target;
        if (!who.empty()) call.headers = {{"Authorization", "Bearer rwt_" + who}};
        return call;
    }
    HttpReply act(const std::string& what, const std::string& who, const std::string& body) {
        HttpCall told = call(list + what, who);
        told.method = "POST";
        told.headers.push_back({"Content-Type", "application/json"});
        told.body = body;
        return reply_to(told);
    }
    HttpReply note(const std::string& who) {
        return act("/1/note", who, R"({"note":"seen","actor":"somebody else"})");
    }
    void open_incident() {
        world.append(pod, std::chrono::system_clock::now(), refused);
        world.until("the incident is open", [&] { return world.incidents().size() == 1; });
    }
    World world;
    std::string pod;
};

TEST_F(Callers, SeeAndDoWhatTheirTokensAllow) {
    world.start_daemon();
    open_incident();
    EXPECT_EQ(reply_to(call(list, "")).status, 401);
    EXPECT_EQ(reply_to(call(list, "mallory")).status, 401);
    EXPECT_EQ(reply_to(call("/openapi.json", "")).status, 200);
    for (const std::string who : {"eve", "wall"}) {
        EXPECT_THAT(reply_to(call(list, who)).body, HasSubstr("job-request-forbidden"));
        EXPECT_EQ(reply_to(call(list + "/1", who)).status, 200);
    }
    EXPECT_THAT(reply_to(call(list, "other")).body, HasSubstr(R"("incidents":[])"));
    EXPECT_THAT(reply_to(call("/api/v1/stats", "other")).body, Not(HasSubstr("forbidden")));
    EXPECT_THAT(reply_to(call("/api/v1/coverage", "other")).body, HasSubstr(R"("sources":[])"));
    for (const std::string part : {"", "/timeline", "/similar", "/postmortem"})
        EXPECT_EQ(reply_to(call(list + "/1" + part, "other")).status, 404) << part;

    EXPECT_EQ(note("").status, 401);
    EXPECT_EQ(note("wall").status, 403);
    EXPECT_EQ(note("eve").status, 200);
    const auto detail = world.incident(world.incidents()[0].key);
    ASSERT_TRUE(detail);
    EXPECT_EQ(detail->timeline.back().actor, "eve") << "the token says who it is";
    EXPECT_EQ(world.terminate_daemon(), 0);
}

TEST_F(Callers, AreToldWhatIsCommittedWhileTheyListen) {
    world.start_daemon();
    Listener wall(call("/api/v1/events", "wall")), other(call("/api/v1/events", "other"));
    world.until("both listen", [&] {
        return wall.heard().find("hello") != std::string::npos &&
               other.heard().find("hello") != std::string::npos;
    });
    open_incident();
    world.until("it is told",
                [&] { return wall.heard().find("job-request-forbidden") != std::string::npos; });
    EXPECT_EQ(note("eve").status, 200);
    world.until("a change is told", [&] {
        const std::string heard = wall.heard();
        return heard.find("event: incident", heard.find("event: incident") + 1) != heard.npos;
    });
    EXPECT_THAT(wall.heard(), HasSubstr("\"number\":1"));
    EXPECT_THAT(other.heard(), Not(HasSubstr("event: incident")));
    EXPECT_EQ(world.terminate_daemon(), 0) << "listeners do not keep it from ending";
}

// The newest that a listener heard of an incident, by its number.
std::map<int, json> newest_heard(const Listener& listener) {
    std::map<int, json> newest;
    std::istringstream lines(listener.heard());
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("data: ")) continue;
        json told = json::parse(line.substr(6), nullptr, false);
        if (!told.contains("number")) continue;
        const int number = told.at("number");
        newest[number] = std::move(told);
    }
    return newest;
}

TEST_F(Callers, AreToldOfAMergedIncidentAsTheListShowsIt) {
    world.start_daemon();
    open_incident();
    std::string other = refused;
    other.replace(other.find("glpat-FAK"), 9, "glpat-BBB");
    world.append(pod, std::chrono::system_clock::now(), other);
    world.until("two are open", [&] { return world.incidents().size() == 2; });
    Listener wall(call("/api/v1/events", "wall"));
    world.until("it listens", [&] { return wall.heard().find("hello") != std::string::npos; });
    ASSERT_EQ(act("/2/merge", "eve", R"({"into":1})").status, 200);
    const auto heard = [&](int number) {
        const auto all = newest_heard(wall);
        const auto found = all.find(number);
        return found == all.end() ? json::object() : found->second;
    };
    const auto listed = [&](const std::string& query = "") {
        return json::parse(reply_to(call(list + query, "wall")).body).at("incidents");
    };
    world.until("both are told", [&] {
        return heard(1).value("count", 0) == 2 && !heard(2).value("merged_into", "").empty();
    });
    ASSERT_EQ(listed().size(), 1u);
    EXPECT_EQ(heard(1), listed().at(0));

    // What shows in the part is told of the whole.
    world.append(pod, std::chrono::system_clock::now(), other);
    world.until("it is told again", [&] { return heard(1).value("count", 0) == 3; });
    ASSERT_EQ(act("/1/resolve", "eve", R"({"note":"new token"})").status, 200);
    world.until("the end of both is told", [&] {
        return heard(1).value("state", "") == "resolved" &&
               heard(2).value("state", "") == "resolved";
    });
    EXPECT_EQ(heard(1), listed().at(0));

    const auto timeline = [&](const std::string& id) {
        std::vector<std::string> kinds;
        const json body = json::parse(reply_to(call(list + id + "/timeline", "wall")).body);
        for (const auto& row : body.at("timeline")) kinds.push_back(row.at("kind"));
        return kinds;
    };
    EXPECT_THAT(timeline("/1"), AllOf(Contains("merged_here"), Contains("resolve")));
    EXPECT_THAT(timeline("/2"), AllOf(Contains("merge"), Contains("resolve")));
    EXPECT_EQ(world.terminate_daemon(), 0);
}

}  // namespace
}  // namespace runnerwatch
