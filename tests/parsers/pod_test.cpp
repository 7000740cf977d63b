#include "parsers/pod.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The body of a recorded answer of a real API server: behind the remarks and the headers.
std::string recorded(const std::string& name) {
    std::ifstream file(SOURCE_DIR "/tests/recordings/kubernetes/" + name + ".txt");
    std::stringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    const std::size_t headers_end = all.find("\r\n\r\n");
    EXPECT_NE(headers_end, std::string::npos) << name;
    return all.substr(headers_end + 4);
}

// The events of a recorded watch, chunk sizes left out.
std::vector<WatchEvent> recorded_events(const std::string& name) {
    std::istringstream lines(recorded(name));
    std::vector<WatchEvent> events;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() != '{') continue;
        auto event = parse_watch_event(line);
        EXPECT_TRUE(event) << event.error();
        if (event) events.push_back(*event);
    }
    return events;
}

nlohmann::json pod_object(const std::string& extra) {
    auto pod = nlohmann::json::parse(
        R"({"metadata": {"uid": "u-1", "name": "p", "namespace": "ns"},
            "spec": {"containers": [{"name": "main", "image": "busybox"}]}})");
    pod.merge_patch(nlohmann::json::parse(extra));
    return pod;
}

Pod pod_with(const std::string& extra) {
    auto pod = parse_pod(pod_object(extra));
    EXPECT_TRUE(pod);
    return pod ? *pod : Pod{};
}

TEST(PodList, ReadsARealPage) {
    const auto list = parse_pod_list(recorded("list-page"));
    ASSERT_TRUE(list) << list.error();
    EXPECT_EQ(list->resource_version, "474");
    EXPECT_EQ(list->next, "");
    ASSERT_EQ(list->pods.size(), 1u);
    const Pod& pod = list->pods[0];
    EXPECT_EQ(pod.name, "one");
    EXPECT_EQ(pod.namespace_, "gitlab-runner");
    EXPECT_EQ(pod.uid, "114e3e5f-8c6c-4a5b-ba26-5f5829c392d9");
    EXPECT_EQ(pod.node, "node-1");
    EXPECT_EQ(pod.workload, "Pod/one");
    EXPECT_EQ(pod.phase, "Running");
    EXPECT_EQ(format_time(pod.created_at), "2026-11-23T20:45:45.000000000Z");
    EXPECT_EQ(pod.labels.at("touched"), "yes");
    EXPECT_FALSE(pod.deleting);
    ASSERT_EQ(pod.containers.size(), 1u);
    EXPECT_EQ(pod.containers[0].name, "build");
    EXPECT_EQ(pod.containers[0].image, "x") << "what the manifest says, not what it resolved to";
    EXPECT_EQ(pod.containers[0].state, PodContainer::State::running);
    EXPECT_THAT(pod.containers[0].id, HasSubstr("logfiles://50acc449"));
    EXPECT_EQ(format_time(pod.containers[0].started_at.value()), "2026-11-23T20:45:46.000000000Z");
}

TEST(PodList, SaysWhatCameInsteadOfAList) {
    for (const char* text : {"", "<html>Bad gateway</html>", "[]", R"({"items": 5})"}) {
        SCOPED_TRACE(text);
        const auto list = parse_pod_list(text);
        ASSERT_FALSE(list);
        EXPECT_THAT(list.error(), HasSubstr("not a list of pods"));
    }
}

TEST(WatchEvent, ReadsRealEvents) {
    const auto modified = recorded_events("watch-modified");
    ASSERT_FALSE(modified.empty());
    EXPECT_EQ(modified[0].kind, WatchEvent::Kind::modified);
    EXPECT_EQ(modified[0].pod.name, "one");
    EXPECT_EQ(modified[0].resource_version, "418");

    const auto bookmarks = recorded_events("watch-bookmark");
    ASSERT_EQ(bookmarks.size(), 2u);
    EXPECT_EQ(bookmarks[1].kind, WatchEvent::Kind::bookmark);
    EXPECT_EQ(bookmarks[1].resource_version, "473");

    const auto gone = recorded_events("410-watch");
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].kind, WatchEvent::Kind::error);
    EXPECT_EQ(gone[0].code, 410);
    EXPECT_THAT(gone[0].message, HasSubstr("too old resource version"));
}

