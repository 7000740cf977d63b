// The story this project started from, as people read it a month later.
#include "tests/daemon/seed_story.h"

#include "daemon/commands/incident_text.h"
#include "daemon/commands/incidents.h"
#include "daemon/commands/report.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

class SeedStoryTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        std::string name =
            (std::filesystem::temp_directory_path() / "runnerwatch-story-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no folder: " + name);
        folder_ = name;
        story_ = std::make_unique<SeedStory>(folder_ / "story.db");
    }
    static void TearDownTestSuite() {
        story_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    static HistoryOptions options(const std::vector<std::string>& ids = {}) {
        HistoryOptions asked;
        asked.source.database = (folder_ / "story.db").string();
        asked.ids = ids;
        return asked;
    }
    using Command = int (*)(const HistoryOptions&, std::ostream&, std::ostream&);
    static std::string say(Command command, const HistoryOptions& asked) {
        std::ostringstream out, errors;
        EXPECT_EQ(command(asked, out, errors), 0) << errors.str();
        return out.str();
    }

    // Compares with a file of tests/daemon/story; what differs is written beside the build.
    static void expect_golden(const std::string& name, const std::string& actual) {
        const auto expected = read_file(SOURCE_DIR "/tests/daemon/story/" + name);
        if (expected && *expected == actual) return;
        const auto written = std::filesystem::temp_directory_path() / ("runnerwatch-story-" + name);
        std::ofstream(written, std::ios::binary) << actual;
        ADD_FAILURE() << name << " differs; what came is " << written;
    }

    static inline std::filesystem::path folder_;
    static inline std::unique_ptr<SeedStory> story_;
};

TEST_F(SeedStoryTest, IsOneTroubleThatCameThreeTimesInTheList) {
    expect_golden("incidents.expected", say(&show_incidents, options()));
}

TEST_F(SeedStoryTest, IsToldOfEachTimeAsAPersonWouldTellIt) {
    for (const char* number : {"4", "8", "11"})
        expect_golden("incident-" + std::string(number) + ".expected",
                      say(&show_incident, options({number})));
}

TEST_F(SeedStoryTest, IsCountedInTheStatistics) {
    expect_golden("statistics.expected", say(&show_history, options()));
    expect_golden("similar.expected", say(&show_history, options({"11"})));
}

TEST_F(SeedStoryTest, MakesAPostmortemOfEachTimeAndOfAll) {
    const auto write = [](const std::vector<std::string>& ids, const std::string& form) {
        PostmortemOptions asked;
        asked.source = options().source;
        asked.ids = ids;
        asked.form = form;
        std::ostringstream out, errors;
        EXPECT_EQ(write_postmortem(asked, out, errors), 0) << errors.str();
        return out.str();
    };
    for (const std::string number : {"4", "8", "11"})
        expect_golden("postmortem-" + number + ".md", write({number}, "md"));
    expect_golden("postmortem.html", write({"4", "8", "11"}, "html"));
}

TEST_F(SeedStoryTest, IsReviewedByTheWeekAndByTheMonth) {
    const auto write = [](const std::string& since, const std::string& form) {
        ReportOptions asked;
        asked.source = options().source;
        asked.query = {{"since", since}, {"until", "2026-04-01"}, {"format", form}};
        std::ostringstream out, errors;
        EXPECT_EQ(write_report(asked, out, errors), 0) << errors.str();
        return out.str();
    };
    for (const char* form : {"md", "html", "json"})
        expect_golden(std::string("month.") + form, write("2026-03-01", form));
    expect_golden("week.md", write("2026-03-25", "md"));
}

TEST_F(SeedStoryTest, WasToldToOnCallWithoutAWordTooMany) {
    std::string told;
    for (const auto& line : story_->told()) told += line + "\n";
    expect_golden("told.expected", told);
}

}  // namespace
}  // namespace runnerwatch
