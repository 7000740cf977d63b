#include "daemon/sources/journal_source.h"

#include "tests/daemon/source_run.h"
#include "tests/fakes/journal_file.h"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* unit = "gitlab-runner.service";

using Reader = SourceRun<JournalSource>;

// A folder for a journal, and a clock whose minute takes longer than journalctl to start.
struct Rig {
    explicit Rig(Loop executor) : loop(executor) {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
    }
    ~Rig() { std::filesystem::remove_all(folder); }
    std::unique_ptr<Reader> read(std::optional<PositionRow> position = std::nullopt,
                                 Duration history = 24h) {
        return std::make_unique<Reader>(loop, clock, unit, std::move(position),
                                        JournalSource::Options{unit, folder, history, {}, program});
    }
    std::string file(const std::string& name) const { return folder + "/" + name + ".journal"; }
    // journalctl with something done to it.
    void wrap(const std::string& script) {
        program = folder + "/journalctl-" + std::to_string(++scripts);
        std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
        ::chmod(program.c_str(), 0700);
    }

    Loop loop;
    Clock clock{40.0};
    const Timestamp now = clock.now();
    const std::string folder = testing::TempDir() + "runnerwatch-journal-source";
    std::string program = "journalctl";
    int scripts = 0;
};

template <class Test>
void with_rig(Test test) {
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        co_await test(rig);
    });
}

TEST(JournalSource, ReadsTheHistoryOfItsUnitAndWhatIsWrittenThen) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 30 * 24h, "a month ago", unit);
        file.write(rig.now - 2h, "two hours ago", unit);
        file.write(rig.now - 1h, "another unit", "sshd.service");
        file.write(rig.now - 1h, "a record\nof two lines", unit);
        file.close();
        auto reader = rig.read();
        co_await reader->call("caught up");
        JournalFile more(rig.file("system"));
        more.write(rig.now, "now", unit);
        co_await reader->lines(4);
        EXPECT_THAT(reader->sink.calls, ElementsAre("line two hours ago", "line a record",
                                                    "line of two lines", "caught up", "line now"));
        EXPECT_EQ(reader->sink.times.at(3), std::chrono::floor<std::chrono::microseconds>(rig.now));
        EXPECT_EQ(reader->source.position(0).lines, 4u);
        EXPECT_EQ(reader->source.position(0).kind, "journal");
        co_await reader->stop();
    });
}

TEST(JournalSource, StartsBehindTheNewestEntryWhenNoHistoryIsWanted) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 2h, "old", unit);
        file.close();
        auto first = rig.read(std::nullopt, 0s);
        co_await first->call("caught up");
        const PositionRow position = first->source.position(0);
        co_await first->stop();
        JournalFile more(rig.file("system"));
        more.write(rig.now - 1h, "written while nobody read", unit);
        auto second = rig.read(position, 0s);
        co_await second->lines(1);
        EXPECT_THAT(second->sink.calls, testing::Contains("line written while nobody read"));
        EXPECT_THAT(second->sink.lines, ElementsAre("written while nobody read"));
        EXPECT_THAT(second->sink.gaps, IsEmpty());
        co_await second->stop();
    });
}

TEST(JournalSource, GoesOnFromAStoredPositionWithTheLinesThatWereHeld) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 3h, "zero", unit);
        file.write(rig.now - 2h, "one\ntwo\nthree", unit);
        file.write(rig.now - 1h, "four", unit);
        file.close();
        auto first = rig.read();
        co_await first->lines(5);
        const std::vector<std::string> all = first->sink.lines;
        std::vector<PositionRow> positions;
        for (std::size_t held = 0; held <= all.size(); ++held)
            positions.push_back(first->source.position(held));
        co_await first->stop();
        JournalFile more(rig.file("system"));
        more.write(rig.now, "five", unit);
        more.close();
        for (std::size_t held = 0; held <= all.size(); ++held) {
            SCOPED_TRACE(held);
            std::vector<std::string> rest(all.end() - static_cast<std::ptrdiff_t>(held), all.end());
            rest.push_back("five");
            auto second = rig.read(positions[held]);
            co_await second->lines(rest.size());
            EXPECT_EQ(second->sink.lines, rest);
            EXPECT_THAT(second->sink.gaps, IsEmpty());
            EXPECT_EQ(second->source.position(0).lines, 6u);
            co_await second->stop();
        }
    });
}

TEST(JournalSource, SaysWhenItsPlaceWasVacuumedAway) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile old(rig.file("old"));
        old.write(rig.now - 3h, "one", unit);
        old.close();
        auto first = rig.read();
        co_await first->lines(1);
        const PositionRow position = first->source.position(0);
        co_await first->stop();
        JournalFile later(rig.file("later"));
        later.write(rig.now - 2h, "three", unit);
        later.close();
        std::filesystem::remove(rig.file("old"));
        auto second = rig.read(position);
        co_await second->lines(1);
        EXPECT_THAT(second->sink.calls,
                    ElementsAre("gap journal_vacuumed possibly_lost", "line three", "caught up"));
        EXPECT_EQ(second->sink.gaps.at(0).from,
                  rig.now - 3h - (rig.now - 3h).time_since_epoch() % 1us);
        EXPECT_TRUE(second->sink.gaps.at(0).to);
        co_await second->stop();
    });
}

