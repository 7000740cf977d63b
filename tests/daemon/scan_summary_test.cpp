#include "daemon/commands/scan_summary.h"

#include "daemon/commands/scan_progress.h"

#include <gmock/gmock.h>

#include <sstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

const Timestamp noon = parse_time("2026-11-24T12:00:00Z")->time;

std::size_t rows(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(TimeHistogram, ShowsPausesToo) {
    TimeHistogram when;
    for (const auto after : {0min, 0min, 0min, 0min, 1min, 3min}) when.add(noon + after);
    const std::string text = when.text({});
    EXPECT_EQ(rows(text), 19u) << "three minutes in steps of ten seconds";
    EXPECT_THAT(text, HasSubstr("  when        2026-11-24 12:00:00 UTC  "
                                "████████████████████████████████████████ 4\n"
                                "              2026-11-24 12:00:10 UTC  0\n"));
    EXPECT_THAT(text, HasSubstr("              2026-11-24 12:03:00 UTC  ██████████ 1\n"));
}

TEST(TimeHistogram, SaysThatTimesAreUnknown) {
    TimeHistogram when;
    EXPECT_THAT(when.text({}), IsEmpty());
    when.add(std::nullopt);
    EXPECT_EQ(when.text({}), "  when        times unknown\n");
    when.add(noon);
    EXPECT_THAT(when.text({}), HasSubstr("              times unknown  1\n"));
}

TEST(TimeHistogram, HasFewRowsHoweverLongTheTime) {
    for (const Duration span :
         {Duration(10s), Duration(10min), Duration(72h), Duration(24h * 900)}) {
        TimeHistogram when;
        for (int i = 0; i <= 5'000; ++i) when.add(noon + i * (span / 5'000));
        const std::string text = when.text({});
        EXPECT_LE(rows(text), TimeHistogram::rows_max);
        std::uint64_t all = 0;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            all += std::stoull(line.substr(line.rfind(' ')));
        EXPECT_EQ(all, 5'001u) << "nothing is lost when buckets are joined";
    }
}

TEST(ScanProgress, IsOneLineThatIsWrittenOverAndTakenAway) {
    const ScanProgress::Time start{};
    std::ostringstream terminal;
    ScanProgress progress(terminal, 400 * 1024 * 1024, start);
    progress.read(100 * 1024 * 1024, "a.log", start + 500ms);
    EXPECT_EQ(terminal.str(), "") << "short scans say nothing";
    progress.read(100 * 1024 * 1024, "b\x1b[2J.log", start + 2s);
    EXPECT_EQ(terminal.str(), "\r50 % of 400 MiB, 100 MiB/s, b␛[2J.log\x1b[K");
    progress.read(1, "b.log", start + 2s + 100ms);
    EXPECT_EQ(rows(terminal.str()), 0u);
    progress.clear();
    EXPECT_THAT(terminal.str(), testing::EndsWith("\r\x1b[K"));
}

TEST(ScanProgress, KeepsTo100PercentWhenAFileGrows) {
    const ScanProgress::Time start{};
    std::ostringstream terminal;
    ScanProgress progress(terminal, 1024, start);
    progress.read(4096, "a.log", start + 2s);
    EXPECT_THAT(terminal.str(), HasSubstr("\r100 % of 1.0 KiB, 2.0 KiB/s, a.log"));
}

}  // namespace
}  // namespace runnerwatch
