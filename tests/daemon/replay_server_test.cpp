#include "daemon/replay/replay_server.h"

#include "daemon/net/http_client.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const Timestamp noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 12h;

ReplayContainer container(const std::string& name, const std::string& waiting = {}) {
    ReplayContainer result;
    result.name = name;
    result.image = "gitlab/gitlab-runner:v17.5.0";
    result.waiting = waiting;
    return result;
}

ReplayPod bare_pod(const std::string& name, const std::string& waiting = {}) {
    ReplayPod pod;
    pod.namespace_ = "gitlab-runner";
    pod.name = name;
    pod.containers = {container("build", waiting)};
    return pod;
}

// What a streamed answer has given so far.
struct Stream {
    std::string text;
    bool begun = false, ended = false;
    StreamEnd end;
};

struct Rig {
    explicit Rig(Loop loop)
        : cluster(loop, clock), server(loop, cluster), client(loop), tasks(loop, &fail_test) {
        auto listening = server.listen("127.0.0.1:0");
        if (!listening) throw std::runtime_error(listening.error());
        port = *listening;
    }
    HttpCall call(const std::string& target) const {
        HttpCall result;
        result.url = "http://127.0.0.1:" + std::to_string(port) + target;
        return result;
    }
    asio::awaitable<HttpReply> get(std::string target) {
        auto reply = co_await client.fetch(call(target));
        EXPECT_TRUE(reply) << target << ": " << reply.error().what;
        co_return reply.value();
    }
    asio::awaitable<std::string> text(std::string target) {
        auto reply = co_await get(target);
        EXPECT_EQ(reply.status, 200) << reply.body;
        co_return reply.body;
    }
    asio::awaitable<json> object(std::string target) {
        auto body = co_await text(target);
        co_return json::parse(body);
    }
    // Begins to read a streamed answer, and returns when its headers are here.
    asio::awaitable<void> open(std::string target, Stream& stream) {
        tasks.spawn(target, read(target, stream));
        auto begun = [&] { return stream.begun || stream.ended; };
        co_await until(begun);
    }
    asio::awaitable<void> read(std::string target, Stream& stream) {
        auto streaming = call(target);
        streaming.timeout = 0ms;
        auto on_headers = [&](int) { stream.begun = true; };
        auto on_bytes = [&](std::string_view bytes) { stream.text += bytes; };
        stream.end = co_await client.stream(streaming, on_headers, on_bytes);
        stream.ended = true;
    }
    asio::awaitable<void> ended(Stream& stream) {
        auto condition = [&] { return stream.ended; };
        co_await until(condition);
    }
    asio::awaitable<void> has(Stream& stream, std::string text) {
        auto condition = [&] { return stream.text.find(text) != stream.text.npos; };
        co_await until(condition);
    }
    asio::awaitable<void> stop() {
        co_await tasks.stop();
        co_await server.stop();
    }

    Clock clock;
    ReplayCluster cluster;
    ReplayServer server;
    HttpClient client;
    std::uint16_t port = 0;
    TaskGroup tasks;
};

const std::string pods = "/api/v1/namespaces/gitlab-runner/pods";
const std::string log_of_one = pods + "/one/log?timestamps=true";

std::vector<std::string> names(const json& list) {
    std::vector<std::string> result;
    for (const auto& item : list.at("items")) result.push_back(item.at("metadata").at("name"));
    return result;
}

// "ADDED one", "BOOKMARK ", … of the events of a watch.
std::vector<std::string> events(const std::string& lines) {
    std::vector<std::string> result;
    std::istringstream input(lines);
    for (std::string line; std::getline(input, line);) {
        auto event = json::parse(line);
        result.push_back(event.at("type").get<std::string>() + " " +
                         event["object"]["metadata"].value("name", ""));
    }
    return result;
}

// The answer in a recording, without its headers.
std::string recorded_body(const std::string& name) {
    std::ifstream file(SOURCE_DIR "/tests/recordings/kubernetes/" + name);
    std::string text(std::istreambuf_iterator<char>(file), {});
    auto headers_end = text.find("\r\n\r\n");
    if (headers_end == text.npos) throw std::runtime_error("no recording " + name);
    return text.substr(headers_end + 4);
}