TEST(JournalSource, SaysWhenJournalctlRefusesItsPlaceAndGoesOnByTime) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 3h, "one", unit);
        file.write(rig.now - 2h, "two", unit);
        file.close();
        PositionRow position;
        position.lines = 1;
        position.blob = JournalPosition{"no cursor at all", 1, rig.now - 3h}.blob();
        auto reader = rig.read(position);
        co_await reader->lines(1);
        EXPECT_THAT(reader->sink.calls,
                    ElementsAre("gap journal_vacuumed possibly_lost", "line two", "caught up"));
        co_await reader->stop();
    });
}

TEST(JournalSource, ReadsWhatWasWrittenBeforeAReboot) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 4h, "seen", unit, 1);
        file.close();
        auto first = rig.read();
        co_await first->lines(1);
        const PositionRow position = first->source.position(0);
        co_await first->stop();
        JournalFile more(rig.file("system"));
        more.write(rig.now - 3h, "last words", unit, 1);
        more.write(rig.now - 2h, "first words", unit, 2);
        more.close();
        auto second = rig.read(position);
        co_await second->lines(2);
        EXPECT_THAT(second->sink.lines, ElementsAre("last words", "first words"));
        EXPECT_THAT(second->sink.gaps, IsEmpty());
        co_await second->stop();
    });
}

TEST(JournalSource, GoesOnWhenAFileIsRotated) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 3h, "one", unit);
        file.close();
        auto reader = rig.read();
        co_await reader->call("caught up");
        for (int i = 0; i < 5; ++i) {
            std::filesystem::rename(rig.file("system"), rig.file("system@" + std::to_string(i)));
            JournalFile next(rig.file("system"));
            next.write(rig.now - 2h + i * 1min, "after rotation " + std::to_string(i), unit);
            co_await reader->lines(static_cast<std::size_t>(2 + i));
        }
        EXPECT_EQ(reader->sink.lines.back(), "after rotation 4");
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(JournalSource, LosesAndDoublesNothingWhenJournalctlEndsInTheMiddle) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        std::vector<std::string> all;
        for (int i = 0; i < 20; ++i) {
            all.push_back("line " + std::to_string(i));
            file.write(rig.now - 3h + i * 1s, all.back(), unit);
        }
        file.close();
        // Two entries and a part of the third.
        rig.wrap(
            "case \"$*\" in *--follow*) journalctl \"$@\" | dd bs=1 count=900 status=none ;; *) "
            "exec journalctl \"$@\" ;; esac");
        auto reader = rig.read();
        co_await reader->lines(all.size());
        EXPECT_EQ(reader->sink.lines, all);
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        EXPECT_THAT(reader->troubles, testing::Contains(HasSubstr("was interrupted")));
        co_await reader->stop();
    });
}

TEST(JournalSource, StartsAJournalctlAnewThatWentSilent) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 3h, "one", unit);
        file.close();
        rig.wrap("case \"$*\" in *--follow*) [ -e " + rig.folder + "/once ] || { touch " +
                 rig.folder + "/once; exec sleep 1000; } ;; esac; exec journalctl \"$@\"");
        auto reader = rig.read();
        co_await reader->lines(1);
        EXPECT_THAT(reader->troubles, testing::Contains(HasSubstr("went silent")));
        EXPECT_EQ(reader->troubles.back(), "");
        co_await reader->stop();
    });
}

TEST(JournalSource, IsProvenReadOnlyUpToTheNewestEntry) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 3h, "one", unit);
        file.close();
        auto reader = rig.read();
        co_await reader->call("caught up");
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u);
        co_await reader->stop();
        JournalFile more(rig.file("system"));
        more.write(rig.now - 2h, "two", unit);
        more.close();
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u) << "line two was not read";
    });
}

TEST(JournalSource, IsReadToItsEndWhenDrained) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        JournalFile file(rig.file("system"));
        file.write(rig.now - 3h, "one", unit);
        file.close();
        auto reader = rig.read();
        co_await reader->call("caught up");
        reader->source.drain();
        co_await reader->call("complete");
        EXPECT_THAT(reader->sink.lines, ElementsAre("one"));
        co_await reader->stop();
    });
}

TEST(JournalSource, SaysWhyTheJournalCannotBeRead) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        Reader without(rig.loop, rig.clock, unit, std::nullopt,
                       {unit, rig.folder, 24h, {}, "/no/such/journalctl"});
        co_await without.troubled();
        EXPECT_THAT(without.troubles.at(0),
                    HasSubstr("No such file or directory; it is part of systemd"));
        co_await without.stop();
        Reader nowhere(rig.loop, rig.clock, unit, std::nullopt,
                       {unit, rig.folder + "/none", 24h, {}, "journalctl"});
        co_await nowhere.troubled();
        EXPECT_THAT(nowhere.troubles.at(0), HasSubstr("cannot read the journal of gitlab-runner"));
        EXPECT_THAT(nowhere.troubles.at(0), HasSubstr("No such file or directory"));
        EXPECT_THAT(nowhere.sink.calls, IsEmpty());
        co_await nowhere.stop();
    });
}

TEST(JournalPosition, IsTheSameAfterStoringAndReading) {
    const JournalPosition position{"s=1;i=2", 0x8000000000000001, Timestamp(Duration(-5))};
    EXPECT_EQ(JournalPosition::parse(position.blob()), position);
    for (const std::string& blob :
         {std::string(), std::string("\1too short"), std::string(40, '\2')})
        EXPECT_FALSE(JournalPosition::parse(blob));
}

}  // namespace
}  // namespace runnerwatch
