// From a pod's image, or what a runner says of itself when it starts, to what is asked by version.
#include "daemon/commands/ask_daemon.h"
#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>

namespace runnerwatch {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

Timestamp now() { return std::chrono::system_clock::now(); }

std::string refused(const std::string& runner) {
    return "time=\"" + format_time(now()) +
           "\" level=error msg=\"Checking for jobs... forbidden\" runner=" + runner +
           " runner_name=k8s-runner status=\"POST "
           "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
}

std::string started(const std::string& version) {
    return "time=\"" + format_time(now()) +
           "\" level=info msg=\"Runtime platform\" arch=amd64 os=linux pid=7 revision=a1b2c3d4 "
           "version=" +
           version;
}

class Versions : public testing::Test {
protected:
    json asked(const std::string& target) {
        const auto reply = ask_daemon("127.0.0.1:" + world.api_port(), target);
        EXPECT_TRUE(reply && reply->status == 200) << target;
        return reply ? json::parse(reply->body) : json();
    }
    // What of the identity field names the incidents.
    std::vector<std::string> runners_of(const std::string& version) {
        std::vector<std::string> runners;
        const json page = asked("/api/v1/incidents?version=" + version);
        for (const auto& one : page.at("incidents"))
            runners.push_back(one.at("fields").at("runner"));
        return runners;
    }
    std::map<std::string, int> counts(const json& list, const char* name) {
        std::map<std::string, int> found;
        for (const auto& one : list) found[one.at(name)] = one.at("incidents");
        return found;
    }
    void refuse(const std::string& pod, const std::string& runner, std::size_t incidents) {
        world.append(pod, now(), refused(runner));
        world.until("it is open", [&] { return world.incidents().size() == incidents; });
    }
    World world;
};

TEST_F(Versions, GoFromThePodToPagesFacetsAndStatistics) {
    std::ofstream log(world.file("runner.log"));
    world.add_to_config("files: [{name: vm, path: '" + world.file("runner.log") + "'}]\n");
    const std::string tagged = world.add_pod("gitlab-runner", "aaaaa");  // of image :v19.4.0
    const std::string upgraded = world.add_pod("other", "bbbbb");
    world.start_daemon();
    refuse(tagged, "glrt-AAA", 1);
    world.append(upgraded, now(), started("19.4.1"));
    refuse(upgraded, "glrt-BBB", 2);
    log << started("18.0.0") << "\n" << refused("glrt-CCC") << std::endl;
    world.until("that of the file is open", [&] { return world.incidents().size() == 3; });

    EXPECT_THAT(runners_of("19.4.0"), ElementsAre("glrt-AAA"));
    EXPECT_THAT(runners_of("19.4.1"), ElementsAre("glrt-BBB")) << "its own word, not the tag";
    EXPECT_THAT(runners_of("18.0.0"), ElementsAre("glrt-CCC"));
    EXPECT_THAT(runners_of("17.0.0"), ElementsAre());
    const auto each_once =
        UnorderedElementsAre(Pair("19.4.0", 1), Pair("19.4.1", 1), Pair("18.0.0", 1));
    const auto facets = asked("/api/v1/incidents/facets?facets=version").at("facets");
    EXPECT_THAT(counts(facets.at("version").at("values"), "value"), each_once);
    EXPECT_THAT(counts(asked("/api/v1/stats").at("releases"), "version"), each_once);
}

TEST_F(Versions, AreKnownBehindARestartThoughTheLineThatSaidItIsNotReadAgain) {
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    std::ofstream log(world.file("runner.log"));
    world.add_to_config("files: [{name: vm, path: '" + world.file("runner.log") + "'}]\n");
    world.start_daemon();
    world.append(pod, now(), started("19.4.1"));
    log << started("18.0.0") << std::endl;
    refuse(pod, "glrt-AAA", 1);
    world.until("the file is read", [&] { return world.lines_committed() == 3; });
    EXPECT_EQ(world.terminate_daemon(), 0);

    world.start_daemon();
    refuse(pod, "glrt-BBB", 2);
    log << refused("glrt-CCC") << std::endl;
    world.until("that of the file is open", [&] { return world.incidents().size() == 3; });
    EXPECT_THAT(runners_of("19.4.1"), UnorderedElementsAre("glrt-AAA", "glrt-BBB"));
    EXPECT_THAT(runners_of("19.4.0"), ElementsAre());
    EXPECT_THAT(runners_of("18.0.0"), ElementsAre("glrt-CCC"));

    // The runner of the file is upgraded; no restart of ours tells.
    log << started("18.1.0") << "\n" << refused("glrt-DDD") << std::endl;
    world.until("the next is open", [&] { return world.incidents().size() == 4; });
    EXPECT_THAT(runners_of("18.1.0"), ElementsAre("glrt-DDD"));
    EXPECT_THAT(runners_of("18.0.0"), ElementsAre("glrt-CCC"));
}

}  // namespace
}  // namespace runnerwatch
