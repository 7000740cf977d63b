// What `scan` finds by reading the lines that matter is what it finds by reading every line.
#include "daemon/commands/scan_json.h"
#include "daemon/commands/scan_pipeline.h"
#include "daemon/rule_files.h"
#include "parsers/runner_line.h"

#include <gmock/gmock.h>

#include <random>
#include <sstream>

#include "tests/parsers/recordings.h"
#include "tests/parsers/reencoding.h"

namespace runnerwatch {
namespace {

const Matcher& built_in() {
    static const auto matcher = load_rules({}).value();
    return *matcher;
}

std::string words_of(const std::optional<ScanPosition>& at) {
    if (!at) return "-";
    return std::to_string(at->line) + "-" + std::to_string(at->line_end) + "@" +
           (at->time ? format_time(*at->time) : "");
}

// All that a reading says: the hits in their order, what became of each trouble, what was counted.
struct Reading {
    std::string said;
    std::uint64_t read = 0;  // lines
};

Reading read(const std::string& log, bool every_line, std::mt19937& random) {
    ScanReport report(built_in());
    std::ostringstream said;
    ScanPipeline pipeline("log", built_in(), report, [&](const ScanHit& hit) {
        said << scan_json(hit);
        report.add(hit);
    });
    if (every_line) pipeline.read_every_line();
    for (std::size_t at = 0; at < log.size();) {
        const std::size_t sizes[] = {1 + random() % 50, 1 + random() % 5'000, log.size()};
        const std::string_view piece = std::string_view(log).substr(at, sizes[random() % 3]);
        pipeline.feed(piece);
        at += piece.size();
    }
    pipeline.end();
    for (const Finding* finding : report.worst_first()) {
        said << finding->title << " " << finding->count << " " << words_of(finding->first) << " "
             << words_of(finding->last) << "\n";
        for (const auto& [key, member] : finding->members)
            said << "  " << member.pod << " " << member.count << " " << words_of(member.recovered)
                 << " " << static_cast<int>(report.recovery_of(*finding, member)) << " "
                 << member.recovery_text << "\n";
    }
    said << pipeline.lines() << " lines, " << pipeline.cut_lines() << " cut, "
         << pipeline.holds_nul();
    return {said.str(), pipeline.lines_read()};
}

// Lines of some recordings, each as one collector or another hands them over, mixed as several
// containers mix them; and what no recording has.
std::string random_log(std::mt19937& random) {
    static const std::vector<std::string> names = recording_names();
    static const std::vector<std::string> odd = {
        "",
        "{",
        "}",
        "plain words",
        "panic: oh",
        "\x1b[0;33mWARNING: begun and never ended",
        "Couldn't save new system ID on state file",
        "__CURSOR=s=1",
        "  goroutine 1 [running]:",
        std::string(70'000, 'x'),
        std::string(66'000, 'y') + "Job failed (system failure): z",
        std::string("a\0b", 3),
        "\x1b[0;m ",
        R"({"log":"half","stream":"stderr","time":"t"})"};
    struct Stream {
        std::vector<std::string> lines;
        std::size_t next = 0;
        const Collector* collector;
    };
    std::vector<Stream> streams(1 + random() % 4);
    for (Stream& stream : streams) {
        const std::vector<std::string> all =
            lines_of(read_recording(names[random() % names.size()]));
        const std::size_t first = all.empty() ? 0 : random() % all.size();
        const std::size_t count = std::min<std::size_t>(all.size() - first, 1 + random() % 60);
        stream.lines.assign(all.begin() + static_cast<std::ptrdiff_t>(first),
                            all.begin() + static_cast<std::ptrdiff_t>(first + count));
        stream.collector = &collectors()[random() % 2 == 0 ? 0 : random() % collectors().size()];
    }
    std::string log;
    while (!streams.empty()) {
        const std::size_t which = random() % streams.size();
        Stream& stream = streams[which];
        for (std::size_t some = 1 + random() % 8; some > 0 && stream.next < stream.lines.size();
             --some)
            log += stream.collector->write({stream.lines[stream.next++]});
        if (random() % 40 == 0) log += odd[random() % odd.size()] + "\n";
        if (stream.next == stream.lines.size())
            streams.erase(streams.begin() + static_cast<std::ptrdiff_t>(which));
    }
    if (random() % 4 == 0 && !log.empty()) log.pop_back();
    return log;
}

// Many lines of one message, the last word of which is another in each: what the recording says,
// the last words of other messages, and words that say nothing.
std::string log_of_last_words(std::mt19937& random) {
    static const std::vector<std::string> lines = [] {
        std::vector<std::string> all;
        for (const std::string& name : recording_names())
            for (std::string& line : lines_of(read_recording(name)))
                if (runner_head(line)) all.push_back(std::move(line));
        return all;
    }();
    // Up to the last word, and the word.
    const auto split = [](const std::string& line) {
        const std::size_t reset = line.find(runner_reset);
        const std::size_t end = line.find_last_not_of(' ', reset - 1) + 1;
        const std::size_t begin = line.rfind(' ', end - 1) + 1;
        return std::pair(line.substr(0, begin), line.substr(begin, end - begin));
    };
    const auto any = [&]() -> const std::string& { return lines[random() % lines.size()]; };
    std::string log;
    const auto add = [&](const std::string& text, std::string word, const std::string& like) {
        if (word.size() < 14 && random() % 2 == 0) word.resize(14, ' ');
        log += text + word + like.substr(like.find(runner_reset)) + "\n";
    };
    for (int some = 0; some < 4; ++some) {
        const std::string& like = any();
        const auto [text, word] = split(like);
        for (int i = 0; i < 400; ++i) {
            const auto number = std::to_string(random());
            const std::string words[] = {number, "ci-" + number, split(any()).second, word};
            add(text, words[random() % 8 < 6 ? random() % 2 : 2 + random() % 2], like);
            if (random() % 50 == 0) log += any() + "\n";
        }
    }
    return log;
}

TEST(ScanSieve, FindsInLinesThatDifferInTheirLastWordsWhatReadingEveryLineFinds) {
    std::mt19937 random(3);
    std::uint64_t read_by_sieve = 0, read_all = 0;
    for (int round = 0; round < 40; ++round) {
        const std::string log = log_of_last_words(random);
        const Reading expected = read(log, true, random);
        const Reading found = read(log, false, random);
        ASSERT_EQ(found.said, expected.said) << "round " << round << "\n" << log.substr(0, 20'000);
        read_by_sieve += found.read;
        read_all += expected.read;
    }
    EXPECT_LT(read_by_sieve, read_all / 2) << "hardly anything was passed over";
}

TEST(ScanSieve, FindsInAnyMixtureWhatReadingEveryLineFinds) {
    std::mt19937 random(11);
    std::uint64_t read_by_sieve = 0, read_all = 0;
    for (int round = 0; round < 500; ++round) {
        const std::string log = random_log(random);
        const Reading expected = read(log, true, random);
        const Reading found = read(log, false, random);
        ASSERT_EQ(found.said, expected.said) << "round " << round << "\n" << log.substr(0, 20'000);
        read_by_sieve += found.read;
        read_all += expected.read;
    }
    EXPECT_LT(read_by_sieve, read_all) << "it is no sieve";
}

TEST(ScanSieve, FindsInEachRecordingWhatReadingEveryLineFinds) {
    std::mt19937 random(12);
    for (const std::string& name : recording_names()) {
        const std::string log = read_recording(name);
        ASSERT_EQ(read(log, false, random).said, read(log, true, random).said) << name;
    }
}

TEST(ScanSieve, ReadsFewLinesOfABusyHealthyLog) {
    std::mt19937 random(13);
    std::string log;
    for (int job = 0; job < 2'000; ++job)
        log +=
            "2026-11-25T10:00:00Z Checking for jobs... received                     \x1b[0;m  "
            "job\x1b[0;m=" +
            std::to_string(job) + " runner\x1b[0;m=abcdefghi\n";
    EXPECT_LE(read(log, false, random).read, 1u);
    // One trouble waits for a line with its own runner, and not for those of others.
    const std::string trouble =
        "2026-11-25T10:00:00Z \x1b[31;1mERROR: Checking for jobs... forbidden\x1b[0;m  "
        "\x1b[31;1mrunner\x1b[0;m=zyxwvutsr \x1b[31;1mstatus\x1b[0;m=POST "
        "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\n";
    std::string other = trouble;
    other.replace(other.find("zyxwvutsr"), 9, "123456789");
    const Reading found = read(trouble + other + log, false, random);
    EXPECT_LE(found.read, 8u) << found.said;
}

}  // namespace
}  // namespace runnerwatch
