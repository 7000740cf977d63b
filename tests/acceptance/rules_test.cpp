// The rules of a running daemon change.

#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

Timestamp now() { return std::chrono::system_clock::now(); }

std::string line(const std::string& message) {
    return "time=\"2026-11-24T10:00:00Z\" level=warning msg=\"" + message + "\"";
}

std::string rule(const std::string& id, const std::string& message, int count) {
    return "id: " + id + "\ntitle: T\nimpact: I\nseverity: warning\nresponse: ticket\n" +
           "detect: [{message: '" + message + "'}]\nopen: {count: " + std::to_string(count) +
           ", within: 1h}\nsamples:\n  detect: ['WARNING: " + message + "']\n";
}

class Rules : public testing::Test {
protected:
    Rules() { std::filesystem::create_directory(folder()); }

    std::string folder() { return world.file("rules"); }

    // Renamed into place, as an editor or Kubernetes does it.
    void put(const std::string& name, const std::string& text) {
        const std::string path = folder() + "/" + name;
        std::ofstream(path + ".new") << text;
        std::filesystem::rename(path + ".new", path);
    }

    bool log_holds(const std::string& words) {
        return world.daemon_log().find(words) != std::string::npos;
    }

    std::size_t incidents_of(const std::string& id) {
        const auto all = world.incidents();
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [&](const IncidentRow& row) { return row.rule == id; }));
    }

    World world;
};

TEST_F(Rules, AreTakenWhenTheirFolderChangesAndWhatIsPendingAndOpenGoesOn) {
    put("tape.yaml", rule("tape", "Tape torn", 3));
    put("disk.yaml", rule("disk", "Disk torn", 1));
    const std::string pod = world.add_pod("one", "aaaaa");
    world.append(pod, now() - 60s, line("Disk torn"));
    world.append(pod, now() - 50s, line("Tape torn"));
    world.set_rules(folder());
    world.start_daemon();
    world.until("the disk's is open", [&] { return incidents_of("disk") == 1; });
    world.until("both lines are read", [&] { return world.lines_committed() == 2; });

    put("tape.yaml", rule("tape", "Tape torn", 2));
    std::filesystem::remove(folder() + "/disk.yaml");
    world.until("the rules are read again", [&] { return log_holds("rules read again"); });
    world.append(pod, now(), line("Tape torn"));
    world.append(pod, now(), line("Disk torn"));
    world.until("two are enough now", [&] { return incidents_of("tape") == 1; });
    world.until("all lines are read", [&] { return world.lines_committed() == 4; });
    ASSERT_EQ(incidents_of("disk"), 1u);
    for (const auto& row : world.incidents()) {
        EXPECT_EQ(row.state, IncidentState::open) << row.rule;
        EXPECT_EQ(row.count, row.rule == "tape" ? 2 : 1) << row.rule;
    }
}

// What a line says is remembered by how it begins: not for longer than the rules are in force.
TEST_F(Rules, JudgeLinesAnewOfWhichTheOldOnesSaidSomethingElse) {
    const auto runner_line = [](const std::string& message) {
        return message + std::string(50 - message.size(), ' ') + "\x1b[0;m  job\x1b[0;m=1";
    };
    put("disk.yaml", rule("disk", "Disk torn", 1));
    const std::string pod = world.add_pod("one", "aaaaa");
    for (int i = 0; i < 3; ++i) {
        world.append(pod, now() - 60s, runner_line("Tape torn"));
        world.append(pod, now() - 60s, runner_line("Disk torn"));
    }
    world.set_rules(folder());
    world.start_daemon();
    world.until("the disk's is open", [&] { return incidents_of("disk") == 1; });
    world.until("all lines are read", [&] { return world.lines_committed() == 6; });

    put("tape.yaml", rule("tape", "Tape torn", 1));
    std::filesystem::remove(folder() + "/disk.yaml");
    world.until("the rules are read again", [&] { return log_holds("rules read again"); });
    world.append(pod, now(), runner_line("Disk torn"));
    world.append(pod, now(), runner_line("Tape torn"));
    world.until("all lines are read", [&] { return world.lines_committed() == 8; });
    EXPECT_EQ(incidents_of("tape"), 1u);
    for (const auto& row : world.incidents())
        if (row.rule == "disk") {
            EXPECT_EQ(row.count, 3);
        }
}

TEST_F(Rules, OfBeforeStayWhenTheNewOnesAreRefused) {
    put("tape.yaml", rule("tape", "Tape torn", 1));
    const std::string pod = world.add_pod("one", "aaaaa");
    world.append(pod, now() - 60s, line("Something else"));
    world.set_rules(folder());
    world.start_daemon();
    world.until("the line is read", [&] { return world.lines_committed() == 1; });
    put("tape.yaml", rule("tape", "Tape ((torn", 1));
    world.until("they are refused", [&] {
        return log_holds("tape.yaml:6: detect[0]: 'message' is no regular expression") &&
               log_holds("those read before stay in force");
    });
    world.append(pod, now(), line("Tape torn"));
    world.until("the old rule holds", [&] { return incidents_of("tape") == 1; });
    put("tape.yaml", rule("tape", "Tape torn", 1));
    world.until("a correction is taken", [&] { return log_holds("rules read again"); });
}

TEST_F(Rules, LeaveWhatTheyDoNotKnowInTheDatabase) {
    const std::string pod = world.add_pod("one", "aaaaa");
    for (int i = 0; i < 3; ++i)
        world.append(pod, now() - 60s, line("Drum " + std::to_string(i) + " is bent"));
    world.start_daemon();
    world.until("all lines are read", [&] { return world.lines_committed() == 3; });
    const auto reader = Reader::open(world.database()).value();
    const auto templates = reader->templates().value();
    ASSERT_EQ(templates.size(), 1u);
    EXPECT_EQ(templates[0].count, 3);
    EXPECT_EQ(templates[0].text, "warning: Drum ‹n› is bent");
}

}  // namespace
}  // namespace runnerwatch
