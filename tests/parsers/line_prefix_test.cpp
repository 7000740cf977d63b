#include "parsers/line_prefix.h"

#include <gtest/gtest.h>

#include "tests/parsers/recordings.h"

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
