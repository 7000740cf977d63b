#include "daemon/sources/file_source.h"

#include "tests/daemon/source_run.h"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Reader = SourceRun<FileSource>;

// A folder of its own, and a clock whose half second takes half a millisecond.
struct Rig {
    explicit Rig(Loop executor) : loop(executor) {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
    }
    ~Rig() { std::filesystem::remove_all(folder); }
    void write(const std::string& text) { std::ofstream(path, std::ios::app) << text; }
    std::unique_ptr<Reader> read(std::optional<PositionRow> position = std::nullopt,
                                 Duration history = 24h) {
        return std::make_unique<Reader>(loop, clock, path, std::move(position),
                                        FileSource::Options{history, {}});
    }
    std::string stamped(Duration ago, const std::string& text) const {
        return format_time(clock.now() - ago) + " " + text + "\n";
    }

    Loop loop;
    Clock clock{1000.0};
    const std::string folder = testing::TempDir() + "runnerwatch-file-source";
    const std::string path = folder + "/runner.log";
};

template <class Test>
void with_rig(Test test) {
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        co_await test(rig);
    });
}

TEST(FileSource, ReadsTheHistoryOfAFileWhoseLinesHaveTimes) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(rig.stamped(30 * 24h, "a month ago") + rig.stamped(2h, "two hours ago") +
                  "a line that goes on\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write(rig.stamped(0s, "now"));
        co_await reader->lines(3);
        EXPECT_THAT(
            reader->sink.calls,
            ElementsAre("line two hours ago", "line a line that goes on", "caught up", "line now"));
        EXPECT_TRUE(reader->sink.times.at(0));
        co_await reader->stop();
    });
}

TEST(FileSource, FindsTheHistoryInALargeFile) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        const Timestamp now = rig.clock.now();
        std::string text;
        for (int i = 100'000; i > 0; --i)
            text += format_time(now - i * 1min) + " line " + std::to_string(i) + "\n";
        rig.write(text);
        // Long enough for the writing of the file to take minutes of this clock.
        auto reader = rig.read(std::nullopt, 24h);
        co_await reader->call("caught up");
        EXPECT_LE(reader->sink.lines.size(), 24u * 60);
        EXPECT_THAT(reader->sink.lines, Contains("line 1"));
        co_await reader->stop();
    });
}

TEST(FileSource, StartsAtTheEndOfAFileWithoutTimes) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("old\nolder\nhalf a ");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("line\nnew\n");
        co_await reader->lines(2);
        EXPECT_THAT(reader->sink.lines, ElementsAre("half a line", "new"));
        EXPECT_EQ(reader->source.position(0).lines, 2u);
        co_await reader->stop();
    });
}

TEST(FileSource, StartsAtTheEndWhenNoHistoryIsWanted) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(rig.stamped(2h, "two hours ago"));
        auto reader = rig.read(std::nullopt, 0s);
        co_await reader->call("caught up");
        EXPECT_THAT(reader->sink.lines, IsEmpty());
        co_await reader->stop();
    });
}

TEST(FileSource, ReadsAFileFromItsStartThatAppearsLater) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        auto reader = rig.read();
        co_await reader->troubled();
        EXPECT_THAT(reader->troubles.at(0), HasSubstr("No such file or directory; waiting"));
        rig.write("first\n");
        co_await reader->lines(1);
        EXPECT_EQ(reader->troubles.back(), "");
        EXPECT_THAT(reader->sink.lines, ElementsAre("first"));
        co_await reader->stop();
    });
}

TEST(FileSource, GoesOnFromAStoredPositionWithTheLinesThatWereHeld) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto first = rig.read();
        co_await first->call("caught up");
        rig.write("one\ntwo\nthree\nhalf");
        co_await first->lines(3);
        const PositionRow position = first->source.position(2);
        co_await first->stop();
        EXPECT_EQ(position.lines, 1u);
        EXPECT_EQ(position.kind, "file");

        rig.write(" of four\n");
        auto second = rig.read(position);
        co_await second->lines(3);
        EXPECT_THAT(second->sink.lines, ElementsAre("two", "three", "half of four"));
        EXPECT_THAT(second->sink.gaps, IsEmpty());
        EXPECT_EQ(second->source.position(0).lines, 4u);
        co_await second->stop();
    });
}

TEST(FileSource, SaysWhenItsPlaceIsInAnotherFileByNow) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto first = rig.read();
        co_await first->call("caught up");
        rig.write("one\n");
        co_await first->lines(1);
        const PositionRow position = first->source.position(0);
        co_await first->stop();

        // The same file by number, with other content: truncated and written again.
        std::ofstream(rig.path) << "another\nfile\n";
        auto second = rig.read(position);
        co_await second->call("caught up");
        EXPECT_THAT(second->sink.calls, ElementsAre("gap rotated_while_disconnected possibly_lost",
                                                    "line another", "line file", "caught up"));
        co_await second->stop();
    });
}

