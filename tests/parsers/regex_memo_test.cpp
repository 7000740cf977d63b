#include "parsers/regex_memo.h"

#include <re2/re2.h>

#include <gmock/gmock.h>

#include <random>

namespace runnerwatch {
namespace {

using Place = LazyRegex::Place;

std::vector<std::string> groups_of(RegexMemo& memo, const LazyRegex& regex, const std::string& text,
                                   Place place) {
    std::vector<std::string> all;
    if (const auto* groups = memo.groups(regex, text, place))
        for (const RegexMemo::Group& group : *groups)
            all.push_back(group.begin == RegexMemo::Group::unused
                              ? "none"
                              : text.substr(group.begin, group.size));
    return all;
}

TEST(RegexMemo, SaysTheSameTheSecondTime) {
    RegexMemo memo;
    const LazyRegex status("(?P<method>[A-Z]+) \\S+: (?P<code>\\d+)(?P<more> .)?");
    for (int time = 0; time < 2; ++time) {
        EXPECT_TRUE(memo.matches(status, "POST /x: 403", Place::start));
        EXPECT_FALSE(memo.matches(status, "a POST /x: 403", Place::start));
        EXPECT_TRUE(memo.matches(status, "a POST /x: 403", Place::anywhere));
        EXPECT_THAT(groups_of(memo, status, "POST /x: 403", Place::start),
                    testing::ElementsAre("POST /x: 403", "POST", "403", "none"));
        EXPECT_THAT(groups_of(memo, status, "", Place::anywhere), testing::IsEmpty());
    }
}

TEST(RegexMemo, TakesTextsThatAreTooLongToBeKept) {
    RegexMemo memo;
    const LazyRegex ends("x+(y)$");
    const std::string yes = std::string(RegexMemo::text_bytes_max, 'x') + "y";
    const std::string no = std::string(RegexMemo::text_bytes_max, 'x') + "z";
    for (int time = 0; time < 2; ++time) {
        EXPECT_FALSE(memo.matches(ends, no, Place::anywhere));
        EXPECT_THAT(groups_of(memo, ends, yes, Place::anywhere), testing::ElementsAre(yes, "y"));
    }
}

// More pairs than there are slots, asked for again and again in any order.
TEST(RegexMemo, AgreesWithRe2HoweverManyMeetInASlot) {
    RegexMemo memo;
    static const char* const patterns[] = {"a(b*)c", "(\\d+)", "b+(a)?"};
    const RE2 alone[] = {RE2(patterns[0]), RE2(patterns[1]), RE2(patterns[2])};
    const LazyRegex regexes[] = {LazyRegex(patterns[0]), LazyRegex(patterns[1]),
                                 LazyRegex(patterns[2])};
    std::mt19937 random(3);
    for (int round = 0; round < 60'000; ++round) {
        std::string text(random() % 9, ' ');
        for (char& c : text) c = "abc01"[random() % 5];
        const std::size_t number = random() % 3;
        const LazyRegex& regex = regexes[number];
        const bool anywhere = random() % 2 == 0;
        const Place place = anywhere ? Place::anywhere : Place::start;
        re2::StringPiece expected[2];
        const bool matches = alone[number].Match(
            text, 0, text.size(), anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START, expected, 2);
        ASSERT_EQ(memo.matches(regex, text, place), matches) << text;
        if (random() % 2 == 0) continue;
        const auto groups = groups_of(memo, regex, text, place);
        ASSERT_EQ(groups.empty(), !matches);
        if (matches) {
            ASSERT_EQ(groups[0], expected[0].as_string());
            ASSERT_EQ(groups[1], expected[1].data() == nullptr ? "none" : expected[1].as_string());
        }
    }
}

}  // namespace
}  // namespace runnerwatch
