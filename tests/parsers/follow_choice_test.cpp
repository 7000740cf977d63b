#include "parsers/follow_choice.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using testing::HasSubstr;

// A pod of this metadata with these containers.
Pod pod_of(const std::string& metadata, const std::string& spec) {
    auto object =
        nlohmann::json::parse(R"({"metadata": {"uid": "u-1", "name": "p-x", "namespace": "ns"}})");
    object["metadata"].merge_patch(nlohmann::json::parse(metadata));
    object["spec"] = nlohmann::json::parse(spec);
    auto pod = parse_pod(object);
    EXPECT_TRUE(pod);
    return pod ? *pod : Pod{};
}

FollowChoice choice(const Pod& pod, std::size_t container, const FollowWish& wish = {}) {
    return choose_container(wish, pod, pod.containers.at(container));
}

TEST(FollowChoice, TakesManagersAndSaysByWhat) {
    struct {
        const char *name, *metadata, *spec;
        bool follow;
        const char* why;
    } const cases[] = {
        {"some program", "{}", R"({"containers": [{"name": "r", "image": "busybox"}]})", false,
         "no manager: image busybox"},
        {"image", "{}",
         R"({"containers": [{"name": "r",
             "image": "registry:5000/gitlab/gitlab-runner:alpine-v17@sha256:00"}]})",
         true, "image registry:5000/gitlab/gitlab-runner:alpine-v17"},
        {"helper image", "{}",
         R"({"containers": [{"name": "r",
             "image": "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x"}]})",
         false, "no manager"},
        {"the operator", "{}",
         R"({"containers": [{"name": "r", "image": "gitlab/gitlab-runner-operator:v1"}]})", false,
         "no manager"},
        {"image in a project of that name", "{}",
         R"({"containers": [{"name": "r", "image": "registry/gitlab-runner/cache:1"}]})", false,
         "no manager"},
        {"chart label", R"({"labels": {"chart": "gitlab-runner-0.58.2"}})",
         R"({"containers": [{"name": "r", "image": "mirror/runner"}]})", true,
         "label chart=gitlab-runner-0.58.2"},
        {"command", "{}",
         R"({"containers": [{"name": "r", "image": "mine",
             "command": ["/usr/bin/gitlab-runner", "run"]}]})",
         true, "command gitlab-runner run"},
        {"registration only", "{}",
         R"({"containers": [{"name": "r", "image": "mine",
             "command": ["gitlab-runner", "register"]}]})",
         false, "no manager"},
        {"job pod by label",
         R"({"labels": {"chart": "gitlab-runner-0.58.2", "manager.runner.gitlab.com/name": "x"}})",
         R"({"containers": [{"name": "r", "image": "gitlab/gitlab-runner"}]})", false,
         "a job's pod (label manager.runner.gitlab.com/name)"},
        {"job pod of old runners", "{}",
         R"({"containers": [{"name": "build", "image": "gitlab/gitlab-runner"},
                            {"name": "helper"}]})",
         false, "a job's pod (containers build and helper)"},
    };
    for (const auto& [name, metadata, spec, follow, why] : cases) {
        SCOPED_TRACE(name);
        const auto chosen = choice(pod_of(metadata, spec), 0);
        EXPECT_EQ(chosen.follow, follow);
        EXPECT_THAT(chosen.why, HasSubstr(why));
    }
}

TEST(FollowChoice, LeavesOutWhatStandsBesideAManager) {
    const Pod pod = pod_of(R"({"labels": {"chart": "gitlab-runner-0.58.2"}})", R"({
        "initContainers": [{"name": "configure", "image": "gitlab/gitlab-runner:v17"},
                           {"name": "mesh-init", "image": "istio/proxyv2"}],
        "containers": [{"name": "runner", "image": "gitlab/gitlab-runner:v17"},
                       {"name": "mesh", "image": "istio/proxyv2"}],
        "ephemeralContainers": [{"name": "debugger", "image": "gitlab/gitlab-runner:v17"}]})");
    EXPECT_TRUE(choice(pod, 0).follow) << "it registers the runner";
    EXPECT_FALSE(choice(pod, 1).follow);
    EXPECT_TRUE(choice(pod, 2).follow);
    EXPECT_FALSE(choice(pod, 3).follow);
    EXPECT_THAT(choice(pod, 3).why, HasSubstr("beside a manager: image istio/proxyv2"));
    EXPECT_FALSE(choice(pod, 4).follow) << "a person at work";
    EXPECT_THAT(choice(pod, 4).why, HasSubstr("ephemeral container beside a manager"));
    EXPECT_TRUE(choice(pod, 4, {"app=x", "", {}}).follow) << "a selector takes all containers";
}

TEST(FollowChoice, TakesTheWorkloadsThatAreNamed) {
    const Pod pod = pod_of(
        R"({"ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": true}]})",
        R"({"containers": [{"name": "r", "image": "busybox"}]})");
    EXPECT_TRUE(choice(pod, 0, {"", "", {"StatefulSet/web"}}).follow);
    EXPECT_TRUE(choice(pod, 0, {"", "", {"StatefulSet/w*"}}).follow);
    EXPECT_FALSE(choice(pod, 0, {"", "", {"Deployment/web"}}).follow);
    EXPECT_FALSE(choice(pod, 0, {"app=web", "", {"Deployment/web"}}).follow) << "both must hold";
    EXPECT_EQ(choice(pod, 0, {"", "", {"Job/*"}}).why, "workloads does not name StatefulSet/web");
}

TEST(FollowChoice, TakesAJobsPodOnlyByName) {
    const Pod pod = pod_of(R"({"labels": {"job.runner.gitlab.com/pod": "p-x"}})",
                           R"({"containers": [{"name": "build", "image": "ruby"}]})");
    EXPECT_FALSE(choice(pod, 0, {"app=x", "", {}}).follow);
    EXPECT_FALSE(choice(pod, 0, {"", "", {"*"}}).follow);
    EXPECT_TRUE(choice(pod, 0, {"", "", {"Pod/p-*"}}).follow);
    EXPECT_THAT(choice(pod, 0).why, HasSubstr("names it as Pod/p-x"));
}

TEST(Pattern, StandsForAnythingAtItsStars) {
    for (const char* pattern : {"*", "ab", "a*", "*b", "a*b", "**ab", "*a*b*"})
        EXPECT_TRUE(matches_pattern(pattern, "ab")) << pattern;
    for (const char* pattern : {"", "a", "b", "abc", "b*", "*a", "a*c", "*ab*b"})
        EXPECT_FALSE(matches_pattern(pattern, "ab")) << pattern;
    EXPECT_TRUE(matches_pattern("", ""));
    EXPECT_TRUE(matches_pattern("runner-*-x*", "runner-a-b-x1"));
}

}  // namespace
}  // namespace runnerwatch
