#include "daemon/sources/pod_log.h"

#include "tests/daemon/recording_sink.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Timestamp noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 12h;

std::string at(Duration after_noon, const std::string& text) {
    return format_time(noon + after_noon) + " " + text;
}

// A log whose first answer has given these lines.
struct Read {
    explicit Read(std::initializer_list<std::string> first)
        : log(std::nullopt, std::nullopt, false) {
        log.hand_to(sink);
        log.ends_at(std::nullopt);
        log.start_answer(false, false);
        log.answer_begun();
        log.end_alignment();
        for (const auto& line : first) log.bytes(line + "\n");
    }
    RecordingSink sink;
    PodLog log;
};

TEST(PodLog, TakesTheTimeOff) {
    Read read({at(1s, "one"), at(2s, ""), "2026-11-23T14:00:03.5+02:00 local"});
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "", "local"));
    EXPECT_THAT(read.sink.times, ElementsAre(noon + 1s, noon + 2s, noon + 3500ms));
}

TEST(PodLog, IsToldOfTheEndOfTheHistoryBehindItsLastLine) {
    RecordingSink sink;
    PodLog log(std::nullopt, noon, false);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(2s, "two")));
    EXPECT_EQ(log.start_answer(false, false), noon);
    log.end_alignment();
    log.bytes(at(1s, "one") + "\n" + at(2s, "two") + "\n" + at(3s, "three") + "\n");
    EXPECT_THAT(sink.calls, ElementsAre("line one", "line two", "caught up", "line three"));
}

TEST(PodLog, HasCaughtUpWithALaterLineToo) {
    RecordingSink sink;
    PodLog log(std::nullopt, noon, false);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(2s, "never comes")));
    log.start_answer(false, false);
    log.end_alignment();
    log.bytes(at(1s, "one") + "\n");
    EXPECT_FALSE(sink.has("caught up"));
    log.bytes(at(3s, "three") + "\n");
    EXPECT_TRUE(sink.has("caught up"));
}

TEST(PodLog, DropsTheEndOfALongLineThatSinceTimeCut) {
    Read read({at(1s, "one")});
    read.log.start_answer(false, false);
    read.log.bytes("the end of something long\n" + at(1s, "one") + "\n" + at(2s, "two") + "\n");
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, NeverTakesAnErrorOfTheKubeletForALine) {
    Read read({at(1s, "one")});
    read.log.bytes("failed to create fsnotify watcher: too many open files");
    const auto rest = read.log.end_answer(true);
    EXPECT_THAT(rest.problem, HasSubstr("too many open files"));
    EXPECT_FALSE(rest.line);
    EXPECT_THAT(read.sink.lines, ElementsAre("one"));
}

TEST(PodLog, TellsAnErrorOfTheKubeletFromTheUnfinishedLineBeforeIt) {
    for (const std::string error :
         {"failed to create fsnotify watcher: too many open files",
          "unable to retrieve container logs for containerd://ab12",
          "rpc error: code = Unknown desc = failed to try resolving symlinks in path \"/x\"",
          "failed to try resolving symlinks in path \"/var/log/pods/a\": lstat /x: no such file"}) {
        SCOPED_TRACE(error);
        Read read({at(1s, "one")});
        read.log.bytes(at(2s, "half a line") + error);
        const auto rest = read.log.end_answer(true);
        EXPECT_EQ(rest.problem, error);
        EXPECT_TRUE(rest.line);  // unfinished: it is asked for again
        EXPECT_THAT(read.sink.lines, ElementsAre("one"));
    }
    // With its newline it is what the program wrote.
    Read written({at(1s, "rpc error: code = Unknown")});
    EXPECT_THAT(written.sink.lines, ElementsAre("rpc error: code = Unknown"));
}

TEST(PodLog, TakesTheTimesOfOldKubeletsOutOfALongLine) {
    const std::string first(16 * 1024, 'a'), second(16 * 1024, 'b');
    Read read({at(1s, first + at(1s, second) + at(2s, "end")), at(3s, first + "2026 is a year")});
    EXPECT_THAT(read.sink.lines, ElementsAre(first + second + "end", first + "2026 is a year"));
}

