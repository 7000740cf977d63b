// Where a daemon's API is served: under a path, by TLS.
#include "daemon/app.h"
#include "daemon/commands/ask_daemon.h"
#include "daemon/net/http_client.h"
#include "tests/daemon/past_incidents.h"
#include "tests/daemon/run_task.h"
#include "tests/daemon/test_certificates.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <thread>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Headers = std::vector<std::pair<std::string, std::string>>;

class ApiAddress : public testing::Test {
protected:
    ApiAddress() {
        auto store = std::move(*Store::open(folder_.file()));
        if (!store->commit(PastIncidents().take())) throw std::runtime_error("not written");
        config_.storage.database = folder_.file();
        config_.http.listen = config_.probe_listen = "127.0.0.1:0";
    }
    ~ApiAddress() override {
        if (app_) run(app_->stop());
        ::unsetenv("RUNNERWATCH_CA_FILE");
    }

    // A certificate of an authority of its own, which clients do not know yet.
    TestAuthority configure_tls() {
        TestAuthority authority(folder_.file() + ".tls");
        authority.make("server");
        config_.http.tls_certificate = authority.file("server.pem");
        config_.http.tls_key = authority.file("server.key");
        return authority;
    }

    // Its error; empty: it runs.
    std::string start() {
        app_ = std::make_unique<App>(io_, config_, std::move(*load_rule_set({})), clock_,
                                     App::Watchers{});
        std::string error;
        const auto begin = [&]() -> asio::awaitable<void> {
            const auto started = co_await app_->start();
            if (!started) error = started.error();
        };
        run(begin());
        return error;
    }

    void run(asio::awaitable<void> task) { run_task(io_, std::move(task)); }

    HttpReply ask(const std::string& path, const Headers& headers = {},
                  const std::string& body = "") {
        HttpClient client(io_.get_executor());
        HttpCall call;
        call.url = scheme_ + "127.0.0.1:" + std::to_string(app_->http_port()) + path;
        call.headers = headers;
        call.body = body;
        if (!body.empty()) call.method = "POST";
        if (!authority_.empty()) {
            TlsOptions options;
            options.ca_file = authority_;
            call.tls = std::make_shared<const TlsOptions>(options);
        }
        HttpReply reply;
        const auto fetch = [&]() -> asio::awaitable<void> {
            auto answer = co_await client.fetch(std::move(call));
            if (!answer) throw std::runtime_error(answer.error().what);
            reply = std::move(*answer);
        };
        run(fetch());
        return reply;
    }

    json ready() {
        HttpClient client(io_.get_executor());
        HttpCall call;
        call.url = "http://127.0.0.1:" + std::to_string(app_->probe_port()) + "/readyz";
        std::string body;
        const auto fetch = [&]() -> asio::awaitable<void> {
            auto answer = co_await client.fetch(std::move(call));
            if (answer) body = answer->body;
        };
        run(fetch());
        return json::parse(body);
    }

    // A command that asks a daemon blocks: it has a thread, while the daemon runs on this one.
    Result<HttpReply, std::string> ask_as_a_command(const std::string& address) {
        Result<HttpReply, std::string> reply = failure(std::string("not asked"));
        bool over = false;
        std::thread command([&] {
            reply = ask_daemon(address, "/api/v1/incidents");
            asio::post(io_, [&over] { over = true; });
        });
        io_.restart();
        while (!over) io_.run_one();
        command.join();
        return reply;
    }

    TestFolder folder_;
    asio::io_context io_{1};
    Clock clock_;
    Config config_;
    std::string scheme_ = "http://", authority_;
    std::unique_ptr<App> app_;
};

const Headers json_body{{"Content-Type", "application/json"}};

TEST_F(ApiAddress, EverythingIsServedUnderThePrefixAndNothingBesideIt) {
    config_.http.path_prefix = "/tools/runnerwatch";
    ASSERT_EQ(start(), "");
    EXPECT_EQ(ask("/tools/runnerwatch/api/v1/incidents").status, 200);
    EXPECT_EQ(ask("/tools/runnerwatch/api/v1/coverage").status, 200);
    EXPECT_EQ(
        ask("/tools/runnerwatch/api/v1/incidents/4/note", json_body, R"({"note":"x"})").status,
        200);
    EXPECT_EQ(ask("/tools/runnerwatch/api/v1/incidents:batch", json_body,
                  R"({"acts":[{"incident":4,"act":"ack"}]})")
                  .status,
              200);
    for (const char* path : {"/api/v1/incidents", "/", "/tools", "/tools/runnerwatch",
                             "/tools/runnerwatchapi/v1/incidents", "/openapi.json"}) {
        const auto reply = ask(path);
        EXPECT_EQ(reply.status, 404) << path;
        EXPECT_THAT(reply.body, HasSubstr("begins with /tools/runnerwatch/")) << path;
    }
    const auto lost = ask("/tools/runnerwatch/incidents");
    EXPECT_EQ(lost.status, 404);
    EXPECT_THAT(lost.body, HasSubstr("/tools/runnerwatch/openapi.json says what there is"));
}