TEST(ReplayServer, ShowsWhatARunnerManagersPodLooksLike) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto pod = bare_pod("gitlab-runner-6cb7567d44-5hnnj");
        pod.replica_set = "gitlab-runner-6cb7567d44";
        pod.labels = {{"app", "gitlab-runner"}};
        auto name = rig.cluster.add_pod(pod);
        rig.cluster.restart_container(name, "build");
        auto item = (co_await rig.object(pods)).at("items").at(0);
        auto metadata = item.at("metadata");
        EXPECT_EQ(metadata.at("labels").at("pod-template-hash"), "6cb7567d44");
        EXPECT_EQ(metadata.at("ownerReferences").at(0).at("kind"), "ReplicaSet");
        EXPECT_EQ(metadata.at("ownerReferences").at(0).at("name"), "gitlab-runner-6cb7567d44");
        EXPECT_EQ(item.at("spec").at("nodeName"), "node-1");
        EXPECT_EQ(item.at("status").at("phase"), "Running");
        auto status = item.at("status").at("containerStatuses").at(0);
        EXPECT_EQ(status.at("restartCount"), 1);
        EXPECT_TRUE(status.at("state").contains("running"));
        EXPECT_THAT(status.at("containerID"), StartsWith("containerd://"));
        EXPECT_NE(status.at("containerID"),
                  status.at("lastState").at("terminated").at("containerID"));

        rig.cluster.terminate_container(name, "build", 137);
        rig.cluster.mark_deleting(name);
        item = co_await rig.object(pods + "/gitlab-runner-6cb7567d44-5hnnj");
        EXPECT_TRUE(item.at("metadata").contains("deletionTimestamp"));
        status = item.at("status").at("containerStatuses").at(0);
        EXPECT_EQ(status.at("state").at("terminated").at("exitCode"), 137);
        co_await rig.stop();
    });
}

TEST(ReplayServer, ListsByNamespaceLabelAndPage) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        for (const char* name : {"a", "b", "c"}) {
            auto pod = bare_pod(name);
            pod.labels = {{"app", name == std::string("b") ? "other" : "runner"}, {"tier", "x"}};
            rig.cluster.add_pod(pod);
        }
        auto elsewhere = bare_pod("d");
        elsewhere.namespace_ = "other";
        rig.cluster.add_pod(elsewhere);

        const struct {
            std::string target;
            std::vector<std::string> found;
        } cases[] = {
            {"/api/v1/pods", {"a", "b", "c", "d"}},
            {pods, {"a", "b", "c"}},
            {pods + "?labelSelector=app%3Drunner", {"a", "c"}},
            {pods + "?labelSelector=app%3D%3Drunner,tier%3Dx", {"a", "c"}},
            {pods + "?labelSelector=app!%3Drunner", {"b"}},
            {"/api/v1/namespaces/none/pods", {}},
            {pods + "?limit=2", {"a", "b"}},
            {pods + "?limit=3", {"a", "b", "c"}},
        };
        for (const auto& [target, found] : cases) {
            SCOPED_TRACE(target);
            auto list = co_await rig.object(target);
            EXPECT_EQ(names(list), found);
            EXPECT_EQ(list.at("metadata").contains("continue"), target == pods + "?limit=2");
        }
        auto first = co_await rig.object(pods + "?limit=2");
        std::string token = first.at("metadata").at("continue");
        auto rest = co_await rig.object(pods + "?limit=2&continue=" + token);
        EXPECT_THAT(names(rest), ElementsAre("c"));
        EXPECT_FALSE(rest.at("metadata").contains("continue"));

        rig.cluster.expire_resource_versions();
        auto expired = co_await rig.get(pods + "?limit=2&continue=" + token);
        EXPECT_EQ(expired.status, 410);
        auto wrong = co_await rig.get(pods + "?labelSelector=app");
        EXPECT_EQ(wrong.status, 400);
        co_await rig.stop();
    });
}