TEST(PodLog, ReportsALineWithoutTimeBetweenOthers) {
    Read read({at(1s, "one"), "no time", at(2s, "two")});
    EXPECT_THAT(read.sink.calls, ElementsAre("caught up", "line one",
                                             "gap in_band_error possibly_lost", "line two"));
}

TEST(PodLog, TakesALastLineWithoutNewlineOnlyFromAContainerThatEnded) {
    Read running({at(1s, "one")});
    running.log.bytes(at(2s, "half a li"));
    EXPECT_TRUE(running.log.end_answer(false).line);
    EXPECT_THAT(running.sink.lines, ElementsAre("one"));

    Read ended({at(1s, "one")});
    ended.log.bytes(at(2s, "last words"));
    EXPECT_FALSE(ended.log.end_answer(true).line);
    EXPECT_THAT(ended.sink.lines, ElementsAre("one", "last words"));
}

TEST(PodLog, HandsALineOverOnceWhenTheKubeletBeginsTheFileAgain) {
    Read read({at(1s, "one"), at(5s, "two"), at(9s, "three")});
    read.log.bytes(at(1s, "one") + "\n");
    EXPECT_TRUE(read.log.aligning());
    EXPECT_TRUE(read.log.alignment_replays());
    read.log.bytes(at(5s, "two") + "\n" + at(9s, "three") + "\n" + at(10s, "four") + "\n");
    EXPECT_FALSE(read.log.aligning());
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three", "four"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

// The same lines within so short a time that their times alone do not tell.
TEST(PodLog, HandsALineOverOnceWhenAYoungFileIsBegunAgain) {
    Read read({at(1s, "one"), at(1100ms, "two"), at(1200ms, "three")});
    read.log.bytes(at(1s, "one") + "\n" + at(1100ms, "two") + "\n");
    EXPECT_TRUE(read.log.alignment_replays());
    read.log.bytes(at(1200ms, "three") + "\n" + at(1300ms, "four") + "\n");
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three", "four"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, KnowsAYoungFileBegunAgainThatIsLongerThanAStoredPosition) {
    Read read({});
    for (int i = 0; i < 1'500; ++i)
        read.log.bytes(at(1s + i * 1ms, "line " + std::to_string(i)) + "\n");
    ASSERT_EQ(read.sink.lines.size(), 1'500u);
    for (int i = 0; i < 1'501; ++i)
        read.log.bytes(at(1s + i * 1ms, "line " + std::to_string(i)) + "\n");
    ASSERT_EQ(read.sink.lines.size(), 1'501u);
    EXPECT_EQ(read.sink.lines.back(), "line 1500");
}

// What a runtime wrote that stamps whole buffers: no time tells that the file is begun again.
TEST(PodLog, HandsALineOverOnceWhenAFileOfOneTimeIsBegunAgain) {
    Read read({at(1s, "one"), at(1s, "two"), at(1s, "two")});
    EXPECT_FALSE(read.log.repeating()) << "it is not the first that comes again";
    for (const char* text : {"one", "two"}) read.log.bytes(at(1s, text) + "\n");
    EXPECT_EQ(read.sink.lines.size(), 3u) << "they are held";
    ASSERT_TRUE(read.log.repeating());
    EXPECT_EQ(read.log.repeats_since(), noon + 1s);
    const std::string file = at(1s, "one") + "\n" + at(1s, "two") + "\n" + at(1s, "two") + "\n";
    read.log.settle_repeat(file, read.log.repeated());
    EXPECT_TRUE(read.log.repeating()) << "the rest of them comes";
    read.log.bytes(at(1s, "two") + "\n" + at(1s, "three") + "\n");
    read.log.settle_repeat(file, 3);
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "two", "three"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, HandsOverLinesOfOneTimeThatTheFileHasTwice) {
    Read read({at(1s, "one"), at(1s, "two")});
    const std::string both = at(1s, "one") + "\n" + at(1s, "two") + "\n";
    read.log.bytes(both);
    ASSERT_TRUE(read.log.repeating());
    read.log.bytes(at(2s, "three") + "\n");
    read.log.settle_repeat(both + both + at(2s, "three") + "\n", read.log.repeated());
    EXPECT_FALSE(read.log.repeating());
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "one", "two", "three"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, SaysThatLinesOfOneTimeCannotBeToldApart) {
    Read read({at(1s, "one")});
    read.log.bytes(at(1s, "one") + "\n" + at(2s, "two") + "\n");
    read.log.settle_repeat(std::nullopt, read.log.repeated());
    EXPECT_THAT(read.sink.calls,
                ElementsAre("caught up", "line one", "gap replay_unproven possibly_duplicated",
                            "line one", "line two"));
    EXPECT_LT(read.sink.gaps.at(0).from, noon + 1s);
    EXPECT_GT(read.sink.gaps.at(0).to, noon + 1s);
    // The file was rotated within them: it holds only some.
    Read rotated({at(1s, "one"), at(1s, "two")});
    const std::string both = at(1s, "one") + "\n" + at(1s, "two") + "\n";
    rotated.log.bytes(both);
    rotated.log.settle_repeat(at(1s, "two") + "\n", 2);
    EXPECT_EQ(rotated.sink.lines.size(), 4u);
    EXPECT_EQ(rotated.sink.gaps.size(), 1u);
}

// The first lines of the run come again, and then another: nothing was begun again before that.
TEST(PodLog, HandsLinesOfOneTimeOverThatOnlyBeginAlike) {
    Read read({at(1s, "a"), at(1s, "b"), at(1s, "a"), at(1s, "c")});
    EXPECT_EQ(read.sink.lines.size(), 4u);
    for (const char* text : {"a", "b", "a", "b"}) read.log.bytes(at(1s, text) + "\n");
    EXPECT_TRUE(read.log.repeating()) << "the last two may be the first";
    EXPECT_THAT(read.sink.lines, ElementsAre("a", "b", "a", "c", "a", "b"));
    read.log.bytes(at(1s, "d") + "\n");
    EXPECT_FALSE(read.log.repeating());
    EXPECT_THAT(read.sink.lines, ElementsAre("a", "b", "a", "c", "a", "b", "a", "b", "d"));
    read.log.bytes(at(1s, "a") + "\n" + at(2s, "later") + "\n");
    EXPECT_EQ(read.sink.lines.size(), 11u) << "a later time says as much";
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

// A stored position holds fewer lines than the run has: reading on brings them to mind.
TEST(PodLog, KnowsAFileOfOneTimeAfterARestart) {
    std::string file;
    for (int i = 0; i < 200; ++i) file += at(1s, "line " + std::to_string(i)) + "\n";
    Read first({});
    first.log.bytes(file);
    PositionRow row;
    row.blob = first.log.blob(0);
    RecordingSink sink;
    PodLog log(row, noon, false);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(1s, "line 199")));
    log.start_answer(false, false);
    log.bytes(file);
    log.end_alignment();
    log.bytes(file);
    ASSERT_TRUE(log.repeating());
    log.settle_repeat(file, log.repeated());
    EXPECT_THAT(sink.lines, IsEmpty());
}

TEST(PodLog, KnowsAFileBegunAgainWhileItsPlaceWasLookedFor) {
    Read read({at(1s, "one")});
    read.log.start_answer(false, false);
    for (int turn = 0; turn < 2; ++turn)
        read.log.bytes(at(2s, "two") + "\n" + at(2100ms, "three") + "\n");
    read.log.bytes(at(2200ms, "four") + "\n");
    read.log.end_alignment();  // rotated while disconnected
    EXPECT_TRUE(read.log.alignment_replays());
    read.log.end_alignment();
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three", "four"));
    EXPECT_THAT(read.sink.calls, Contains("gap kubelet_skip possibly_lost"));
}

// Two rotations at once: what lies between was never opened by the kubelet.
TEST(PodLog, SaysThatAFileMayHaveBeenPassedOverBeforeOneThatIsBegunAgain) {
    Read read({at(1s, "one"), at(5s, "two"), at(9s, "three")});
    read.log.bytes(at(5s, "two") + "\n" + at(9s, "three") + "\n" + at(10s, "four") + "\n");
    read.log.end_alignment();
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three", "four"));
    ASSERT_EQ(read.sink.gaps.size(), 1u);
    EXPECT_EQ(read.sink.gaps[0].kind, "kubelet_skip");
    EXPECT_EQ(read.sink.gaps[0].from, noon + 1s);
    EXPECT_EQ(read.sink.gaps[0].to, noon + 5s);
}

TEST(PodLog, SaysSoWhereItsLinesHaveOneTime) {
    Read read({at(1s, "one"), at(5s, "two"), at(5s, "three")});
    read.log.bytes(at(5s, "two") + "\n" + at(5s, "three") + "\n");
    read.log.settle_repeat(at(5s, "two") + "\n" + at(5s, "three") + "\n", 2);
    EXPECT_EQ(read.sink.lines.size(), 3u);
    ASSERT_EQ(read.sink.gaps.size(), 1u);
    EXPECT_EQ(read.sink.gaps[0].from, noon + 1s);
    EXPECT_EQ(read.sink.gaps[0].to, noon + 5s);
}

// The line before it is not in memory any more: all since the stream began is in doubt.
TEST(PodLog, SaysSoOfALongFile) {
    Read read({});
    std::string file;
    for (int i = 0; i < 1'000; ++i) file += at(i * 10ms, "line " + std::to_string(i)) + "\n";
    read.log.bytes(file);
    read.log.bytes(file + at(20s, "later") + "\n");
    read.log.end_alignment();
    EXPECT_EQ(read.sink.lines.size(), 1'001u);
    ASSERT_EQ(read.sink.gaps.size(), 1u);
    EXPECT_EQ(read.sink.gaps[0].kind, "kubelet_skip");
}

TEST(PodLog, KnowsAFileBegunAgainWhoseTimesHadGoneBack) {
    Read read({at(1s + 1us, "one"), at(1s, "two")});
    read.log.bytes(at(1s + 1us, "one") + "\n");
    EXPECT_TRUE(read.log.alignment_replays());
    read.log.bytes(at(1s, "two") + "\n" + at(2s, "three") + "\n");
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three"));
}

TEST(PodLog, TakesALineStampedBeforeTheOneAheadOfItAtOnce) {
    Read read({at(1s, "one"), at(2s, "two"), at(1999ms, "three")});
    EXPECT_FALSE(read.log.aligning());
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three"));
}

// The clock was an hour ahead for a while: lines from then stand in the answer before the anchor.
TEST(PodLog, FindsItsPlaceBehindLinesFromTheFuture) {
    Read read({at(1s, "one"), at(1h, "ahead"), at(2s, "two"), at(3s, "three")});
    read.log.end_alignment();  // held as if they came again
    ASSERT_EQ(read.sink.lines.size(), 4u);
    EXPECT_EQ(read.log.start_answer(false, false), noon + 2s);
    read.log.bytes(at(1h, "ahead") + "\n");
    EXPECT_FALSE(read.log.alignment_wants_end());
    read.log.bytes(at(2s, "two") + "\n" + at(3s, "three") + "\n" + at(4s, "four") + "\n");
    EXPECT_EQ(read.sink.lines.size(), 5u);
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

// Nothing was read yet, so nothing tells whether the first lines were rotated away meanwhile.
TEST(PodLog, SaysThatTheStartOfALogIsUnprovenWhenItComesWithALaterAnswer) {
    Read read({});
    read.log.start_answer(false, false);
    read.log.answer_begun();
    read.log.end_alignment();
    read.log.bytes(at(2s, "two") + "\n" + at(3s, "three") + "\n");
    EXPECT_THAT(read.sink.calls, ElementsAre("caught up", "gap start_unproven possibly_lost",
                                             "line two", "line three"));
    EXPECT_EQ(read.sink.gaps[0].from, std::nullopt) << "the last proof of its emptiness";
    EXPECT_EQ(read.sink.gaps[0].to, noon + 2s);
}

// What the log ended with before the first answer is still in it: it was not rotated.
TEST(PodLog, KnowsTheStartOfALogWhoseFirstAnswerGaveNothing) {
    RecordingSink sink;
    PodLog log(std::nullopt, noon, false);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(2s, "two")));
    for (int answer = 0; answer < 2; ++answer) {
        log.start_answer(false, false);
        log.answer_begun();
        log.drop_alignment();
    }
    log.start_answer(false, false);
    log.answer_begun();
    log.bytes(at(1s, "one") + "\n" + at(2s, "two") + "\n");
    log.end_alignment();
    EXPECT_THAT(sink.calls, ElementsAre("line one", "line two", "caught up"));
}

TEST(PodLog, KnowsTheStartOfALogWhoseLinesComeOneByOne) {
    RecordingSink sink;
    PodLog log(std::nullopt, noon, false);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(2s, "two")));
    log.start_answer(false, false);
    log.answer_begun();
    EXPECT_FALSE(log.alignment_wants_end()) << "there is no line yet";
    log.bytes(at(1s, "one") + "\n");
    EXPECT_TRUE(log.alignment_wants_end()) << "of a first answer there is nothing to wait for";
    log.drop_alignment();
    log.start_answer(false, false);
    log.answer_begun();
    EXPECT_FALSE(log.alignment_wants_end());
    log.bytes(at(1s, "one") + "\n");
    EXPECT_FALSE(log.alignment_wants_end());
    log.bytes(at(2s, "two") + "\n");
    EXPECT_TRUE(log.alignment_wants_end());
    log.end_alignment();
    EXPECT_THAT(sink.calls, ElementsAre("line one", "line two", "caught up"));
}

TEST(PodLog, SaysSoAlsoAfterARestartBeforeTheFirstLine) {
    PodLog first(std::nullopt, noon, false);
    PositionRow row;
    row.blob = first.blob(0);
    RecordingSink sink;
    PodLog log(row, std::nullopt, false, noon + 1s);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(2s, "two")));
    EXPECT_EQ(log.start_answer(false, false), noon) << "where reading was to begin";
    log.end_alignment();
    log.bytes(at(2s, "two") + "\n");
    EXPECT_THAT(sink.calls,
                ElementsAre("gap start_unproven possibly_lost", "line two", "caught up"));
    EXPECT_EQ(sink.gaps[0].from, noon + 1s) << "nothing was written before it began";
}

TEST(PodLog, LeavesTheEndOfAGapOpenWhereNoLineFollows) {
    Read read({at(1s, "one")});
    read.log.start_answer(false, false);
    read.log.end_alignment();
    ASSERT_EQ(read.sink.gaps.size(), 1u);
    EXPECT_EQ(read.sink.gaps[0].kind, "rotated_while_disconnected");
    EXPECT_EQ(read.sink.gaps[0].from, noon + 1s);
    EXPECT_EQ(read.sink.gaps[0].to, std::nullopt);
}

TEST(PodLog, SaysThatTheStreamHadStopped) {
    Read read({at(1s, "one")});
    read.log.start_answer(false, true);
    read.log.end_alignment();
    EXPECT_THAT(read.sink.calls, Contains("gap stalled possibly_lost"));
}

TEST(PodLog, KeepsTheLinesOfANodeWhoseClockWasSetBack) {
    Read read({at(1h, "one"), at(1h + 1s, "two")});
    read.log.bytes(at(1s, "three") + "\n" + at(2s, "four") + "\n");
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two")) << "it may be a replay";
    read.log.end_alignment();
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three", "four"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, RecognisesThePartOfALongLineThatAProbeGives) {
    const std::string text = std::string(20'000, 'x') + "the end";
    Read read({at(1s, text)});
    const auto part = parse_log_line(at(1s + 30us, "xxxthe end"));
    ASSERT_TRUE(part);
    EXPECT_TRUE(read.log.ends_with(*part));
    EXPECT_FALSE(read.log.ends_with(*parse_log_line(at(1s + 30us, "another end"))));
    EXPECT_FALSE(read.log.ends_with(*parse_log_line(at(0s, "the end")))) << "older than the line";
}

TEST(PodLog, GoesOnFromItsStoredPosition) {
    Read read({at(1s, "one"), at(2s, "two"), at(3s, "three")});
    PositionRow row;
    row.blob = read.log.blob(1);
    row.lines = read.log.lines() - 1;

    RecordingSink sink;
    PodLog log(row, noon, false);
    log.hand_to(sink);
    log.ends_at(parse_log_line(at(3s, "three")));
    EXPECT_EQ(log.start_answer(false, false), noon + 1s);
    log.bytes(at(1s, "one") + "\n" + at(2s, "two") + "\n" + at(3s, "three") + "\n");
    EXPECT_THAT(sink.calls, ElementsAre("line three", "caught up"));
    EXPECT_EQ(log.lines(), 3u);
}

TEST(PodLog, TakesAnUnreadablePositionForAFirstContact) {
    PositionRow row;
    row.blob = "what a newer version wrote";
    row.lines = 17;
    PodLog log(row, noon, false);
    EXPECT_EQ(log.start_answer(false, false), noon);
    EXPECT_EQ(log.lines(), 17u) << "numbers of lines are never used twice";
}

// An answer beside the one that was read, with these lines.
HeldAnswer beside(const PodLog& log, std::initializer_list<std::string> lines) {
    HeldAnswer answer = log.beside();
    for (const auto& line : lines) answer.bytes(line + "\n");
    return answer;
}

TEST(PodLog, GoesOnInAnAnswerThatHasItsLastLine) {
    Read read({at(1s, "one"), at(2s, "two")});
    EXPECT_FALSE(read.log.goes_on_in(beside(read.log, {})));
    EXPECT_FALSE(read.log.goes_on_in(beside(read.log, {at(1s, "one")})));
    auto answer = beside(read.log, {at(1s, "one"), at(2s, "two"), at(3s, "three")});
    ASSERT_TRUE(read.log.goes_on_in(answer));
    answer.bytes(at(4s, "four").substr(0, 20));
    read.log.go_on_in(std::move(answer));
    read.log.bytes(at(4s, "four").substr(20) + "\n");
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "two", "three", "four"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, GoesOnInARotatedLogOnlyAtALineThatIsKnownOnce) {
    Read read({at(1s, "one"), at(2s, "same"), at(2s, "same"), at(2s, "two")});
    read.log.end_repeat();  // the file has both
    EXPECT_FALSE(read.log.goes_on_in(beside(read.log, {at(3s, "three")})));
    EXPECT_FALSE(read.log.goes_on_in(beside(read.log, {at(2s, "same"), at(2s, "two")})))
        << "it may be the first of the two";
    auto answer = beside(read.log, {at(2s, "two"), at(3s, "three")});
    ASSERT_TRUE(read.log.goes_on_in(answer));
    read.log.go_on_in(std::move(answer));
    EXPECT_THAT(read.sink.lines, ElementsAre("one", "same", "same", "two", "three"));
    EXPECT_THAT(read.sink.gaps, IsEmpty());
}

TEST(PodLog, DoesNotGoOnInAnAnswerThatHidesWhatComesBehindAClockSetBack) {
    Read read({at(1h, "ahead")});
    HeldAnswer answer = read.log.beside();
    answer.bytes(at(1h, "ahead") + "\n");
    ASSERT_TRUE(read.log.goes_on_in(answer));
    read.log.bytes(at(1s, "set back") + "\n");
    read.log.end_alignment();
    EXPECT_FALSE(read.log.goes_on_in(answer));
}

TEST(PodLog, SaysWhereTheFirstLinesOfARunMayBeMissing) {
    for (const auto& [first, gaps] : {std::pair(2s, 0U), std::pair(20s, 1U)}) {
        RecordingSink sink;
        PodLog log(std::nullopt, noon - 1h, false);
        log.started(noon);
        log.hand_to(sink);
        log.ends_at(parse_log_line(at(first, "one")));
        log.start_answer(false, false);
        log.answer_begun();
        log.bytes(at(first, "one") + "\n");
        log.end_alignment();
        EXPECT_THAT(sink.lines, ElementsAre("one"));
        EXPECT_EQ(sink.gaps.size(), gaps);
    }
}

}  // namespace
}  // namespace runnerwatch
