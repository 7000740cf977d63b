#include "storage/coverage.h"

#include <gmock/gmock.h>

#include <fstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const Timestamp noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + 12h;

// One container of pod `pod`, proven read up to `watermark`.
void add(CoverageRows& rows, const std::string& pod, std::optional<Timestamp> watermark) {
    SourceRow row;
    row.place.member = pod;
    row.place.member_uid = "uid-" + pod;
    row.place.instance = pod;
    row.watermark = watermark;
    rows.sources.push_back(row);
    PositionRow position;
    position.instance = pod;
    position.lines = 7;
    rows.positions.push_back(position);
}

// The first column of the table of gaps in docs/coverage.md.
std::vector<std::string> documented_kinds() {
    std::ifstream page(SOURCE_DIR "/docs/coverage.md");
    std::vector<std::string> kinds;
    bool of_gaps = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("| kind |")) of_gaps = true;
        if (of_gaps && line.starts_with("| `"))
            kinds.push_back(line.substr(3, line.find('`', 3) - 3));
        if (of_gaps && line.empty()) break;
    }
    return kinds;
}

TEST(Coverage, HasWordsForEveryKindOfGap) {
    const std::vector<std::string> kinds = documented_kinds();
    EXPECT_GE(kinds.size(), 14u);
    for (const std::string& kind : kinds) {
        CoverageRow gap;
        gap.kind = kind;
        EXPECT_NE(gap_words(gap), kind);
    }
}

TEST(Coverage, SaysHowManyContainersAreProvenCurrentAndSinceWhen) {
    CoverageRows rows;
    add(rows, "a", noon - 1min);
    add(rows, "b", noon - 3min);
    add(rows, "c", noon - 11min);
    add(rows, "d", std::nullopt);
    const CoverageReport report = coverage_report(rows, noon);
    EXPECT_EQ(report.count.words(),
              "2 of 4 containers proven current as of 2026-11-30 11:57:00 UTC");
    std::vector<CoverageState> states;
    for (const auto& source : report.sources) states.push_back(source.state);
    EXPECT_THAT(states, ElementsAre(CoverageState::current, CoverageState::current,
                                    CoverageState::behind, CoverageState::unknown));
    EXPECT_EQ(report.sources[2].lag, 11min);
    EXPECT_EQ(report.sources[0].lines, 7u);
}

TEST(Coverage, DoesNotCountWhatHasEnded) {
    CoverageRows rows;
    add(rows, "a", noon - 1h);
    rows.positions.back().complete = true;
    add(rows, "b", noon - 1h);
    rows.sources.back().ended = true;
    const CoverageReport report = coverage_report(rows, noon);
    EXPECT_EQ(report.count.words(), "0 of 0 containers proven current");
    EXPECT_EQ(report.sources[0].state, CoverageState::complete);
    EXPECT_EQ(report.sources[1].state, CoverageState::ended);
    EXPECT_EQ(report.sources[1].lag, std::nullopt);
}

TEST(Coverage, GivesWhatWasReadAndWhatIsMissing) {
    CoverageRows rows;
    add(rows, "a", noon - 1min);
    CoverageRow read;
    read.instance = "a";
    read.kind = read_kind;
    read.from = noon - 5h;
    read.to = noon - 30s;
    CoverageRow gap;
    gap.instance = "a";
    gap.ordinal = 1;
    gap.kind = "rotated_while_disconnected";
    gap.from = noon - 2h;
    gap.to = noon - 1h;
    rows.coverage = {read, gap};
    const SourceCoverage source = coverage_report(rows, noon).sources.at(0);
    EXPECT_EQ(source.read_from, noon - 5h);
    EXPECT_EQ(source.read_up_to, noon - 30s) << "the later of the two";
    EXPECT_THAT(source.gaps, ElementsAre(gap));
}

TEST(Coverage, SaysWhatAGapIs) {
    CoverageRow gap;
    gap.kind = "stalled";
    gap.from = noon;
    EXPECT_THAT(gap_words(gap), HasSubstr("the stream had stopped"));
    EXPECT_THAT(gap_words(gap), HasSubstr(", from 2026-11-30 12:00:00 UTC on"));
    gap.to = noon + 9s;
    EXPECT_THAT(gap_words(gap),
                HasSubstr("from 2026-11-30 12:00:00 UTC to 2026-11-30 12:00:09 UTC"));
    gap.kind = "of a later version";
    EXPECT_THAT(gap_words(gap), HasSubstr("of a later version"));
}

}  // namespace
}  // namespace runnerwatch