TEST(ReplayServer, AWatchDeliversWhatChangesAfterAList) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.cluster.add_pod(bare_pod("before"));
        auto list = co_await rig.object(pods);
        std::string version = list.at("metadata").at("resourceVersion");
        auto one = rig.cluster.add_pod(bare_pod("one"));

        Stream watch;
        co_await rig.open(pods + "?watch=1&resourceVersion=" + version, watch);
        co_await rig.has(watch, "ADDED");
        rig.cluster.restart_container(one, "build");
        auto elsewhere = bare_pod("elsewhere");
        elsewhere.namespace_ = "other";
        rig.cluster.add_pod(elsewhere);
        rig.cluster.delete_pod(one);
        co_await rig.has(watch, "DELETED");
        EXPECT_THAT(events(watch.text), ElementsAre("ADDED one", "MODIFIED one", "DELETED one"));

        rig.cluster.cut_watches();
        co_await rig.ended(watch);
        EXPECT_TRUE(watch.end.clean);
        co_await rig.stop();
    });
}

TEST(ReplayServer, AWatchFromNowhereBeginsWithAllPodsAndEndsWithABookmark) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.cluster.add_pod(bare_pod("one"));
        auto lines = co_await rig.text(pods + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=0");
        EXPECT_THAT(events(lines), ElementsAre("ADDED one", "BOOKMARK ", "BOOKMARK "));
        EXPECT_THAT(lines, HasSubstr("k8s.io/initial-events-end"));
        auto without = co_await rig.text(pods + "?watch=true&timeoutSeconds=0&resourceVersion=0");
        EXPECT_THAT(events(without), ElementsAre("ADDED one"));
        co_await rig.stop();
    });
}

TEST(ReplayServer, AWatchFromTooLongAgoIsToldSoInAnEvent) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.cluster.add_pod(bare_pod("one"));
        auto version = std::to_string(rig.cluster.version());
        rig.cluster.expire_resource_versions();
        auto line = co_await rig.text(pods + "?watch=1&resourceVersion=" + version);
        auto recorded = json::parse(recorded_body("410-watch.txt"));
        recorded["object"]["message"] = "too old resource version: 2 (3)";
        EXPECT_EQ(json::parse(line), recorded);
        co_await rig.stop();
    });
}

// Every refusal, byte for byte but for the JSON's layout.
TEST(ReplayServer, RefusesAsARecordedApiServerDid) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.cluster.add_pod(bare_pod("one"));
        rig.cluster.add_pod(bare_pod("creating", "ContainerCreating"));
        rig.cluster.add_pod(bare_pod("no-image", "ImagePullBackOff"));
        rig.cluster.add_pod(bare_pod("initializing", "PodInitializing"));
        auto two = bare_pod("two");
        two.containers = {container("build"), container("helper"), container("prepare")};
        two.containers.back().init = true;
        rig.cluster.add_pod(two);

        const struct {
            const char* recording;
            const char* target;
            int status;
        } cases[] = {
            {"400-bad-since-time.txt", "/one/log?sinceTime=yesterday", 400},
            {"400-container-creating.txt", "/creating/log?follow=true", 400},
            {"400-container-not-named.txt", "/two/log?follow=true", 400},
            {"400-image-pull.txt", "/no-image/log?follow=true", 400},
            {"400-no-previous.txt", "/one/log?previous=true", 400},
            {"400-no-such-container.txt", "/one/log?container=none", 400},
            {"400-pod-initializing.txt", "/initializing/log?container=build&follow=true", 400},
            {"404-no-pod.txt", "/none/log?follow=true", 404},
            {"422-limit-bytes.txt", "/one/log?limitBytes=0", 422},
            {"422-since-seconds.txt", "/one/log?sinceSeconds=0", 422},
            {"422-stream-parameter.txt", "/one/log?stream=Stderr", 422},
            {"422-tail-lines.txt", "/one/log?tailLines=-1", 422},
            {"422-two-sinces.txt", "/one/log?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422},
        };
        for (const auto& [recording, target, status] : cases) {
            SCOPED_TRACE(recording);
            auto reply = co_await rig.get(pods + target);
            EXPECT_EQ(reply.status, status);
            EXPECT_EQ(json::parse(reply.body), json::parse(recorded_body(recording)));
        }
        co_await rig.stop();
    });
}

