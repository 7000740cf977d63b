#include "daemon/commands/scan_pipeline.h"
#include "parsers/rule_loader.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The first lines of the hits in a log, against a rule for a start that gets nowhere.
std::vector<std::uint64_t> hits(const std::string& log, const std::string& absent = "") {
    const std::string rule = R"y(id: no-start
title: The manager does not start
impact: No job starts.
severity: error
response: page
detect: [{message: 'Runtime platform', absent: {message: 'Initializing', within: 60s)y" +
                             absent + R"y(}}]
samples: {detect: ['Runtime platform']}
)y";
    const auto pack = load_pack("test", {{"r.yaml", rule}});
    if (!pack) throw std::logic_error(pack.error().front().to_string());
    const Matcher matcher(*pack);
    ScanReport report(matcher);
    std::vector<std::uint64_t> lines;
    ScanPipeline pipeline("log", matcher, report,
                          [&](const ScanHit& hit) { lines.push_back(hit.at.line); });
    pipeline.feed(log);
    pipeline.end();
    return lines;
}

std::string line(const std::string& time, const std::string& message) {
    return "{\"level\":\"info\",\"msg\":\"" + message + "\",\"time\":\"2026-11-25T10:" + time +
           "Z\"}\n";
}

const std::string start = "Runtime platform", goes_on = "Initializing executor providers";

TEST(ScanPromise, IsBrokenByALineThatComesTooLate) {
    EXPECT_THAT(hits(line("00:00", start) + line("00:05", goes_on) + line("05:00", "x")),
                IsEmpty());
    EXPECT_THAT(hits(line("00:00", start) + line("01:01", goes_on)), ElementsAre(1u));
    EXPECT_THAT(hits(line("00:00", start) + line("01:01", "x")), ElementsAre(1u));
    EXPECT_THAT(hits(line("00:00", start) + line("01:00", "x")), IsEmpty()) << "it may still come";
}

TEST(ScanPromise, EndsWithItsProcess) {
    const std::string log = line("00:00", start) + line("00:05", start) + line("00:06", goes_on);
    EXPECT_THAT(hits(log), IsEmpty());
    EXPECT_THAT(hits(log, ", or_end: true"), ElementsAre(1u));
    EXPECT_THAT(hits(line("00:00", start), ", or_end: true"), ElementsAre(1u));
}

TEST(ScanPromise, IsDecidedByTheOrderOfLinesWithoutTimes) {
    EXPECT_THAT(hits(start + "\n" + goes_on + "\n"), IsEmpty());
    EXPECT_THAT(hits(start + "\nx\n"), ElementsAre(1u));
}

// Whether the trouble of a log is open, against a rule that waits for two lines behind its own.
bool opens(const std::string& log) {
    const auto pack = load_pack("test", {{"r.yaml", R"y(id: in-order
title: One after the other
impact: None.
severity: error
response: page
detect: [{message: 'first of (?P<job>\d+)'}]
identity: [job]
open: {sequence: [{message: 'second'}, {message: 'third of (?P<job>\d+)'}], within: 60s}
samples: {detect: ['first of 1']}
)y"}});
    if (!pack) throw std::logic_error(pack.error().front().to_string());
    const Matcher matcher(*pack);
    ScanReport report(matcher);
    ScanPipeline pipeline("log", matcher, report, [&](const ScanHit& hit) { report.add(hit); });
    int told = 0;
    pipeline.tell_opened([&](Finding&) { ++told; });
    pipeline.feed(log);
    pipeline.end();
    const bool open = report.worst_first().at(0)->open;
    EXPECT_EQ(told, open ? 1 : 0);
    return open;
}

TEST(ScanSequence, OpensWhenItsLinesFollowInOrderAndInTime) {
    const std::string first = line("00:00", "first of 7"), second = line("00:10", "second");
    EXPECT_TRUE(opens(first + line("00:05", "x") + second + line("00:20", "third of 7")));
    EXPECT_FALSE(opens(first + second)) << "the last one is missing";
    EXPECT_FALSE(opens(first + line("00:05", "third of 7") + second)) << "out of order";
    EXPECT_FALSE(opens(first + second + line("01:20", "third of 7"))) << "too late";
    EXPECT_FALSE(opens(first + second + line("00:20", "third of 8"))) << "another's";
    EXPECT_TRUE(opens("first of 7\nsecond\nthird of 7\n")) << "without times the order decides";
}

}  // namespace
}  // namespace runnerwatch
