#include "parsers/line_prefix.h"

#include <gtest/gtest.h>

#include "tests/parsers/recordings.h"
#include "tests/parsers/reencoding.h"

namespace runnerwatch {
namespace {

TEST(LinePrefix, TakesOffWhatCollectorsPutThere) {
    struct Case {
        std::string_view line;
        const char* time;  // "" for none
        const char* pod;
        const char* container;
        const char* text;
    };
    const char* const at = "2026-11-24T03:12:00.500000000Z";
    const Case cases[] = {
        {"2026-11-24T03:12:00.5Z text", at, "", "", "text"},
        {"2026-11-24T03:12:00.5Z ", at, "", "", ""},
        {"2026-11-24T03:12:00.5Z", at, "", "", ""},
        {"2026-11-24T03:12:00.5Z  indented", at, "", "", " indented"},
        {"[pod/gitlab-runner-5d9c8b7f6d-abcde/gitlab-runner] text", "",
         "gitlab-runner-5d9c8b7f6d-abcde", "gitlab-runner", "text"},
        {"[pod/a/b] 2026-11-24T03:12:00.5Z text", at, "a", "b", "text"},
        {"[pod/a/b] ", "", "a", "b", ""},
        {"2026-11-24T03:12:00.5Z stdout F text", at, "", "", "text"},
        {"2026-11-24T04:12:00.5+01:00 stderr P half", at, "", "", "half"},
        {"2026-11-24T03:12:00.5Z stdout is a word", at, "", "", "stdout is a word"},
        {"runner-1  | text", "", "runner-1", "", "text"},
        {"gitlab_runner_1 | text", "", "gitlab_runner_1", "", "text"},
        {"gitlab-runner     | text", "", "gitlab-runner", "", "text"},
        {"runner-1  | 2026-11-24T03:12:00.5Z text", at, "runner-1", "", "text"},
        {"Nov 24 03:12:00 host gitlab-runner[12]: text", "", "", "", "text"},
        {"Nov  4 03:12:00 host kernel: text", "", "", "", "text"},
        {"<14>Nov 24 03:12:00 host gitlab-runner[12]: text", "", "", "", "text"},
        {"2026-11-24T04:12:00.5+0100 host gitlab-runner[12]: text", at, "", "", "text"},
        {"Nov 24 03:12:00.123456 host gitlab-runner[12]: text", "", "", "", "text"},
        {"Tue 2026-11-24 03:12:00.5 UTC host gitlab-runner[12]: text", at, "", "", "text"},
        {"Tue 2026-11-24 03:12:00 CET host gitlab-runner[12]: text", "", "", "", "text"},
        {"1795489920.500000 host gitlab-runner[12]: text", at, "", "", "text"},
        {"<14>text", "", "", "", "text"},
        {"<191>2026-11-24T03:12:00.5Z text", at, "", "", "text"},
        {"<14>1 2026-11-24T03:12:00.5Z host gitlab-runner 12 - - text", at, "", "", "text"},
        {"<14>1 - - - - - [a b=\"\\]\"][c] text", "", "", "", "text"},
        {"gitlab-runner-5d9c8b7f6d-xbcdf c text", "", "gitlab-runner-5d9c8b7f6d-xbcdf", "c",
         "text"},
        {"ci gitlab-runner-5d9c8b7f6d-xbcdf c text", "", "gitlab-runner-5d9c8b7f6d-xbcdf", "c",
         "text"},
        {"runner-x7k2p c 2026-11-24T03:12:00.5Z text", at, "runner-x7k2p", "c", "text"},
        {"gitlab-runner-0 gitlab-runner text", "", "gitlab-runner-0", "gitlab-runner", "text"},
        {"\x1b[36mpod-a\x1b[0m \x1b[96mc\x1b[0m text", "", "pod-a", "c", "text"},
        {"\x1b[36;1mns\x1b[0;22m \x1b[36mpod-a\x1b[0m \x1b[96mc\x1b[0m \x1b[31;1mtext", "", "pod-a",
         "c", "\x1b[31;1mtext"},
        {"\x1b[36mrunner-1  | \x1b[0mtext", "", "runner-1", "", "text"},
        {"\x1b[36mrunner  |\x1b[0m text", "", "runner", "", "text"},
        {"/var/log/runner.log:text", "", "", "", "text"},
        {"runner.log.1:12:text", "", "", "", "text"},
        {"runner.log:  text", "", "", "", "  text"},
        {"12:text", "", "", "", "text"},
        {"runner.log:2026-11-24T03:12:00.5Z text", at, "", "", "text"},
    };
    for (const auto& [line, time, pod, container, text] : cases) {
        SCOPED_TRACE(line);
        const PrefixedLine split = split_prefix(line);
        EXPECT_EQ(split.time ? format_time(*split.time) : "", time);
        EXPECT_EQ(split.pod, pod);
        EXPECT_EQ(split.container, container);
        EXPECT_EQ(split.text, text);
    }
}

TEST(LinePrefix, LeavesWhatIsNotSurelyAPrefix) {
    const std::string_view lines[] = {
        "",
        " ",
        "text",
        "this | that",
        "--- | ---",
        "[pod/] text",
        "[pod/a] text",
        "[pod/a/b]text",
        "404: not found",
        "config.json: broken",
        "12:30:00 o'clock",
        "<script>",
        "<999>text",
        "<14 text",
        "job-42594 failed again",
        "some-thing else here",
        "step-0 of a job",
        "1795489920.500000 is a number",
        "\x1b[36mcoloured\x1b[0m text",
        "\x1b[31;1mERROR: text",
        "Tue 2026-11-24 was a day",
        "Nov 24 was a day",
        "Nov 24 03:12:00 is a time",
        "May all your builds be green: always",
        "2026-11-24 text",
        // a job's trace inside an error of the runner
        "2026-11-23T20:21:44.767774Z 00O Running with gitlab-runner",
        "2026-11-23T20:21:44.767774Z 01E+continued",
    };
    for (const std::string_view line : lines) {
        SCOPED_TRACE(line);
        EXPECT_EQ(split_prefix(line).text, line);
        EXPECT_FALSE(split_prefix(line).time);
    }
}

TEST(LinePrefix, KeepsALineOfTheRunnerThatSpeaksAfterTheTime) {
    EXPECT_EQ(split_prefix("2026-11-24T03:12:00Z ERROR: Checking for jobs... forbidden").text,
              "ERROR: Checking for jobs... forbidden");
    EXPECT_EQ(split_prefix("2026-11-24T03:12:00Z Configuration loaded: x").text,
              "Configuration loaded: x");
}

TEST(LinePrefix, SaysThatACriFilesLineGoesOn) {
    EXPECT_TRUE(split_prefix("2026-11-24T03:12:00Z stderr P half").partial);
    EXPECT_FALSE(split_prefix("2026-11-24T03:12:00Z stderr F whole").partial);
    EXPECT_FALSE(split_prefix("2026-11-24T03:12:00Z stderr Perhaps").partial);
}

TEST(LinePrefix, IsNoneBeforeTwoPlainWords) {
    EXPECT_TRUE(begins_as_sentence("Checking for jobs... received"));
    EXPECT_TRUE(begins_as_sentence("Updating job...   bytesize=1"));
    for (const char* other :
         {"runner-1 | text", "gitlab-runner-5d9c8b7f6d-x2x8z gitlab-runner text",
          "Nov 24 03:12:00 host prog: text", "host prog: text", "a.log:12: text", "stdout P half",
          "[pod/a/b] text", "WARNING: text", "one", ""})
        EXPECT_FALSE(begins_as_sentence(other) && split_prefix(other).text != other) << other;
    int sentences = 0;
    for (const std::string& name : recording_names())
        for (const Collector& collector : collectors())
            for (const std::string& line : lines_of(read_recording(name))) {
                const std::string written = collector.write({line});
                // What stands behind a time may be a name, or a sentence.
                const std::string_view text = split_prefix(written).text;
                for (const std::string_view one : {std::string_view(written), text}) {
                    if (!begins_as_sentence(one)) continue;
                    ++sentences;
                    ASSERT_EQ(split_prefix(one).text.data(), one.data()) << one;
                }
            }
    EXPECT_GT(sentences, 10'000);
}

TEST(LinePrefix, NeverShortensALineOfTheRunner) {
    for (const std::string& name : recording_names())
        for (const std::string& line : lines_of(read_recording(name))) {
            EXPECT_EQ(split_prefix(line).text, line) << name;
            const std::string prefixed = "[pod/a-1/b] 2026-11-24T03:12:00Z " + line;
            EXPECT_EQ(split_prefix(prefixed).text, line) << name;
        }
}

}  // namespace
}  // namespace runnerwatch
