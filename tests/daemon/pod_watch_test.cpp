#include "daemon/cluster/pod_watch.h"

#include "daemon/replay/replay_objects.h"
#include "daemon/replay/replay_server.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ReplayPod pod_named(const std::string& name, std::map<std::string, std::string> labels = {}) {
    ReplayContainer container;
    container.name = "runner";
    ReplayPod pod;
    pod.namespace_ = "ci";
    pod.name = name;
    pod.labels = std::move(labels);
    pod.containers = {container};
    return pod;
}

struct Rig {
    explicit Rig(Loop executor, const std::string& selector = {})
        : loop(executor), cluster(loop, clock), server(loop, cluster), tasks(loop, &fail_test) {
        auto listening = server.listen("127.0.0.1:0");
        if (!listening) throw std::runtime_error(listening.error());
        ClusterAccess access;
        access.context = "replay";
        access.server = "http://127.0.0.1:" + std::to_string(*listening);
        api.emplace(loop, access);
        PodWatch::Events events;
        events.on_pod = [this](const Pod& pod) { heard.push_back("pod " + pod.name); };
        events.on_gone = [this](const Pod& pod) { heard.push_back("gone " + pod.name); };
        events.on_listed = [this] { heard.push_back("listed"); };
        events.on_trouble = [this](const std::string& what) { troubles.push_back(what); };
        PodQuery query{"ci", selector, {}};
        watch.emplace(*api, clock, std::move(query), std::move(events));
    }
    void start() { tasks.spawn("watch", watch->run()); }
    asio::awaitable<void> hears(std::string what, int times = 1) {
        auto heard_it = [&] { return std::count(heard.begin(), heard.end(), what) >= times; };
        co_await until(heard_it);
    }
    asio::awaitable<void> watches() {
        auto open = [&] { return !cluster.watches().empty(); };
        co_await until(open);
    }
    asio::awaitable<void> stop() {
        co_await tasks.stop();
        co_await server.stop();
    }

    Loop loop;
    Clock clock{1000.0};
    ReplayCluster cluster;
    ReplayServer server;
    std::optional<ApiClient> api;
    std::vector<std::string> heard, troubles;
    std::optional<PodWatch> watch;
    TaskGroup tasks;
};

template <class Test>
void with_rig(Test test, const std::string& selector = {}) {
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, selector);
        co_await test(rig);
        co_await rig.stop();
    });
}

TEST(PodWatch, ListsThenTellsWhatChanges) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.cluster.add_pod(pod_named("a"));
        rig.start();
        co_await rig.hears("listed");
        EXPECT_THAT(rig.heard, ElementsAre("pod a", "listed"));
        co_await rig.watches();
        rig.cluster.add_pod(pod_named("b"));
        co_await rig.hears("pod b");
        rig.cluster.terminate_container("ci/b", "runner", 1);
        co_await rig.hears("pod b", 2);
        rig.cluster.delete_pod("ci/a");
        co_await rig.hears("gone a");
        EXPECT_THAT(rig.troubles, IsEmpty());
    });
}

TEST(PodWatch, ReadsAListOfManyPages) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.cluster.stream_lists(false);
        for (int i = 0; i < 250; ++i) rig.cluster.add_pod(pod_named("p" + std::to_string(i)));
        rig.start();
        co_await rig.hears("listed");
        EXPECT_EQ(rig.heard.size(), 251u);
    });
}

TEST(PodWatch, ReadsAListThatTheServerStreams) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        for (int i = 0; i < 250; ++i) rig.cluster.add_pod(pod_named("p" + std::to_string(i)));
        rig.start();
        co_await rig.hears("listed");
        EXPECT_EQ(rig.heard.size(), 251u);
        EXPECT_EQ(rig.cluster.watches().size(), 1u) << "the list goes on as a watch";
        rig.cluster.add_pod(pod_named("late"));
        co_await rig.hears("pod late");
        EXPECT_THAT(rig.troubles, IsEmpty());
    });
}