TEST(ReplayServer, AnswersNothingForAPodWithoutANode) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto unscheduled = bare_pod("unscheduled");
        unscheduled.node.clear();
        rig.cluster.add_pod(unscheduled);
        auto reply = co_await rig.get(pods + "/unscheduled/log?follow=true");
        EXPECT_EQ(reply.status, 204);
        EXPECT_EQ(reply.body, "");
        co_await rig.stop();
    });
}

TEST(ReplayServer, SelectsLinesAsTheKubeletDoes) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto one = rig.cluster.add_pod(bare_pod("one"));
        rig.cluster.append(one, "build", noon, "a");
        rig.cluster.append(one, "build", noon + 1s, "b");
        rig.cluster.append(one, "build", noon + 1s + 500ms, "c");
        rig.cluster.append(one, "build", noon + 900ms, "d");  // its time goes back
        rig.cluster.append(one, "build", noon + 2s + 1ns, "e");
        const struct {
            const char* name;
            const char* options;
            const char* text;
        } cases[] = {
            {"all", "", "a\nb\nc\nd\ne\n"},
            {"floored to the second and inclusive", "sinceTime=2026-11-23T12:00:01.999999999Z",
             "b\nc\ne\n"},
            {"an offset", "sinceTime=2026-11-23T14:00:02%2B02:00", "e\n"},
            {"the last ones", "tailLines=2", "d\ne\n"},
            {"none", "tailLines=0", ""},
            {"more than there are", "tailLines=9", "a\nb\nc\nd\ne\n"},
            {"the tail of what is recent", "tailLines=3&sinceTime=2026-11-23T12:00:01Z", "c\ne\n"},
            {"cut in the middle", "limitBytes=5", "a\nb\nc"},
            {"with times", "tailLines=1&timestamps=true", "2026-11-23T12:00:02.000000001Z e\n"},
        };
        for (const auto& [name, options, text] : cases) {
            SCOPED_TRACE(name);
            auto got = co_await rig.text(pods + "/one/log?" + options);
            EXPECT_EQ(got, text);
        }
        rig.cluster.rotate(one, "build");
        rig.cluster.append(one, "build", noon + 3s, "f");
        auto after = co_await rig.text(pods + "/one/log?tailLines=5");
        EXPECT_EQ(after, "f\n") << "what was rotated away is out of reach";
        co_await rig.stop();
    });
}

TEST(ReplayServer, AFollowedLogGoesOnUntilItsContainerEnds) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto one = rig.cluster.add_pod(bare_pod("one"));
        Stream log, without_follow;
        co_await rig.open(log_of_one + "&follow=true", log);
        EXPECT_EQ(log.text, "") << "the headers come before the first line";
        rig.cluster.append(one, "build", noon, "first");
        co_await rig.has(log, "2026-11-23T12:00:00.000000000Z first\n");
        rig.cluster.rotate(one, "build");
        rig.cluster.append(one, "build", noon, "second");
        co_await rig.has(log, "second\n");
        rig.cluster.append(one, "build", noon, "last");
        rig.cluster.restart_container(one, "build");
        co_await rig.ended(log);
        EXPECT_TRUE(log.end.clean);
        EXPECT_THAT(log.text, HasSubstr("last\n"));

        rig.cluster.append(one, "build", noon, "of the next instance");
        auto previous = co_await rig.text(pods + "/one/log?previous=true");
        EXPECT_EQ(previous, "second\nlast\n") << "the first was rotated away";
        auto current = co_await rig.text(pods + "/one/log?follow=false");
        EXPECT_EQ(current, "of the next instance\n");

        // Between two restarts the instance before the last is deleted already.
        rig.cluster.terminate_container(one, "build", 1);
        auto ended = co_await rig.text(pods + "/one/log?follow=true");
        EXPECT_EQ(ended, "of the next instance\n");
        auto gone = co_await rig.text(pods + "/one/log?previous=true");
        EXPECT_THAT(gone, StartsWith("unable to retrieve container logs for containerd://"));
        co_await rig.stop();
    });
}

