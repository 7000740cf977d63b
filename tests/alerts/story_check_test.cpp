#include "alerts/story_check.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> errors(const std::string& stories, const std::string& open) {
    const std::string rule = R"y(id: refused
title: Polls are refused
impact: No job starts.
severity: error
response: page
detect: [{message: 'Poll refused'}]
recover: [{evidence: {message: 'Poll answered'}}]
)y" + open + R"y(
samples:
  detect: ['Poll refused']
  recover: ['Poll answered']
  stories:
)y" + stories;
    const auto pack = load_pack("test", {{"r.yaml", rule}});
    if (!pack) throw std::logic_error(pack.error().front().to_string());
    const Matcher matcher(*pack);
    std::vector<std::string> lines;
    for (const RuleError& error : verify_stories(matcher)) lines.push_back(error.to_string());
    return lines;
}

std::vector<std::string> thrice(const std::string& expect, const std::string& lines) {
    return errors("    - {name: s, expect: {" + expect + "}, lines: [" + lines + "]}\n",
                  "open: {count: 3, within: 1m}");
}

TEST(StoryCheck, ReadsAStoryThroughTheBook) {
    const std::string two = "{at: 0s, text: Poll refused}, {at: 10s, text: Poll refused}";
    EXPECT_THAT(thrice("open: false, resolved: false, count: 0", two), IsEmpty());
    const std::string third = ", {at: 60s, text: Poll refused}";
    EXPECT_THAT(thrice("open: true, resolved: false, count: 3", two + third), IsEmpty());
    const std::string late = ", {at: 61s, text: Poll refused}";
    EXPECT_THAT(thrice("open: false", two + late), IsEmpty());
    const std::string end = ", {at: 70s, text: Poll answered}";
    EXPECT_THAT(thrice("open: false, resolved: true, count: 3", two + third + end), IsEmpty());
}

TEST(StoryCheck, SaysWhatAStoryExpectedAndWhatHappened) {
    EXPECT_THAT(
        thrice("open: true, resolved: true, count: 1", "{at: 0s, text: Poll refused}"),
        ElementsAre("r.yaml:13: the story 's' expects open: yes, but at its end none is open",
                    "r.yaml:13: the story 's' expects resolved: yes, but none has ended",
                    "r.yaml:13: the story 's' expects count: 1, but the incident counts 0"));
    EXPECT_THAT(errors("    - {name: s, expect: {open: false}, lines: [{at: 0s, text: Poll "
                       "refused}]}\n",
                       ""),
                ElementsAre("r.yaml:13: the story 's' expects open: no, but at its end an "
                            "incident is open"));
}

TEST(StoryCheck, KnowsLinesThatDoNotCome) {
    const std::string rule = R"y(id: no-start
title: The manager does not start
impact: No job starts.
severity: error
response: page
detect: [{message: 'Runtime platform', absent: {message: 'Initializing', within: 60s}}]
samples:
  detect: ['Runtime platform']
  stories:
    - {name: starts, expect: {open: false},
       lines: [{at: 0s, text: Runtime platform}, {at: 5s, text: Initializing}, {at: 5m, text: x}]}
    - {name: hangs, expect: {open: true, count: 1},
       lines: [{at: 0s, text: Runtime platform}, {at: 5m, text: x}]}
    - {name: waits, expect: {open: false},
       lines: [{at: 0s, text: Runtime platform}, {at: 60s, text: x}]}
)y";
    const auto pack = load_pack("test", {{"r.yaml", rule}});
    ASSERT_TRUE(pack) << pack.error().front().to_string();
    EXPECT_THAT(verify_stories(Matcher(*pack)), IsEmpty());
}

}  // namespace
}  // namespace runnerwatch