TEST(PodWatch, ListsWhereItMayNotWatchAndSaysSo) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.cluster.stream_lists(false);
        rig.cluster.add_pod(pod_named("a"));
        rig.start();
        co_await rig.watches();
        rig.cluster.add_pod(pod_named("seen"));
        co_await rig.hears("pod seen");
        const std::string message =
            "pods is forbidden: User \"system:serviceaccount:watch:rw\" cannot watch resource "
            "\"pods\" in API group \"\" in the namespace \"ci\"";
        rig.cluster.refuse("watch=1", status_reply(403, "Forbidden", message, "pods"), 3);
        rig.cluster.cut_watches();
        auto told = [&] { return !rig.troubles.empty(); };
        co_await until(told);
        EXPECT_THAT(rig.troubles.at(0), HasSubstr("may not watch pods in namespace ci"));
        rig.cluster.add_pod(pod_named("b"));
        co_await rig.hears("pod b");
        EXPECT_EQ(rig.troubles.size(), 1u) << "a list that works does not hide it";
        co_await rig.watches();
        auto works = [&] { return rig.troubles.size() == 2; };
        co_await until(works);
        EXPECT_EQ(rig.troubles.back(), "");
    });
}

TEST(PodWatch, SeesOnlyWhatItsSelectorSelects) {
    with_rig(
        [](Rig& rig) -> asio::awaitable<void> {
            rig.cluster.add_pod(pod_named("a", {{"app", "runner"}, {"tier", "ci"}}));
            rig.cluster.add_pod(pod_named("b", {{"app", "other"}, {"tier", "ci"}}));
            rig.start();
            co_await rig.hears("listed");
            EXPECT_THAT(rig.heard, ElementsAre("pod a", "listed"));
        },
        "app=runner,tier=ci");
}

TEST(PodWatch, GoesOnWhereAWatchEnded) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.cluster.add_pod(pod_named("a"));
        rig.start();
        co_await rig.watches();
        for (int round = 0; round < 4; ++round) {
            co_await rig.watches();
            if (round % 2 == 0) rig.cluster.cut_watches();
            if (round % 2 == 1) rig.cluster.reset_streams();
            const std::string name = "late" + std::to_string(round);
            rig.cluster.add_pod(pod_named(name));
            co_await rig.hears("pod " + name);
        }
        EXPECT_EQ(std::count(rig.heard.begin(), rig.heard.end(), "pod a"), 1)
            << "nothing is told twice";
        EXPECT_EQ(std::count(rig.heard.begin(), rig.heard.end(), "listed"), 1);
    });
}

TEST(PodWatch, ListsAgainWhenItsPlaceIsForgottenAndFindsWhatHappenedMeanwhile) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.cluster.add_pod(pod_named("stays"));
        rig.cluster.add_pod(pod_named("goes"));
        rig.cluster.add_pod(pod_named("reused"));
        rig.start();
        co_await rig.watches();
        rig.heard.clear();

        rig.cluster.refuse("/pods", status_reply(503, "ServiceUnavailable", "not now"), 2);
        rig.cluster.cut_watches();
        rig.cluster.delete_pod("ci/goes");
        rig.cluster.delete_pod("ci/reused");
        rig.cluster.add_pod(pod_named("reused"));
        rig.cluster.add_pod(pod_named("new"));
        rig.cluster.expire_resource_versions();
        co_await rig.hears("pod new");
        co_await rig.hears("pod reused");
        EXPECT_THAT(rig.heard, ElementsAre("gone goes", "gone reused", "pod new", "pod reused"));
        co_await rig.watches();
        rig.cluster.delete_pod("ci/stays");
        co_await rig.hears("gone stays");
    });
}

TEST(PodWatch, NamesTheRightItLacksOnceAndSaysWhenItWorks) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        const std::string message =
            "pods is forbidden: User \"system:serviceaccount:watch:rw\" cannot list resource "
            "\"pods\" in API group \"\" in the namespace \"ci\"";
        rig.cluster.refuse("/pods", status_reply(403, "Forbidden", message, "pods"), 3);
        rig.start();
        co_await rig.hears("listed");
        EXPECT_EQ(rig.troubles.size(), 2u);
        EXPECT_EQ(rig.troubles.at(0),
                  "runnerwatch may not list pods in namespace ci: the credentials lack verb list "
                  "on pods; grant it with: kubectl create role runnerwatch "
                  "--verb=get,list,watch --resource=pods,pods/log -n ci && kubectl create "
                  "rolebinding runnerwatch --role=runnerwatch --serviceaccount=watch:rw -n ci");
        EXPECT_EQ(rig.troubles.at(1), "");
    });
}