TEST(FileSource, ReadsARenamedFileToItsEndAndGoesOnWithTheNewOne) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("one\n");
        co_await reader->lines(1);
        rig.write("two\nno newline");
        std::filesystem::rename(rig.path, rig.path + ".1");
        rig.write("three\n");
        co_await reader->lines(4);
        EXPECT_THAT(reader->sink.lines, ElementsAre("one", "two", "no newline", "three"));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(FileSource, ReportsATruncation) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("one\n");
        co_await reader->lines(1);
        std::ofstream(rig.path) << "this is longer than what was there before\n";
        co_await reader->lines(2);
        EXPECT_THAT(reader->sink.calls,
                    ElementsAre("caught up", "line one", "gap file_truncated possibly_lost",
                                "line this is longer than what was there befor"));
        co_await reader->stop();
    });
}

TEST(FileSource, IsReadToItsEndWhenDrained) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("one\nlast words");
        reader->source.drain();
        co_await reader->call("complete");
        EXPECT_THAT(reader->sink.lines, ElementsAre("one", "last words"));
        co_await reader->stop();
    });
}

TEST(FileSource, IsProvenReadOnlyUpToItsLastByte) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u);
        rig.write("one\n");
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u) << "line one was not read yet";
        co_await reader->stop();
    });
}

TEST(FileSource, SaysWhatItCannotRead) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        const std::string binary = rig.folder + "/binary", gzip = rig.folder + "/log.gz";
        const std::string pipe = rig.folder + "/pipe";
        std::ofstream(binary) << std::string(100, '\0') << "text";
        std::ofstream(gzip) << "\x1F\x8B\x08 compressed";
        EXPECT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
        const std::pair<std::string, const char*> cases[] = {
            {rig.folder, "it is a directory; name a log file"},
            {binary, "it is binary; name a log file"},
            {gzip, "it is compressed; name a log file"},
            {pipe, "it is not a regular file"},
            {rig.folder + "/none", "No such file or directory; waiting"},
        };
        for (const auto& [path, says] : cases) {
            SCOPED_TRACE(path);
            Reader reader(rig.loop, rig.clock, path, std::nullopt, {24h, {}});
            co_await reader.troubled();
            EXPECT_THAT(reader.troubles.at(0), HasSubstr("cannot read " + path));
            EXPECT_THAT(reader.troubles.at(0), HasSubstr(says));
            EXPECT_THAT(reader.sink.calls, IsEmpty());
            co_await reader.stop();
        }
    });
}

// Puts a file aside as logrotate does, PATH to PATH.1 and so on, compressed from the second on.
void rotate(const Rig& rig, int kept = 5) {
    const auto rotated = [&](int i) { return rig.path + "." + std::to_string(i); };
    for (int i = kept; i > 1; --i)
        if (std::filesystem::exists(rotated(i) + ".gz"))
            std::filesystem::rename(rotated(i) + ".gz", rotated(i + 1) + ".gz");
    if (std::filesystem::exists(rotated(1))) {
        std::filesystem::rename(rotated(1), rotated(2));
        ASSERT_EQ(std::system(("gzip " + rotated(2)).c_str()), 0);
    }
    std::filesystem::rename(rig.path, rotated(1));
}

void copy_and_truncate(const Rig& rig) {
    const std::string original = rig.path;
    rotate(rig);
    // The name keeps its file: the copy is the new one.
    std::filesystem::rename(original + ".1", original);
    std::filesystem::copy_file(original, original + ".1");
    std::filesystem::resize_file(original, 0);
}

TEST(FileSource, ReadsWhatWasRotatedAwayWhileNobodyRead) {
    for (const bool copied : {false, true}) {
        SCOPED_TRACE(copied);
        with_rig([copied](Rig& rig) -> asio::awaitable<void> {
            rig.write("zero\n");
            auto first = rig.read();
            co_await first->call("caught up");
            rig.write("one\n");
            co_await first->lines(1);
            const PositionRow position = first->source.position(0);
            co_await first->stop();
            std::vector<std::string> all;
            for (int rotation = 0; rotation < 4; ++rotation) {
                all.push_back("before rotation " + std::to_string(rotation));
                rig.write(all.back() + "\n");
                if (copied)
                    copy_and_truncate(rig);
                else
                    rotate(rig);
            }
            all.push_back("now");
            rig.write("now\n");
            auto second = rig.read(position);
            co_await second->lines(all.size());
            EXPECT_EQ(second->sink.lines, all);
            EXPECT_THAT(second->sink.gaps, IsEmpty());
            EXPECT_EQ(second->source.position(0).lines, 1 + all.size());
            co_await second->stop();
        });
    }
}

