#include "daemon/cluster/credentials.h"

#include "daemon/cluster/api_client.h"
#include "daemon/cluster/exec_plugin.h"
#include "daemon/net/http_server.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace runnerwatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto credential_begin =
    R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)";

// A folder with a program in it that is a plugin.
class PluginTest : public testing::Test {
protected:
    PluginTest() {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~PluginTest() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name) const { return folder_ + "/" + name; }

    std::string text_of(const std::string& name) const {
        std::ifstream in(file(name));
        return {std::istreambuf_iterator<char>(in), {}};
    }

    // `script` is run by a shell; each run adds a letter to the file "runs".
    ExecPlugin plugin(const std::string& script) const {
        std::ofstream(file("plugin.sh")) << "printf x >>" << file("runs") << "\n" << script << "\n";
        ExecPlugin made;
        made.command = "/bin/sh";
        made.arguments = {file("plugin.sh")};
        made.api_version = "client.authentication.k8s.io/v1";
        return made;
    }

    ClusterAccess access(const std::string& script) const {
        ClusterAccess made;
        made.context = "prod";
        made.exec = plugin(script);
        return made;
    }

private:
    const std::string folder_ =
        testing::TempDir() + "runnerwatch-plugin-" + std::to_string(::getpid());
};

std::string prints_token(const std::string& token, const std::string& more = "") {
    return credential_begin + std::string(R"({"token":")") + token + "\"" + more + "}}'";
}

std::string failure_of(const ExecPlugin& plugin) {
    std::string said;
    run_on_loop([&](Loop) -> asio::awaitable<void> {
        const auto printed = co_await run_exec_plugin(plugin, ExecClusterInfo());
        EXPECT_FALSE(printed);
        if (!printed) said = printed.error();
    });
    return said;
}

TEST_F(PluginTest, GetsItsEnvironmentAndNoInput) {
    ExecPlugin made = plugin(
        "cat >" + file("input") + "; echo \"$PROFILE $KUBERNETES_EXEC_INFO\" >" + file("seen") +
        "; ls /proc/self/fd | wc -l >" + file("files") + "\n" + prints_token("t"));
    made.environment = {{"PROFILE", "ci"}};
    run_on_loop([&](Loop) -> asio::awaitable<void> {
        const auto printed = co_await run_exec_plugin(made, ExecClusterInfo());
        EXPECT_TRUE(printed) << printed.error();
        EXPECT_EQ(printed->token, "t");
    });
    EXPECT_EQ(text_of("input"), "");
    EXPECT_THAT(text_of("seen"), AllOf(StartsWith("ci {"), HasSubstr(R"("interactive":false)")));
    EXPECT_LE(std::stoi(text_of("files")), 4) << "none of our descriptors is handed on";
}

TEST_F(PluginTest, SaysHowItFailedWithoutASecret) {
    EXPECT_THAT(failure_of(plugin("echo expired: glpat-abcdefghijklmnopqrst >&2; exit 3")),
                AllOf(HasSubstr("it ended with exit code 3: expired: "), Not(HasSubstr("qrst"))));
    EXPECT_THAT(failure_of(plugin("kill -9 $$")), HasSubstr("it was ended by signal 9"));
    EXPECT_THAT(failure_of(plugin("echo hello")), HasSubstr("something else than an Exec"));
    EXPECT_THAT(
        failure_of(plugin("yes SECRET; echo")),
        AllOf(HasSubstr("it printed more than 1 MiB; it was killed"), Not(HasSubstr("SECRET"))));
    ExecPlugin none;
    none.command = "no-such-program-anywhere";
    none.install_hint = "install it from here";
    EXPECT_EQ(failure_of(none), "there is no such program; install it from here");
}

// A process that nobody has reaped yet does not run any more.
bool runs(const std::string& pid) {
    std::ifstream stat("/proc/" + pid + "/stat");
    std::string number, name, state;
    return (stat >> number >> name >> state) && state != "Z" && state != "X";
}

