#include "parsers/known_heads.h"

#include "parsers/packed_rules.h"
#include "tests/parsers/recordings.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class KnownHeadsTest : public testing::Test {
protected:
    static RulePack pack() {
        Rule refused;
        refused.id = "refused";
        refused.detect.resize(1);
        refused.detect[0].message = "Refused";
        refused.recover = {{Recovery::Kind::evidence, "Accepted", {}, {}}};
        return {"p", "1", {refused}};
    }
    const KnownHeads::Known* of(const std::string& text) {
        line = text;
        const auto head = runner_head(line);
        return head ? heads.of(line, *head, true) : nullptr;
    }
    Matcher matcher{pack()};
    KnownHeads heads{matcher};
    std::string line;
};

TEST_F(KnownHeadsTest, SayWhatAMessageMayMeanWhateverTimeAndFieldsAre) {
    for (const std::string time : {"", "2026-11-23T18:42:52.000917490Z ", "2026-11-23T18:42:52Z "})
        for (const std::string fields : {"job\x1b[0;m=1", "job\x1b[0;m=2"}) {
            SCOPED_TRACE(time + fields);
            const auto* refused = of(time + "\x1b[31;1mERROR: Refused\x1b[0;m  " + fields);
            ASSERT_NE(refused, nullptr);
            EXPECT_EQ(refused->shape.level, Level::error);
            EXPECT_FALSE(refused->says->detection.empty());
            const auto* accepted = of(time + "Accepted \x1b[0;m  " + fields);
            ASSERT_NE(accepted, nullptr);
            EXPECT_THAT(accepted->says->detection, IsEmpty());
            EXPECT_THAT(accepted->says->recovery, ElementsAre(0));
            const auto* idle = of(time + "Idle \x1b[0;m  " + fields);
            ASSERT_NE(idle, nullptr);
            EXPECT_THAT(idle->says->detection, IsEmpty());
            EXPECT_THAT(idle->says->recovery, IsEmpty());
        }
}

TEST_F(KnownHeadsTest, KnowNothingOfALineThatMayBePartOfSomethingElse) {
    EXPECT_EQ(of("no reset"), nullptr);
    EXPECT_EQ(of("[pod/a/b] Idle \x1b[0;m  job\x1b[0;m=1"), nullptr);
    EXPECT_EQ(of("Idle \x1b[0;m  {\"level\":\"error\",\"msg\":\"Refused\"}"), nullptr);
    EXPECT_EQ(of("2026-11-23T18:42:52.x00917490Z Idle \x1b[0;m  job\x1b[0;m=1"), nullptr);
}

// As LineSieve asks: whether a line is known by its beginning, and where its fields begin.
class LastWords : public KnownHeadsTest {
protected:
    std::optional<std::string> fields_of(const std::string& text) {
        const std::string readable = text + "\n" + std::string(200, ' ');
        const char* message = behind_log_time(readable.data());
        const auto* alike = heads.beginning(message);
        const char* end = readable.data() + text.size() + 1;
        const char* fields = alike ? heads.behind_head(*alike, message, end) : nullptr;
        if (fields == nullptr) return std::nullopt;
        EXPECT_TRUE(alike->silent);
        return std::string(fields, end - 1);
    }
    static std::string line_of(const std::string& word, const std::string& blanks = "     ") {
        return "Using Kubernetes namespace: " + word + blanks + "\x1b[0;m  job\x1b[0;m=1";
    }
    void meet_many() {
        for (int i = 1000; i < 1400; ++i) {
            line = line_of("ci-" + std::to_string(i));
            heads.met_again(line, *runner_head(line));
        }
    }
};

TEST_F(LastWords, ThatDifferInEachLineAreNotLookedAtMoreThanTheyMust) {
    EXPECT_EQ(fields_of(line_of("ci-1")), std::nullopt);
    meet_many();
    EXPECT_EQ(fields_of(line_of("ci-7777")), " job\x1b[0;m=1");
    EXPECT_EQ(fields_of(line_of("ci-1", "        ")), " job\x1b[0;m=1") << "padded";
    EXPECT_EQ(fields_of(line_of("a-name-longer-than-the-padding", "")), " job\x1b[0;m=1");
}