TEST(FileSource, ReadsTheCopyOfWhatWasTruncatedUnderIt) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("one\n");
        co_await reader->lines(1);
        rig.write("written just before\n");
        copy_and_truncate(rig);
        rig.write("written just behind, and longer than what was there before it\n");
        co_await reader->lines(3);
        EXPECT_THAT(reader->sink.lines,
                    ElementsAre("one", "written just before",
                                "written just behind, and longer than what was there before it"));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(FileSource, ReadsWhatWasRotatedTwiceBetweenTwoLooks) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("one\n");
        co_await reader->lines(1);
        for (const char* line : {"two\n", "three\n", "four\n"}) {
            rig.write(line);
            rotate(rig);
        }
        rig.write("five\n");
        co_await reader->lines(5);
        EXPECT_THAT(reader->sink.lines, ElementsAre("one", "two", "three", "four", "five"));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(FileSource, WaitsForAWriterThatDoesNotKnowYet) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto reader = rig.read();
        co_await reader->call("caught up");
        rig.write("one\n");
        co_await reader->lines(1);
        rotate(rig);
        rig.write("");  // the new file, as logrotate makes it
        for (int i = 0; i < 5; ++i) co_await rig.clock.sleep(1s);
        std::ofstream(rig.path + ".1", std::ios::app) << "late\n";
        co_await reader->lines(2);
        rig.write("new\n");
        co_await reader->lines(3);
        EXPECT_THAT(reader->sink.lines, ElementsAre("one", "late", "new"));
        co_await reader->stop();
    });
}

TEST(FileSource, GivesBackHeldLinesOfAFileThatWasRotatedAway) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto first = rig.read();
        co_await first->call("caught up");
        rig.write("one\ntwo\n");
        co_await first->lines(2);
        rotate(rig);
        rig.write("three\nfour\n");
        co_await first->lines(4);
        const PositionRow position = first->source.position(3);
        co_await first->stop();
        auto second = rig.read(position);
        co_await second->lines(3);
        EXPECT_THAT(second->sink.lines, ElementsAre("two", "three", "four"));
        EXPECT_THAT(second->sink.gaps, IsEmpty());
        co_await second->stop();
    });
}

TEST(FileSource, ReadsAHistoryThatReachesIntoRotatedFiles) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(rig.stamped(30 * 24h, "a month ago"));
        rotate(rig);
        const auto month_ago = std::filesystem::file_time_type::clock::now() - 30 * 24h;
        std::filesystem::last_write_time(rig.path + ".1", month_ago);
        rig.write(rig.stamped(30h, "the day before") + rig.stamped(20h, "yesterday"));
        rotate(rig);
        rig.write(rig.stamped(10h, "tonight"));
        rotate(rig);
        rig.write(rig.stamped(1h, "now"));
        auto reader = rig.read();
        co_await reader->call("caught up");
        EXPECT_THAT(reader->sink.lines, ElementsAre("yesterday", "tonight", "now"));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(FileSource, SaysWhenACompressedFileIsDamaged) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write("zero\n");
        auto first = rig.read();
        co_await first->call("caught up");
        rig.write("one\n");
        co_await first->lines(1);
        const PositionRow position = first->source.position(0);
        co_await first->stop();
        rotate(rig);
        rig.write(std::string(100'000, 'x') + "\n");
        rotate(rig);
        rig.write("two\n");
        rotate(rig);
        rig.write("three\n");
        const std::string damaged = rig.path + ".2.gz";
        std::filesystem::resize_file(damaged, std::filesystem::file_size(damaged) - 20);
        auto second = rig.read(position);
        co_await second->call("line three");
        EXPECT_THAT(second->sink.calls, testing::Contains("line two"));
        EXPECT_EQ(second->sink.gaps.size(), 1u);
        EXPECT_EQ(second->sink.gaps.at(0).kind, "rotated_file_damaged");
        co_await second->stop();
    });
}

TEST(RotatedFiles, AreToldByTheirNamesAndOrderedByTime) {
    const std::string folder = testing::TempDir() + "runnerwatch-rotated-files";
    std::filesystem::create_directories(folder);
    const auto now = std::filesystem::file_time_type::clock::now();
    int age = 100;
    for (const char* name :
         {"app.log.10.gz", "app.log-20261129.zst", "app-2026-11-30T10-00-00.000.log", "app.log.1",
          "app.log.1.gz", "app.log", "app.log.bak", "app.log.swp", "other.log.1", "app.log.old.1",
          "app.logs.1", "app.log.", "app.log.1~"}) {
        std::ofstream(folder + "/" + name) << "text";
        std::filesystem::last_write_time(folder + "/" + name, now - std::chrono::seconds(age--));
    }
    EXPECT_THAT(rotated_files(folder + "/app.log"),
                ElementsAre(folder + "/app.log.10.gz", folder + "/app.log-20261129.zst",
                            folder + "/app-2026-11-30T10-00-00.000.log", folder + "/app.log.1"));
    std::filesystem::remove_all(folder);
    EXPECT_THAT(rotated_files(folder + "/app.log"), IsEmpty());
}

TEST(FilePosition, IsTheSameAfterStoringAndReading) {
    const FilePosition position{0xFEDCBA9876543210, 2, 3, 0x8000000000000000};
    EXPECT_EQ(FilePosition::parse(position.blob()), position);
    for (const std::string& blob : {std::string(), position.blob() + "x", std::string(33, '\2')})
        EXPECT_FALSE(FilePosition::parse(blob));
}

}  // namespace
}  // namespace runnerwatch