TEST(ReplayServer, ADeletedPodsStreamEndsInOrderAndItsNameMayBeUsedAgain) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto one = rig.cluster.add_pod(bare_pod("one"));
        auto uid = rig.cluster.find(one)->uid;
        Stream log;
        co_await rig.open(log_of_one + "&follow=true", log);
        rig.cluster.append(one, "build", noon, "good bye");
        rig.cluster.delete_pod(one);
        co_await rig.ended(log);
        EXPECT_TRUE(log.end.clean);
        EXPECT_THAT(log.text, HasSubstr("good bye\n"));
        auto gone = co_await rig.get(log_of_one);
        EXPECT_EQ(gone.status, 404);

        rig.cluster.add_pod(bare_pod("one"));
        EXPECT_NE(rig.cluster.find(one)->uid, uid);
        auto empty = co_await rig.text(log_of_one);
        EXPECT_EQ(empty, "");
        co_await rig.stop();
    });
}

TEST(ReplayServer, ShowsTheFaultsOfARealOne) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto one = rig.cluster.add_pod(bare_pod("one"));
        rig.cluster.append(one, "build", noon, "line");

        Stream cut, in_band, reset, watch;
        co_await rig.open(log_of_one + "&follow=true", cut);
        rig.cluster.cut_logs();
        co_await rig.ended(cut);
        EXPECT_TRUE(cut.end.clean);

        co_await rig.open(pods + "/one/log?follow=true", in_band);
        co_await rig.has(in_band, "line\n");
        rig.cluster.fail_logs_in_band("failed to create fsnotify watcher: too many open files");
        co_await rig.ended(in_band);
        EXPECT_TRUE(in_band.end.clean);
        EXPECT_EQ(in_band.text, "line\nfailed to create fsnotify watcher: too many open files");

        co_await rig.open(log_of_one + "&follow=true", reset);
        co_await rig.open(pods + "?watch=1", watch);
        rig.cluster.reset_streams();
        co_await rig.ended(reset);
        co_await rig.ended(watch);
        EXPECT_FALSE(reset.end.clean);
        EXPECT_FALSE(watch.end.clean);
        EXPECT_EQ(watch.end.status, 200);

        ServerReply unauthorized;
        unauthorized.status = 401;
        rig.cluster.refuse("/one/log", unauthorized, 2);
        for (int status : {401, 401, 200}) {
            auto reply = co_await rig.get(log_of_one);
            EXPECT_EQ(reply.status, status);
        }

        rig.cluster.delay_answers(1h);
        auto impatient = rig.call("/version");
        impatient.timeout = 20ms;
        auto late = co_await rig.client.fetch(impatient);
        EXPECT_TRUE(!late && late.error().kind == HttpFailure::Kind::timeout);
        co_await rig.stop();
    });
}

TEST(ReplayServer, AnswersWhatClientsAskBesides) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        auto version = co_await rig.object("/version");
        EXPECT_EQ(version.at("major"), "1");
        auto health = co_await rig.text("/healthz");
        EXPECT_EQ(health, "ok");
        auto nodes = co_await rig.get("/api/v1/nodes");
        EXPECT_EQ(nodes.status, 404);
        auto writing = rig.call(pods + "/one");
        writing.method = "DELETE";
        auto refused = co_await rig.client.fetch(writing);
        EXPECT_TRUE(refused && refused->status == 405);
        EXPECT_THAT(kubeconfig_for(8001), HasSubstr("server: \"http://127.0.0.1:8001\""));
        co_await rig.stop();
    });
}

}  // namespace
}  // namespace runnerwatch