TEST_F(LastWords, ThatSaySomethingAreNotPassedOver) {
    meet_many();
    EXPECT_EQ(fields_of(line_of("Refused")), std::nullopt);
    EXPECT_EQ(fields_of(line_of("ci-refused-1")), std::nullopt);
    EXPECT_EQ(fields_of(line_of("ci-1 accepted")), std::nullopt) << "two words";
    EXPECT_EQ(fields_of(line_of("ci-\"1\"")), std::nullopt) << "quotes";
    EXPECT_EQ(fields_of("Using Kubernetes namespace: ci-1"), std::nullopt) << "no reset";
    EXPECT_EQ(fields_of("Using Kubernetes namespaces: ci-1 \x1b[0;m"), std::nullopt);
}

TEST_F(LastWords, AreLookedAtWhereARuleAsksForTheTextBeforeThemToo) {
    RulePack other = pack();
    other.rules[0].detect[0].message = "namespace: ci-1234";
    Matcher fresh(other);
    matcher.swap(fresh);
    meet_many();
    EXPECT_EQ(fields_of(line_of("ci-1234")), std::nullopt);
    EXPECT_EQ(fields_of(line_of("ci-7777")), std::nullopt);
}

TEST_F(KnownHeadsTest, ForgetWhatOtherRulesSaid) {
    ASSERT_TRUE(of("Broken \x1b[0;m  job\x1b[0;m=1")->says->detection.empty());
    RulePack other = pack();
    other.rules[0].detect[0].message = "Broken";
    Matcher fresh(other);
    matcher.swap(fresh);
    heads.forget();
    EXPECT_FALSE(of("Broken \x1b[0;m  job\x1b[0;m=1")->says->detection.empty());
}

// As the daemon asks, of lines that end anywhere.
TEST(KnownHeads, SayOfALineThatWasMetAgainWhatItsHeadSays) {
    const Matcher matcher(built_in_pack());
    KnownHeads heads(matcher), by_head(matcher);
    int known_lines = 0, by_beginning = 0;
    for (int round = 0; round < 3; ++round)
        for (const std::string& name : recording_names())
            for (const std::string& recorded : lines_of(read_recording(name)))
                for (const std::string more : {"", " x\x1b[0;m=\"", "ERROR: of something else",
                                               " a\x1b[0;m=1 b\x1b[0;m=2"}) {
                    const std::string line = std::string(without_log_time(recorded)) + more;
                    by_beginning += line.size() >= KnownHeads::Beginning::bytes_max &&
                                    heads.beginning(line.data()) != nullptr;
                    const auto* known = heads.met_again(line);
                    if (known == nullptr) continue;
                    ++known_lines;
                    const auto head = runner_head(line);
                    ASSERT_TRUE(head) << line;
                    const auto* same = by_head.of(line, *head, true);
                    ASSERT_NE(same, nullptr) << line;
                    ASSERT_EQ(known->shape.level, same->shape.level) << line;
                    ASSERT_EQ(known->says->detection, same->says->detection) << line;
                    ASSERT_EQ(known->says->recovery, same->says->recovery) << line;
                }
    EXPECT_GT(known_lines, 5'000);
    EXPECT_GT(by_beginning, 2'000);
}

// A line is skipped on their word: the whole record must say no more.
TEST(KnownHeads, OfEveryRecordingSayNoLessThanTheMatcher) {
    const Matcher matcher(built_in_pack());
    KnownHeads heads(matcher);
    int silent = 0;
    for (const std::string& name : recording_names())
        for (const ReadRecord& record : records_of(read_recording(name))) {
            if (record.raw.find('\n') != std::string::npos) continue;
            const auto head = runner_head(record.raw);
            const KnownHeads::Known* known = head ? heads.of(record.raw, *head, true) : nullptr;
            if (known == nullptr) continue;
            EXPECT_EQ(known->shape.level >= Level::warning,
                      record.decoded().level >= Level::warning)
                << record.raw;
            if (!known->says->detection.empty() || !known->says->recovery.empty()) continue;
            const Match match = matcher.match(record.decoded());
            EXPECT_THAT(match.detections, IsEmpty()) << record.raw;
            EXPECT_THAT(match.recoveries, IsEmpty()) << record.raw;
            EXPECT_THAT(match.follow_ups, IsEmpty()) << record.raw;
            ++silent;
        }
    EXPECT_GT(silent, 1000);
}

}  // namespace
}  // namespace runnerwatch
