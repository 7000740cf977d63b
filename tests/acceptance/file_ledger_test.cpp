// The ledger of files and journals: every line carries a number, and is found exactly once, however
// often the daemon is killed and the logs are rotated.
#include "tests/acceptance/world.h"
#include "tests/fakes/journal_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

namespace runnerwatch {
namespace {

// A line with a number of its own becomes an incident of its own: what was lost has none, what was
// read twice counts two.
constexpr const char* ledger_rule = R"(id: ledger
title: a numbered line
impact: Nobody is concerned.
severity: warning
response: advice
detect:
  - message: 'LEDGER (?P<entry>\S+)'
identity: [entry]
silence: never
samples:
  detect:
    - {format: text, text: 'level=error msg="LEDGER a-1"'}
  ignore:
    - {format: text, text: 'level=error msg="ledger a-1"'}
)";

// The book holds 10,000 open incidents: a thousand kills with less than ten lines each.
int kills() {
    const char* wanted = std::getenv("RUNNERWATCH_LEDGER_KILLS");
    return wanted ? std::atoi(wanted) : 20;
}

// Rotations after which a file is removed.
constexpr int kept = 12;

class Log {
public:
    explicit Log(std::string name) : name_(std::move(name)) {}
    virtual ~Log() = default;
    void line() {
        const std::string number = name_ + "-" + std::to_string(++lines_);
        write("time=\"" + format_time(std::chrono::system_clock::now()) +
              "\" level=error msg=\"LEDGER " + number + "\"");
    }
    virtual void rotate() = 0;
    const std::string& name() const { return name_; }
    int lines() const { return lines_; }

protected:
    virtual void write(const std::string& text) = 0;

private:
    std::string name_;
    int lines_ = 0;
};

// Rotated as logrotate does with delaycompress: PATH.1, PATH.2.gz, …
class FileLog : public Log {
public:
    FileLog(const std::string& folder, std::string name) : Log(name), path_(folder + "/" + name) {
        open();
    }

protected:
    void open() { file_.open(path_, std::ios::app); }
    void write(const std::string& text) override { file_ << text << "\n" << std::flush; }
    void shift() {
        for (int i = kept; i > 1; --i)
            if (std::filesystem::exists(rotated(i) + ".gz"))
                std::filesystem::rename(rotated(i) + ".gz", rotated(i + 1) + ".gz");
        if (!std::filesystem::exists(rotated(1))) return;
        std::filesystem::rename(rotated(1), rotated(2));
        ASSERT_EQ(std::system(("gzip " + rotated(2)).c_str()), 0);
    }
    std::string rotated(int i) const { return path_ + "." + std::to_string(i); }

    const std::string path_;
    std::ofstream file_;
};

class RenamedLog : public FileLog {
public:
    using FileLog::FileLog;
    void rotate() override {
        shift();
        std::filesystem::rename(path_, rotated(1));
        std::ofstream(path_, std::ios::app);  // as logrotate's `create` makes it
        line();                               // its writer does not know yet
        file_.close();
        open();
    }
};

class CopiedLog : public FileLog {
public:
    using FileLog::FileLog;
    void rotate() override {
        shift();
        std::filesystem::copy_file(path_, rotated(1));
        std::filesystem::resize_file(path_, 0);
    }
};

class JournalLog : public Log {
public:
    JournalLog(std::string folder, std::string name)
        : Log(std::move(name)), folder_(std::move(folder)) {
        open();
    }
    void rotate() override {
        file_.reset();  // its last entries are written
        std::filesystem::rename(folder_ + "/system.journal",
                                folder_ + "/system@" + std::to_string(++rotations_) + ".journal");
        if (rotations_ > kept)
            std::filesystem::remove(folder_ + "/system@" + std::to_string(rotations_ - kept) +
                                    ".journal");
        open();
    }

private:
    void open() { file_ = std::make_unique<JournalFile>(folder_ + "/system.journal"); }
    void write(const std::string& text) override {
        file_->write(std::chrono::system_clock::now(), text, "ledger.service");
    }
    const std::string folder_;
    std::unique_ptr<JournalFile> file_;
    int rotations_ = 0;
};

TEST(FileLedger, FindsEveryLineOnceOverKillsAndRotations) {
    World world;
    const std::string folder = world.file("logs"), journal = world.file("journal");
    std::filesystem::create_directory(folder);
    std::filesystem::create_directory(journal);
    std::filesystem::create_directory(world.file("rules"));
    std::ofstream(world.file("rules/ledger.yaml")) << ledger_rule;
    world.set_rules(world.file("rules"));
    world.add_to_config("files: [{path: " + folder + "/renamed}, {path: " + folder +
                        "/copied}]\njournal: [{unit: ledger.service, directory: " + journal +
                        "}]\n");
    std::vector<std::unique_ptr<Log>> logs;
    logs.push_back(std::make_unique<RenamedLog>(folder, "renamed"));
    logs.push_back(std::make_unique<CopiedLog>(folder, "copied"));
    logs.push_back(std::make_unique<JournalLog>(journal, "journal"));
    std::mt19937 random(11);
    const auto total = [&] {
        std::uint64_t lines = 0;
        for (const auto& log : logs) lines += static_cast<std::uint64_t>(log->lines());
        return lines;
    };
    const auto act = [&] {
        Log& log = *logs[random() % logs.size()];
        if (random() % 6 == 0) log.rotate();
        log.line();
    };
    for (auto& log : logs) log->line();
    for (int kill = 0; kill < kills(); ++kill) {
        world.start_daemon();
        for (auto acts = random() % 5; acts > 0; --acts) {
            act();
            world.until_written(random() % 4, [&] { return world.lines_committed() == total(); });
        }
        // Often it is killed while it starts; but no log may be rotated out before it is read.
        if (kill % 4 == 0)
            world.until("all is read", [&] { return world.lines_committed() == total(); });
        world.kill_daemon();
        for (auto acts = random() % 4; acts > 0; --acts) act();
    }
    world.start_daemon();
    world.until("every line is read", [&] { return world.lines_committed() >= total(); });
    std::map<std::string, std::int64_t> counts;
    for (const auto& row : world.incidents()) {
        if (row.rule != "ledger") continue;
        counts[nlohmann::json::parse(row.fields).at("entry").get<std::string>()] += row.count;
    }
    for (const auto& log : logs)
        for (int i = 1; i <= log->lines(); ++i)
            EXPECT_EQ(counts[log->name() + "-" + std::to_string(i)], 1) << log->name() << " " << i;
    for (const auto& gap : world.gaps()) ADD_FAILURE() << gap.instance << ": " << gap.kind;
    std::cout << kills() << " kills, " << total() << " lines\n";
    EXPECT_EQ(world.terminate_daemon(), 0);
}

}  // namespace
}  // namespace runnerwatch