TEST(PodWatch, SaysWhatCameInsteadOfPods) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        ServerReply page;
        page.content_type = "text/html";
        page.body = "<html>Please log in</html>";
        rig.cluster.refuse("/pods", page, 2);
        rig.start();
        co_await rig.hears("listed");
        EXPECT_THAT(rig.troubles.at(0), HasSubstr("<html>Please log in</html>"));
    });
}

// Answers as told, and keeps the credentials it was shown.
struct TokenServer {
    explicit TokenServer(Loop loop)
        : server(loop, [this](ServerRequest request, Responder& responder) {
              return answer(std::move(request), responder);
          }) {
        port = server.listen("127.0.0.1:0").value();
    }
    asio::awaitable<void> answer(ServerRequest request, Responder& responder) {
        shown.push_back(request.headers["authorization"]);
        ServerReply reply;
        reply.status = shown.back() == "Bearer new" ? 200 : 401;
        reply.body = "{}";
        co_await responder.send(std::move(reply));
    }
    std::vector<std::string> shown;
    HttpServer server;
    std::uint16_t port = 0;
};

TEST(ApiClient, ReadsItsTokenAgainAfterARefusal) {
    const std::string file = testing::TempDir() + "runnerwatch-token";
    const auto write_token = [&file](const char* token) { std::ofstream(file) << token << "\n"; };
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        TokenServer tokens(loop);
        ClusterAccess access;
        access.context = "dev";
        access.server = "http://127.0.0.1:" + std::to_string(tokens.port);
        access.token_file = file;
        ApiClient api(loop, access);

        write_token("old");
        auto refused = co_await api.get("/api/v1/pods");
        EXPECT_FALSE(refused);
        EXPECT_THAT(refused.error().what, HasSubstr("does not accept the credentials of context"));
        EXPECT_THAT(tokens.shown, ElementsAre("Bearer old")) << "the same would be refused again";

        write_token("new");
        auto accepted = co_await api.get("/api/v1/pods");
        EXPECT_TRUE(accepted);
        EXPECT_THAT(tokens.shown, ElementsAre("Bearer old", "Bearer old", "Bearer new"));

        write_token("other");
        tokens.shown.clear();
        std::function<void(int)> on_headers = [](int status) { EXPECT_EQ(status, 200); };
        std::function<void(std::string_view)> on_bytes = [](std::string_view) {};
        auto end = co_await api.stream("/api/v1/pods", on_headers, on_bytes);
        EXPECT_EQ(end.status, 200) << "a token is read again every minute, not at each request";
        co_await tokens.server.stop();
    });
    std::remove(file.c_str());
}

TEST(ApiClient, SaysWhichServerCannotBeReached) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        ClusterAccess access;
        access.server = "http://127.0.0.1:1/prefix";
        ApiClient api(loop, access);
        auto answer = co_await api.get("/api/v1/pods");
        EXPECT_FALSE(answer);
        EXPECT_EQ(answer.error().code, 0);
        EXPECT_THAT(answer.error().what,
                    HasSubstr("cannot reach the API server http://127.0.0.1:1/prefix"));
    });
}

TEST(KubeconfigAccess, SaysWhichFileIsMissingOrUnreadable) {
    const auto missing = kubeconfig_access("/no/such/file:/nor/this", "");
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().what, HasSubstr("/no/such/file, /nor/this"));
    const auto folder = kubeconfig_access("/", "");
    ASSERT_FALSE(folder);
    EXPECT_THAT(folder.error().what, HasSubstr("cannot read the kubeconfig /: Is a directory"));
}

TEST(KubeconfigAccess, ReadsWhatTheReplayServerWrites) {
    const std::string file = testing::TempDir() + "runnerwatch-kubeconfig";
    std::ofstream(file) << kubeconfig_for(8001);
    const auto access = kubeconfig_access("/no/such/file:" + file, "replay");
    std::remove(file.c_str());
    ASSERT_TRUE(access) << access.error().what;
    EXPECT_EQ(access->server, "http://127.0.0.1:8001");
    EXPECT_EQ(access->token, "replay");
}

}  // namespace
}  // namespace runnerwatch
