#include "parsers/anchor_ring.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace runnerwatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const Timestamp noon{std::chrono::hours(12)};

LineMark mark(Duration after_noon, std::uint64_t hash) { return {noon + after_noon, hash}; }

AnchorRing ring_of(const std::vector<LineMark>& lines) {
    AnchorRing ring;
    for (const LineMark& line : lines) ring.push(line);
    return ring;
}

struct Resumed {
    bool anchored, repeats;
    std::vector<LineMark> lines;  // handed over
};

// What a reader hands over of an answer that it has read to its end.
Resumed resume(const AnchorRing& ring, const std::vector<LineMark>& answer) {
    Alignment alignment(ring, ring.resume_from());
    std::vector<LineMark> lines;
    const auto take = [&] {
        for (const auto& held : std::move(alignment).take_new()) lines.push_back(held.mark);
    };
    for (const LineMark& line : answer) {
        if (alignment.decided()) {
            lines.push_back(line);
            continue;
        }
        alignment.add({line, "", false});
        if (alignment.wants_end()) alignment.end();
        if (alignment.decided()) take();
    }
    if (!alignment.decided()) {
        alignment.end();
        take();
    }
    return {alignment.anchored(), alignment.repeats(), lines};
}

TEST(AnchorRing, AsksAgainFromASecondBeforeTheLastLine) {
    EXPECT_EQ(ring_of({mark(milliseconds(5'700), 1)}).resume_from(), noon + seconds(4));
    EXPECT_EQ(AnchorRing(noon).resume_from(), noon);
    EXPECT_EQ(AnchorRing().resume_from(), std::nullopt);
}

TEST(AnchorRing, IsTheSameAfterStoringAndReading) {
    AnchorRing ring(noon - seconds(5));
    for (std::uint64_t i = 0; i < 1000; ++i)
        ring.push(mark(milliseconds(i), i * 0x9E3779B97F4A7C15u));
    const auto stored = AnchorRing::parse(ring.blob(0));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->newest(), ring.newest());
    EXPECT_EQ(stored->newest().size(), AnchorRing::stored_max);
    EXPECT_EQ(stored->from(), noon - seconds(5));
}

TEST(AnchorRing, GivesBackLinesThatAreStillHeld) {
    AnchorRing ring;
    for (std::uint64_t i = 1; i <= 600; ++i) ring.push(mark(milliseconds(i), i));
    const auto before = AnchorRing::parse(ring.blob(AnchorRing::spare_max));
    ASSERT_TRUE(before);
    EXPECT_EQ(before->last(), mark(milliseconds(88), 88));
    EXPECT_EQ(before->newest().size(), AnchorRing::stored_max);
    EXPECT_TRUE(AnchorRing::parse(ring.blob(600))->empty());
}

TEST(AnchorRing, RefusesBytesThatAreNotItsOwn) {
    const std::string good = ring_of({mark(seconds(1), 1), mark(seconds(2), 2)}).blob(0);
    ASSERT_TRUE(AnchorRing::parse(good));
    const std::pair<const char*, std::string> cases[] = {
        {"nothing", ""},
        {"head only", good.substr(0, 2)},
        {"one byte short", good.substr(0, good.size() - 1)},
        {"one byte long", good + "x"},
        {"another version", "\x02" + good.substr(1)},
        {"unknown flags", good.substr(0, 1) + "\x02" + good.substr(2)},
        {"count without lines", good.substr(0, 2) + "\xFF"},
        {"count beyond the limit", good.substr(0, 2) + "\x41" + std::string(65 * 16, '\0')},
    };
    for (const auto& [name, blob] : cases) {
        SCOPED_TRACE(name);
        EXPECT_FALSE(AnchorRing::parse(blob));
    }
}

TEST(Alignment, HandsOverWhatStandsBehindTheAnchor) {
    const std::vector<LineMark> answer = {mark(seconds(1), 1), mark(seconds(2), 2),
                                          mark(seconds(2), 3), mark(seconds(3), 4)};
    const auto resumed = resume(ring_of({answer[0], answer[1]}), answer);
    EXPECT_TRUE(resumed.anchored);
    EXPECT_THAT(resumed.lines, ElementsAre(answer[2], answer[3]));
}

TEST(Alignment, KnowsThePlaceAtTheAnchorWithoutWaitingForMore) {
    const LineMark first = mark(seconds(1), 1), last = mark(seconds(2), 2);
    Alignment alignment(ring_of({first, last}), noon + seconds(1));
    alignment.add({first, "", false});
    EXPECT_FALSE(alignment.decided());
    alignment.add({last, "", false});
    EXPECT_TRUE(alignment.decided());
    EXPECT_THAT(std::move(alignment).take_new(), IsEmpty());
}

TEST(Alignment, KeepsANewLineThatIsStampedBeforeTheLastOne) {
    const std::vector<LineMark> answer = {mark(seconds(1), 1), mark(seconds(2), 2),
                                          mark(milliseconds(1'999), 3)};
    EXPECT_THAT(resume(ring_of({answer[0], answer[1]}), answer).lines, ElementsAre(answer[2]));
}

TEST(Alignment, CountsARunOfIdenticalLines) {
    const LineMark first = mark(seconds(1), 1), x = mark(seconds(2), 7);
    const auto resumed = resume(ring_of({first, x, x, x}), {first, x, x, x, x, x});
    EXPECT_TRUE(resumed.anchored);
    EXPECT_FALSE(resumed.repeats);
    EXPECT_THAT(resumed.lines, ElementsAre(x, x));
}

TEST(Alignment, FindsTheAnchorInAFileThatBeginsInsideTheRing) {
    const std::vector<LineMark> ring = {mark(seconds(1), 1), mark(seconds(2), 2),
                                        mark(seconds(2), 3)};
    const LineMark later = mark(seconds(3), 4);
    const auto resumed = resume(ring_of(ring), {ring[2], later});
    EXPECT_TRUE(resumed.anchored);
    EXPECT_FALSE(resumed.repeats);
    EXPECT_THAT(resumed.lines, ElementsAre(later));
}

TEST(Alignment, RepeatsRatherThanLosesWhenARotationSplitARun) {
    const LineMark x = mark(seconds(2), 7), later = mark(seconds(3), 8);
    const auto resumed = resume(ring_of({mark(seconds(1), 1), x, x, x}), {x, x, later});
    EXPECT_TRUE(resumed.anchored);
    EXPECT_TRUE(resumed.repeats);
    EXPECT_THAT(resumed.lines, ElementsAre(x, later));
}

TEST(Alignment, SaysWhenARunIsLongerThanTheRingRemembers) {
    const LineMark x = mark(seconds(2), 7), later = mark(seconds(3), 8);
    std::vector<LineMark> answer(200, x);
    AnchorRing ring = ring_of(answer);
    answer.push_back(later);
    const auto resumed = resume(*AnchorRing::parse(ring.blob(0)), answer);
    EXPECT_TRUE(resumed.anchored);
    EXPECT_TRUE(resumed.repeats);
    EXPECT_EQ(resumed.lines.back(), later);
}

TEST(Alignment, SaysThatTheAnchorIsGone) {
    const std::vector<LineMark> answer = {mark(seconds(9), 8), mark(seconds(10), 9)};
    Alignment alignment(ring_of({mark(seconds(1), 1)}), noon);
    alignment.add({answer[0], "", false});
    EXPECT_TRUE(alignment.wants_end()) << "no line eight seconds later can precede it";

    const auto resumed = resume(ring_of({mark(seconds(1), 1)}), answer);
    EXPECT_FALSE(resumed.anchored);
    EXPECT_EQ(resumed.lines, answer);
}

TEST(Alignment, DropsTheLinesItKnowsWhenTheAnchorIsGone) {
    const std::vector<LineMark> ring = {mark(seconds(1), 1), mark(seconds(1), 2),
                                        mark(seconds(2), 3)};
    const LineMark otherwise = mark(seconds(2), 33);  // the last one came back as another text
    const auto resumed = resume(ring_of(ring), {ring[0], ring[1], otherwise});
    EXPECT_FALSE(resumed.anchored);
    EXPECT_THAT(resumed.lines, ElementsAre(otherwise));
}

TEST(Alignment, GivesUpAtItsLimits) {
    Alignment many(ring_of({mark(seconds(1), 1)}), noon);
    for (std::size_t i = 0; i < Alignment::lines_max; ++i) {
        ASSERT_FALSE(many.wants_end());
        many.add({mark(seconds(1), 2 + i), "", false});
    }
    EXPECT_TRUE(many.wants_end());

    Alignment big(ring_of({mark(seconds(1), 1)}), noon);
    const std::string megabyte(1024 * 1024, 'x');
    for (int i = 0; i < 16; ++i) {
        ASSERT_FALSE(big.wants_end());
        big.add({mark(seconds(1), 2), megabyte, false});
    }
    EXPECT_TRUE(big.wants_end());
}

// A log as containers write it: times that mostly grow, sometimes step back within a second,
// groups of lines with one time, and identical lines inside such a group.
std::vector<LineMark> random_log(std::mt19937& random, std::size_t lines) {
    std::vector<LineMark> log;
    Duration at = seconds(10);
    for (std::uint64_t i = 0; i < lines; ++i) {
        const auto dice = random() % 20;
        if (dice == 0) at += seconds(random() % 5);
        if (dice > 5) at += milliseconds(random() % 40);
        const Duration late = dice == 1 ? milliseconds(random() % 900) : milliseconds(0);
        const bool twin = dice == 4 && !log.empty();
        log.push_back(twin ? log.back() : mark(at - late, i));
    }
    return log;
}

std::ptrdiff_t place(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

bool inside_a_run(const std::vector<LineMark>& log, std::size_t index) {
    return index > 0 && index < log.size() && log[index] == log[index - 1];
}

// What the kubelet returns of a file: lines at or after `since`, in the order of the file.
std::vector<LineMark> answer_of(const std::vector<LineMark>& log, std::size_t file_begin,
                                std::size_t file_end, std::optional<Timestamp> since) {
    std::vector<LineMark> answer;
    for (std::size_t i = file_begin; i < file_end; ++i)
        if (!since || log[i].time >= *since) answer.push_back(log[i]);
    return answer;
}

TEST(Alignment, IsExactlyOnceOrSaysSoOverRandomLogsCutsAndRotations) {
    int proven = 0, missing = 0;
    for (unsigned seed = 0; seed < 3000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        const auto log = random_log(random, 20 + random() % 400);
        const std::size_t cut = 1 + random() % (log.size() - 1);
        std::size_t file_begin = random() % 3 == 0 ? random() % log.size() : 0;
        // A rotation inside a run of identical lines cannot be located: see the class comment.
        while (inside_a_run(log, file_begin)) --file_begin;

        const AnchorRing ring = ring_of({log.begin(), log.begin() + place(cut)});
        const auto stored = AnchorRing::parse(ring.blob(0));
        ASSERT_TRUE(stored);
        const auto answer = answer_of(log, file_begin, log.size(), stored->resume_from());

        const auto resumed = resume(*stored, answer);

        EXPECT_EQ(resumed.anchored, file_begin < cut);
        const std::vector<LineMark> expected(log.begin() + place(std::max(cut, file_begin)),
                                             log.end());
        if (resumed.repeats) {
            EXPECT_GE(resumed.lines.size(), expected.size()) << "repeated may be, lost may not";
        } else {
            EXPECT_TRUE(resumed.lines == expected);
        }
        ++(resumed.anchored ? proven : missing);
    }
    EXPECT_GT(proven, 2000);
    EXPECT_GT(missing, 300);
}

}  // namespace
}  // namespace runnerwatch