TEST(WatchEvent, RefusesWhatIsNone) {
    for (const char* line :
         {"", "{", "null", "[]", R"({"type": "ADDED"})", R"({"type": 5, "object": {}})",
          R"({"type": "NEW", "object": {}})", R"({"type": "ADDED", "object": {"metadata": {}}})"}) {
        SCOPED_TRACE(line);
        EXPECT_FALSE(parse_watch_event(line));
    }
}

TEST(ApiStatus, ReadsWhatARealServerAnswers) {
    struct {
        const char* file;
        int code;
        const char *reason, *kind, *message;
    } const cases[] = {
        {"400-container-creating", 400, "BadRequest", "", "is waiting to start: ContainerCreating"},
        {"401-bad-token", 401, "Unauthorized", "", "Unauthorized"},
        {"403-no-logs", 403, "Forbidden", "pods", "cannot get resource \"pods/log\""},
        {"404-no-pod", 404, "NotFound", "pods", "pods \"none\" not found"},
        {"404-kubelet-just-started", 404, "NotFound", "pods/log", "the server could not find"},
        {"410-list-continue", 410, "Expired", "", "The provided continue parameter is too old"},
        {"500-kubelet-away", 500, "", "", "connection refused"},
    };
    for (const auto& [file, code, reason, kind, message] : cases) {
        SCOPED_TRACE(file);
        const ApiStatus status = parse_api_status(599, recorded(file));
        EXPECT_EQ(status.code, code);
        EXPECT_EQ(status.reason, reason);
        EXPECT_EQ(status.kind, kind);
        EXPECT_THAT(status.message, HasSubstr(message));
    }
}

TEST(ApiStatus, TakesAnyOtherAnswerAsItsMessage) {
    const ApiStatus html = parse_api_status(502, "<html>\n  <h1>Bad   gateway</h1>\r\n</html>");
    EXPECT_EQ(html.code, 502);
    EXPECT_EQ(html.message, "<html> <h1>Bad gateway</h1> </html>");
    EXPECT_LT(parse_api_status(502, std::string(100'000, 'x')).message.size(), 600u);
    EXPECT_EQ(parse_api_status(429, "").message, "");
}

TEST(Pod, NamesItsWorkload) {
    struct {
        const char *name, *metadata, *workload;
    } const cases[] = {
        {"bare", R"({})", "Pod/p"},
        {"deployment",
         R"({"labels": {"pod-template-hash": "6cb7567d44"}, "ownerReferences":
             [{"kind": "ReplicaSet", "name": "gitlab-runner-6cb7567d44", "controller": true}]})",
         "Deployment/gitlab-runner"},
        {"replica set of its own",
         R"({"ownerReferences": [{"kind": "ReplicaSet", "name": "r-1", "controller": true}]})",
         "ReplicaSet/r-1"},
        {"hash is the whole name",
         R"({"labels": {"pod-template-hash": "x"}, "ownerReferences":
             [{"kind": "ReplicaSet", "name": "-x", "controller": true}]})",
         "ReplicaSet/-x"},
        {"stateful set",
         R"({"ownerReferences": [{"kind": "StatefulSet", "name": "runner", "controller": true}]})",
         "StatefulSet/runner"},
        {"owner that does not control",
         R"({"ownerReferences": [{"kind": "ConfigMap", "name": "x"}]})", "Pod/p"},
        {"nonsense", R"({"ownerReferences": 7, "labels": []})", "Pod/p"},
    };
    for (const auto& [name, metadata, workload] : cases) {
        SCOPED_TRACE(name);
        EXPECT_EQ(pod_with(R"({"metadata": )" + std::string(metadata) + "}").workload, workload);
    }
}