TEST_F(ApiAddress, TheDocumentSaysThePrefixAndNoHeaderOfOthersDoes) {
    config_.http.path_prefix = "/tools/runnerwatch";
    ASSERT_EQ(start(), "");
    const auto reply =
        ask("/tools/runnerwatch/openapi.json", {{"X-Forwarded-Prefix", "/somewhere"}});
    EXPECT_EQ(json::parse(reply.body).at("servers").at(0).at("url"), "/tools/runnerwatch");
    EXPECT_THAT(reply.body, Not(HasSubstr("somewhere")));
    EXPECT_EQ(ask("/api/v1/incidents", {{"X-Forwarded-Prefix", "/tools/runnerwatch"}}).status, 404);
}

TEST_F(ApiAddress, ByTlsIsAskedWithTheAuthorityThatSignedForIt) {
    TestAuthority authority = configure_tls();
    config_.http.path_prefix = "/rw";
    ASSERT_EQ(start(), "");
    scheme_ = "https://";
    authority_ = authority.file("ca.pem");
    EXPECT_EQ(ask("/rw/api/v1/incidents").status, 200);

    const std::string port = std::to_string(app_->http_port());
    const auto unknown = ask_as_a_command("https://127.0.0.1:" + port + "/rw/");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error(), HasSubstr("--ca-file FILE"));
    ::setenv("RUNNERWATCH_CA_FILE", authority_.c_str(), 1);
    const auto known = ask_as_a_command("https://127.0.0.1:" + port + "/rw/");
    ASSERT_TRUE(known) << known.error();
    EXPECT_EQ(known->status, 200);
}

TEST_F(ApiAddress, ByTlsAPageOfOursMayChangeThingsAndOneByPlainHttpMayNot) {
    TestAuthority authority = configure_tls();
    ASSERT_EQ(start(), "");
    scheme_ = "https://";
    authority_ = authority.file("ca.pem");
    const std::string host = "127.0.0.1:" + std::to_string(app_->http_port());
    Headers headers = json_body;
    headers.emplace_back("Origin", "https://" + host);
    EXPECT_EQ(ask("/api/v1/incidents/4/note", headers, R"({"note":"x"})").status, 200);
    headers.back().second = "http://" + host;
    EXPECT_EQ(ask("/api/v1/incidents/4/note", headers, R"({"note":"x"})").status, 403);
}

TEST_F(ApiAddress, ACertificateThatCannotBeReadKeepsTheDaemonFromStarting) {
    config_.http.tls_certificate = config_.http.tls_key = "/nowhere/tls.crt";
    EXPECT_THAT(start(), AllOf(HasSubstr("http.tls: the certificate in /nowhere/tls.crt"),
                               HasSubstr("No such file")));
}

TEST_F(ApiAddress, ReadinessSaysThatNewFilesAreNotServed) {
    TestAuthority authority = configure_tls();
    ASSERT_EQ(start(), "");
    EXPECT_EQ(ready().at("degraded").size(), 0u);
    authority.make("renewed");
    std::filesystem::rename(authority.file("renewed.key"), authority.file("server.key"));
    scheme_ = "https://";
    authority_ = authority.file("ca.pem");
    EXPECT_EQ(ask("/api/v1/incidents").status, 200);
    EXPECT_THAT(ready().at("degraded").dump(), HasSubstr("is served on"));
    std::filesystem::rename(authority.file("server.pem"), authority.file("away.pem"));
    std::filesystem::create_directory(authority.file("server.pem"));
    EXPECT_EQ(ask("/api/v1/incidents").status, 200) << "there is nothing to read any more";
    EXPECT_THAT(ready().at("degraded").dump(),
                AllOf(HasSubstr("http.tls: the certificate in " + authority.file("server.pem")),
                      HasSubstr("is served on")));
    std::filesystem::remove(authority.file("server.pem"));
    std::filesystem::rename(authority.file("renewed.pem"), authority.file("server.pem"));
    EXPECT_EQ(ask("/api/v1/incidents").status, 200);
    EXPECT_EQ(ready().at("degraded").size(), 0u);
}

}  // namespace
}  // namespace runnerwatch
