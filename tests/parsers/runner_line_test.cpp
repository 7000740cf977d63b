#include "parsers/runner_line.h"

#include <gmock/gmock.h>

#include <random>

namespace runnerwatch {
namespace {

// The fields of a line and what follows it, both ways.
void expect_line_end(const std::string& text) {
    const std::string_view line = std::string_view(text).substr(0, text.find('\n'));
    const bool quotes = line.find('"') != line.npos || line.find(": ") != line.npos;
    for (FindLineEnd* const find : {find_line_end_by_bytes, &find_line_end}) {
        const LineEnd found = find(text.data(), text.data() + text.size());
        ASSERT_EQ(found.newline, text.data() + line.size()) << text;
        ASSERT_EQ(found.quotes, quotes) << text;
    }
    for (HoldsQuotes* const holds : {holds_quotes_by_bytes, &holds_quotes})
        ASSERT_EQ(holds(line), quotes) << text;
}

TEST(RunnerLine, HasAHeadFromItsTimeToItsReset) {
    EXPECT_EQ(runner_head("2026-11-23T18:42:52.000917490Z Job succeeded \x1b[0;m  job\x1b[0;m=1"),
              "Job succeeded \x1b[0;m ");
    EXPECT_EQ(runner_head("Job succeeded"), std::nullopt);
}

TEST(RunnerLine, HasNoHeadWhereInformationMayBeAPrefix) {
    EXPECT_EQ(runner_head("Idle \x1b[0;m  {\"level\":\"error\"}"), std::nullopt);
    EXPECT_EQ(runner_head("Idle \x1b[0;m  ERROR: it broke"), std::nullopt);
    EXPECT_EQ(runner_head("\x1b[31;1mERROR: a\x1b[0;m  error: \"b\""),
              "\x1b[31;1mERROR: a\x1b[0;m ");
}

TEST(RunnerLine, BeginsBehindATimeOfNineDigitsAndNoOther) {
    const std::string time = "2026-11-23T18:42:52.000917490Z ";
    const auto skipped = [](const std::string& text) {
        const std::string line = text + std::string(41, 'x');
        return behind_log_time(line.data()) - line.data();
    };
    EXPECT_EQ(skipped(time), 31);
    EXPECT_EQ(skipped("2026-11-23T18:42:52Z "), 0);
    // Anything else in its place, a newline above all, is no time.
    for (std::size_t at = 0; at < time.size(); ++at)
        for (const char other : {'\n', 'x', '\xb2'}) {
            std::string wrong = time;
            wrong[at] = other;
            EXPECT_EQ(skipped(wrong), 0) << wrong;
        }
}

// Every length about the bytes that are looked at together, and what is odd at any place.
TEST(RunnerLine, EndsAtItsNewlineWhateverStandsInIt) {
    const std::vector<std::string> parts = {"a",
                                            " ",
                                            ": ",
                                            ":",
                                            "\"",
                                            "\x1b[0;m=",
                                            "\n",
                                            "\r\n",
                                            "words of a field",
                                            "123456789012345"};
    std::mt19937 random(5);
    for (int round = 0; round < 100'000; ++round) {
        std::string text;
        for (std::size_t count = random() % 12; count > 0; --count)
            text += parts[random() % parts.size()];
        text += '\n';
        if (random() % 2 == 0) text += std::string(random() % 80, "x\":"[random() % 3]);
        ASSERT_NO_FATAL_FAILURE(expect_line_end(text));
    }
}

}  // namespace
}  // namespace runnerwatch