TEST(Pod, ReadsTheStatesOfItsContainers) {
    const Pod pod = pod_with(R"({
        "metadata": {"deletionTimestamp": "2026-11-23T20:45:45Z"},
        "spec": {"initContainers": [{"name": "configure", "image": "i"}],
                 "containers": [{"name": "a", "command": ["/entrypoint"], "args": ["run", 5]},
                                {"name": "b"}]},
        "status": {"initContainerStatuses": [
                     {"name": "configure", "containerID": "c://0",
                      "state": {"terminated": {"startedAt": "2026-11-23T20:45:45Z",
                                               "finishedAt": "2026-11-23T20:45:46Z"}}}],
                   "containerStatuses": [
                     {"name": "b", "restartCount": 3, "containerID": "c://2",
                      "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                      "lastState": {"terminated": {"containerID": "c://1", "exitCode": 137,
                                                   "reason": "OOMKilled"}}}]}})");
    EXPECT_TRUE(pod.deleting);
    EXPECT_THAT(pod.containers[1].command, ElementsAre("/entrypoint", "run"));
    ASSERT_EQ(pod.containers.size(), 3u);
    EXPECT_EQ(pod.containers[0].kind, PodContainer::Kind::init);
    EXPECT_EQ(pod.containers[0].state, PodContainer::State::terminated);
    EXPECT_EQ(*pod.containers[0].finished_at - *pod.containers[0].started_at,
              std::chrono::seconds(1));
    EXPECT_EQ(pod.containers[1].id, "") << "no status yet";
    EXPECT_EQ(pod.containers[2].state, PodContainer::State::waiting);
    EXPECT_EQ(pod.containers[2].restarts, 3);
    EXPECT_EQ(pod.containers[2].last_id, "c://1");
    EXPECT_EQ(pod.containers[2].last_end, "exit code 137, OOMKilled");
}

TEST(Pod, NeedsItsNames) {
    EXPECT_FALSE(parse_pod(nlohmann::json::object()));
    EXPECT_FALSE(parse_pod(nlohmann::json::parse(R"({"metadata": {"uid": 5, "name": "x"}})")));
}

TEST(Pod, HasEphemeralContainersAndTheRevisionOfItsWorkload) {
    const Pod pod = pod_with(R"({
        "metadata": {"labels": {"controller-revision-hash": "web-6d9f"}},
        "spec": {"ephemeralContainers": [{"name": "debugger", "image": "busybox"}]},
        "status": {"ephemeralContainerStatuses": [
                     {"name": "debugger", "containerID": "c://9",
                      "state": {"running": {"startedAt": "2026-11-23T20:45:45Z"}}}]}})");
    EXPECT_EQ(pod.revision, "web-6d9f");
    ASSERT_EQ(pod.containers.size(), 2u);
    EXPECT_EQ(pod.containers[1].kind, PodContainer::Kind::ephemeral);
    EXPECT_EQ(pod.containers[1].id, "c://9");
    EXPECT_EQ(pod.containers[1].state, PodContainer::State::running);
}

TEST(WatchEvent, TellsTheEndOfAStreamedListAndWhereAnExpiredListGoesOn) {
    const auto events = recorded_events("watch-list");
    ASSERT_GE(events.size(), 2u);
    EXPECT_EQ(events.front().kind, WatchEvent::Kind::added);
    EXPECT_FALSE(events.front().initial_end);
    const auto is_end = [](const WatchEvent& event) { return event.initial_end; };
    EXPECT_EQ(std::count_if(events.begin(), events.end(), is_end), 1);
    EXPECT_THAT(parse_api_status(410, recorded("410-list-continue")).next, HasSubstr("eyJ2Ijoi"));
}

}  // namespace
}  // namespace runnerwatch
