// The disk of a running daemon fills up and is freed again. Made with a limit on the size of its
// files, which is a full disk to SQLite and needs no mount.
#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/resource.h>

#include <set>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Timestamp now() { return std::chrono::system_clock::now(); }

std::string refused(const std::string& runner) {
    return "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
           "runner=" +
           runner +
           " runner_name=k8s-runner status=\"POST "
           "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
}

void limit_files_of(World& world, rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    ASSERT_EQ(::prlimit(world.daemon_pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

void fill_disk(World& world) {
    limit_files_of(world, std::filesystem::file_size(world.database() + "-wal"));
}

void free_disk(World& world) { limit_files_of(world, RLIM_INFINITY); }

std::map<std::string, std::int64_t> counts(World& world) {
    std::map<std::string, std::int64_t> found;
    for (const auto& row : world.incidents()) found[row.fields] = row.count;
    return found;
}

std::int64_t lines_counted(World& world) {
    std::int64_t sum = 0;
    for (const auto& [unused, count] : counts(world)) sum += count;
    return sum;
}

// What the webhook was told of incidents: id -> the numbers it was given, null for none.
std::map<std::string, std::set<std::string>> told(World& world) {
    return world.on_loop([&] {
        std::map<std::string, std::set<std::string>> numbers;
        for (const auto& request : world.hook().received()) {
            const auto body = nlohmann::json::parse(request.body);
            for (const auto& incident : body["data"]["incidents"])
                numbers[incident["id"]].insert(incident["number"].dump());
        }
        return numbers;
    });
}

TEST(FullDisk, TellsOfNewTroubleWithoutANumberAndWritesItOnceThereIsRoom) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    world.start_daemon();
    world.append(pod, now(), refused("glpat-AAA"));
    world.until("the first is told", [&] { return told(world).size() == 1; });
    world.until("and written", [&] { return world.incidents().size() == 1; });
    EXPECT_EQ(told(world).begin()->second, std::set<std::string>{"1"});

    fill_disk(world);
    for (int i = 0; i < 3; ++i) world.append(pod, now(), refused("glpat-BBB"));
    world.until("the second is told", [&] { return told(world).size() == 2; });
    const auto committed = world.incidents();
    ASSERT_EQ(committed.size(), 1u) << "it was told although it could not be written";
    for (const auto& [id, numbers] : told(world)) {
        if (id != committed[0].ulid) {
            EXPECT_EQ(numbers, std::set<std::string>{"null"});
        }
    }
    EXPECT_THAT(world.daemon_log(),
                HasSubstr("writing to the database failed: disk I/O error (File too large). "
                          "Database: " +
                          world.database() +
                          ". Free space on its disk, or raise the quota or limit that holds it; "
                          "nothing is lost meanwhile: what is not written waits and is tried "
                          "again."));

    world.append(pod, now(), refused("glpat-AAA"));
    free_disk(world);
    world.until("all is written", [&] { return lines_counted(world) == 5; });
    std::set<std::int64_t> numbers;
    for (const auto& row : world.incidents()) {
        numbers.insert(row.number);
        EXPECT_TRUE(told(world).contains(row.ulid)) << "told under the id it would have";
    }
    EXPECT_EQ(numbers, (std::set<std::int64_t>{1, 2}));
    EXPECT_EQ(world.lines_committed(), 5u);
    EXPECT_EQ(world.terminate_daemon(), 0);
    EXPECT_THAT(world.daemon_log(), HasSubstr("the database can be written again"));
}

TEST(FullDisk, LosesNothingWhenTheDaemonIsKilledMeanwhile) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    world.start_daemon();
    world.append(pod, now(), refused("glpat-AAA"));
    world.until("the first is told", [&] { return told(world).size() == 1; });
    fill_disk(world);
    for (int i = 0; i < 20; ++i) world.append(pod, now(), refused("glpat-BBB"));
    world.until("the second is told", [&] { return told(world).size() == 2; });
    world.kill_daemon();

    world.start_daemon();
    world.append(pod, now(), refused("glpat-BBB"));
    world.until("all is counted", [&] { return lines_counted(world) >= 22; });
    EXPECT_EQ(world.terminate_daemon(), 0);
    EXPECT_EQ(lines_counted(world), 22);
    EXPECT_EQ(world.lines_committed(), 22u);
    const auto ids = told(world);
    EXPECT_EQ(ids.size(), 2u) << "before and after the kill under the same id";
    for (const auto& row : world.incidents()) EXPECT_TRUE(ids.contains(row.ulid));
}

TEST(FullDisk, AtAStopSaysThatSomethingIsUnwrittenAndReadsItAgain) {
    World world;
    const std::string pod = world.add_pod("gitlab-runner", "aaaaa");
    world.start_daemon();
    world.append(pod, now(), refused("glpat-AAA"));
    world.until("the first is told", [&] { return told(world).size() == 1; });
    fill_disk(world);
    world.append(pod, now(), refused("glpat-BBB"));
    world.until("the second is told", [&] { return told(world).size() == 2; });
    EXPECT_EQ(world.terminate_daemon(), 0);
    EXPECT_THAT(world.daemon_log(), HasSubstr("stopped with unwritten state"));
    world.start_daemon();
    world.until("it is read again", [&] { return lines_counted(world) == 2; });
    EXPECT_EQ(world.terminate_daemon(), 0);
}

}  // namespace
}  // namespace runnerwatch
