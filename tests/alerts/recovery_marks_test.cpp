#include "alerts/recovery_marks.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RecoveryMarksTest : public testing::Test {
protected:
    void put(const std::string& pattern, const std::string& values, std::uint64_t line) {
        marks.put("one", pattern, values).line = line;
    }
    // Kind, values and line of what changed; line 0: it is gone.
    std::vector<std::string> changed() {
        ChangeSet changes;
        marks.take_changes("one", changes);
        std::vector<std::string> words;
        for (const auto& [key, row] : changes.recovery_marks)
            words.push_back(std::get<1>(key) + " " + std::get<2>(key) + " " +
                            std::to_string(row ? row->line : 0));
        return words;
    }
    RecoveryMarks marks;
};

TEST_F(RecoveryMarksTest, KeepsTheLatestOfEachKindAndValue) {
    put("loaded", "a", 1);
    put("loaded", "b", 2);
    put("loaded", "a", 3);
    put("ready", "a", 4);
    EXPECT_THAT(changed(), ElementsAre("loaded a 3", "loaded b 2", "ready a 4"));
    EXPECT_THAT(changed(), IsEmpty());
    std::vector<std::uint64_t> lines;
    marks.each_of("loaded", [&](const RecoveryMarkRow& row) { lines.push_back(row.line); });
    EXPECT_THAT(lines, ElementsAre(3, 2));
}

TEST_F(RecoveryMarksTest, SaysThatAStoredOneIsGoneAndIsSilentAboutOneThatNeverWasStored) {
    put("loaded", "a", 1);
    EXPECT_THAT(changed(), ElementsAre("loaded a 1"));
    put("loaded", "b", 2);
    marks.forget_if([](const RecoveryMarkRow&) { return true; });
    EXPECT_THAT(changed(), ElementsAre("loaded a 0"));
    put("loaded", "a", 3);
    EXPECT_THAT(changed(), ElementsAre("loaded a 3"));
    marks.forget_if([](const RecoveryMarkRow&) { return true; });
    put("loaded", "a", 4);
    EXPECT_THAT(changed(), ElementsAre("loaded a 4")) << "gone and back is there";
}

TEST_F(RecoveryMarksTest, ForgetsTheOldestQuarterBeyondItsLimit) {
    for (std::uint64_t line = 1; line <= RecoveryMarks::marks_max; ++line)
        put("sent", std::to_string(line), line);
    put("sent", "1", 1000);
    EXPECT_THAT(marks.sorted(), SizeIs(RecoveryMarks::marks_max));
    put("sent", "new", 1001);
    std::vector<std::uint64_t> lines;
    for (const RecoveryMarkRow* row : marks.sorted()) lines.push_back(row->line);
    EXPECT_THAT(lines, SizeIs(RecoveryMarks::marks_max * 3 / 4 + 1));
    EXPECT_THAT(lines, testing::Not(testing::Contains(2)));
    EXPECT_THAT(lines, testing::IsSupersetOf({256u, 1000u, 1001u}));
}

TEST_F(RecoveryMarksTest, ThatWereStoredComeBackUnchanged) {
    marks.load({"one", "loaded", "a", std::nullopt, 7, "text"});
    EXPECT_THAT(changed(), IsEmpty());
    marks.forget_if([](const RecoveryMarkRow& row) { return row.line == 7; });
    EXPECT_THAT(changed(), ElementsAre("loaded a 0"));
}

}  // namespace
}  // namespace runnerwatch
