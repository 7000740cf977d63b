#include "parsers/runner_line.h"

#include "tests/parsers/recordings.h"

#include "parsers/find_text.h"

#include <gmock/gmock.h>

#include <random>

namespace runnerwatch {
namespace {

std::string_view without_return(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// What first_line() says, found the slow way.
void expect_first_line(std::string_view text) {
    const std::size_t newline = text.find('\n');
    const std::string_view line = without_return(text.substr(0, newline));
    const FirstLine first = first_line(text);
    ASSERT_EQ(first.end, newline + 1) << text;
    ASSERT_EQ(first.line, line) << text;
    ASSERT_EQ(first.head, runner_head(line).value_or("")) << text;
}

TEST(RunnerLine, HasAHeadFromItsTimeToItsReset) {
    const std::string text =
        "2026-11-23T18:42:52.000917490Z Job succeeded \x1b[0;m  job\x1b[0;m=1\nnext\n";
    EXPECT_EQ(first_line(text).head, "Job succeeded \x1b[0;m ");
    EXPECT_EQ(first_line(text).end, text.size() - 5);
    EXPECT_EQ(first_line("Job succeeded\n").head, "");
}

TEST(RunnerLine, HasNoHeadWhereInformationMayBeAPrefix) {
    EXPECT_EQ(first_line("Idle \x1b[0;m  {\"level\":\"error\"}\n").head, "");
    EXPECT_EQ(first_line("Idle \x1b[0;m  ERROR: it broke\n").head, "");
    EXPECT_EQ(first_line("Idle \x1b[0;m  it broke:\n ").head, "Idle \x1b[0;m ");
    EXPECT_EQ(first_line("\x1b[31;1mERROR: a\x1b[0;m  error: \"b\"\n").head,
              "\x1b[31;1mERROR: a\x1b[0;m ");
}

TEST(RunnerLine, IsFoundInEveryRecordingAsTheSlowWayFindsIt) {
    std::size_t heads = 0;
    for (const std::string& name : recording_names()) {
        const std::string log = read_recording(name);
        for (std::string_view rest = log; rest.find('\n') != rest.npos;) {
            ASSERT_NO_FATAL_FAILURE(expect_first_line(rest)) << name;
            heads += first_line(rest).head.empty() ? 0 : 1;
            rest.remove_prefix(first_line(rest).end);
        }
    }
    EXPECT_GT(heads, 1'000u);
}

// Every length about the sixteen bytes that are looked at together, and what is odd at any place.
TEST(RunnerLine, IsFoundInAnyTextAsTheSlowWayFindsIt) {
    const std::vector<std::string> parts = {"a",
                                            " ",
                                            ": ",
                                            ":",
                                            "\"",
                                            "\x1b",
                                            "\x1b[0;m ",
                                            "\x1b[0;m",
                                            "\n",
                                            "\r",
                                            "\r\n",
                                            "Z ",
                                            "T",
                                            "18:42:52",
                                            "\x1b[0;33m",
                                            "words of a message",
                                            "2026-11-23T18:42:52.000917490Z ",
                                            "2026-11-23T18:42:52Z "};
    std::mt19937 random(5);
    for (int round = 0; round < 100'000; ++round) {
        std::string text;
        for (std::size_t count = random() % 12; count > 0; --count)
            text += parts[random() % parts.size()];
        text += '\n';
        if (random() % 2 == 0) text += std::string(random() % 40, 'x');
        ASSERT_NO_FATAL_FAILURE(expect_first_line(text));
    }
}

TEST(FindText, FindsWhatTheStandardLibraryFinds) {
    std::mt19937 random(6);
    for (int round = 0; round < 100'000; ++round) {
        std::string text, what;
        for (std::size_t count = random() % 60; count > 0; --count) text += "ab"[random() % 2];
        for (std::size_t count = 1 + random() % 5; count > 0; --count) what += "ab"[random() % 2];
        const std::size_t from = random() % 70;
        ASSERT_EQ(find_text(text, what, from), text.find(what, from)) << text << " " << what;
    }
}

}  // namespace
}  // namespace runnerwatch