TEST_F(PluginTest, IsKilledWithWhatItStartedWhenNobodyWaitsAnyMore) {
    const ExecPlugin made = plugin("mkfifo " + file("never") + "; cat " + file("never") +
                                   " & echo $! >" + file("pid") + "; wait");
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        TaskGroup tasks(loop, &fail_test);
        auto run = [&]() -> asio::awaitable<void> {
            co_await run_exec_plugin(made, ExecClusterInfo());
        };
        tasks.spawn("plugin", run());
        auto started = [&] { return text_of("pid").ends_with('\n'); };
        co_await until(started);
        const std::string pid = std::to_string(std::stoi(text_of("pid")));
        EXPECT_TRUE(runs(pid));
        co_await tasks.stop();
        auto gone = [&] { return !runs(pid); };
        co_await until(gone);
    });
}

TEST_F(PluginTest, RunsOnceForAllWhoWaitAndNotAgainUntilRefused) {
    const ClusterAccess prod = access(prints_token("t"));
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Credentials credentials(loop, prod);
        int served = 0;
        auto ask = [&]() -> asio::awaitable<void> {
            const auto got = co_await credentials.get();
            EXPECT_TRUE(got);
            if (got && (*got)->token == "t") ++served;
        };
        TaskGroup tasks(loop, &fail_test);
        for (int i = 0; i < 5; ++i) tasks.spawn("asks", ask());
        auto all = [&] { return served == 5; };
        co_await until(all);
        EXPECT_EQ(text_of("runs"), "x");
        co_await ask();
        EXPECT_EQ(text_of("runs"), "x") << "it does not expire";

        const auto got = co_await credentials.get();
        const auto generation = (*got)->generation;
        EXPECT_TRUE(co_await credentials.renew(generation));
        EXPECT_TRUE(co_await credentials.renew(generation)) << "somebody was faster";
        EXPECT_EQ(text_of("runs"), "xx");
        co_await tasks.stop();
    });
}

TEST_F(PluginTest, WhatItPrintedServesOnlyUntilItExpires) {
    const ClusterAccess late =
        access(prints_token("t", R"(,"expirationTimestamp":"2020-01-01T00:00:00Z")"));
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Credentials expired(loop, late);
        const auto got = co_await expired.get();
        EXPECT_FALSE(got);
        EXPECT_THAT(got.error(), HasSubstr("printed some that have expired already"));
        const auto again = co_await expired.get();
        EXPECT_FALSE(again);
        EXPECT_EQ(text_of("runs"), "x") << "not for every request";
    });
}

TEST_F(PluginTest, AFailureIsToldWithContextAndProgramAndWaitsBeforeTheNextTry) {
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        ClusterAccess broken = access("exit 1");
        broken.server = "http://127.0.0.1:1";
        ApiClient api(loop, broken);
        const auto got = co_await api.get("/api/v1/pods");
        EXPECT_FALSE(got);
        EXPECT_EQ(got.error().what,
                  "no credentials for context 'prod': its exec plugin '/bin/sh' failed: it ended "
                  "with exit code 1; run it by hand as the user of this process to see why");
        std::function<void(int)> on_headers = [](int) {};
        std::function<void(std::string_view)> on_bytes = [](std::string_view) {};
        const auto end = co_await api.stream("/api/v1/pods", on_headers, on_bytes);
        EXPECT_EQ(api.explain("/api/v1/pods", end).what, got.error().what);
    });
    EXPECT_EQ(text_of("runs"), "x");
}

TEST(ApiClientImpersonation, IsAskedForWithEveryRequest) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        std::vector<std::string> seen;
        auto answer = [&](ServerRequest request, Responder& responder) -> asio::awaitable<void> {
            for (const char* name : {"impersonate-user", "impersonate-uid", "impersonate-group",
                                     "impersonate-extra-night%2fshift"})
                seen.push_back(request.headers[name]);
            ServerReply reply;
            reply.body = "{}";
            co_await responder.send(std::move(reply));
        };
        HttpServer server(loop, answer);
        ClusterAccess access;
        access.server = "http://127.0.0.1:" + std::to_string(server.listen("127.0.0.1:0").value());
        access.as = {"admin", "7", {"a"}, {{"Night/Shift", "yes"}}};
        ApiClient api(loop, access);
        co_await api.get("/api/v1/pods");
        EXPECT_THAT(seen, ElementsAre("admin", "7", "a", "yes"));
        co_await server.stop();
    });
}

}  // namespace
}  // namespace runnerwatch
