#include "parsers/regex_memo.h"

#include <gmock/gmock.h>

#include <random>

namespace runnerwatch {
namespace {

std::vector<std::string> groups_of(RegexMemo& memo, const RE2& regex, const std::string& text,
                                   RE2::Anchor anchor) {
    std::vector<std::string> all;
    if (const auto* groups = memo.groups(regex, text, anchor))
        for (const RegexMemo::Group& group : *groups)
            all.push_back(group.begin == RegexMemo::Group::unused
                              ? "none"
                              : text.substr(group.begin, group.size));
    return all;
}

TEST(RegexMemo, SaysTheSameTheSecondTime) {
    RegexMemo memo;
    const RE2 status("(?P<method>[A-Z]+) \\S+: (?P<code>\\d+)(?P<more> .)?");
    for (int time = 0; time < 2; ++time) {
        EXPECT_TRUE(memo.matches(status, "POST /x: 403", RE2::ANCHOR_START));
        EXPECT_FALSE(memo.matches(status, "a POST /x: 403", RE2::ANCHOR_START));
        EXPECT_TRUE(memo.matches(status, "a POST /x: 403", RE2::UNANCHORED));
        EXPECT_THAT(groups_of(memo, status, "POST /x: 403", RE2::ANCHOR_START),
                    testing::ElementsAre("POST /x: 403", "POST", "403", "none"));
        EXPECT_THAT(groups_of(memo, status, "", RE2::UNANCHORED), testing::IsEmpty());
    }
}

TEST(RegexMemo, TakesTextsThatAreTooLongToBeKept) {
    RegexMemo memo;
    const RE2 ends("x+(y)$");
    const std::string yes = std::string(RegexMemo::text_bytes_max, 'x') + "y";
    const std::string no = std::string(RegexMemo::text_bytes_max, 'x') + "z";
    for (int time = 0; time < 2; ++time) {
        EXPECT_FALSE(memo.matches(ends, no, RE2::UNANCHORED));
        EXPECT_THAT(groups_of(memo, ends, yes, RE2::UNANCHORED), testing::ElementsAre(yes, "y"));
    }
}

// More pairs than there are slots, asked for again and again in any order.
TEST(RegexMemo, AgreesWithRe2HoweverManyMeetInASlot) {
    RegexMemo memo;
    const RE2 regexes[] = {RE2("a(b*)c"), RE2("(\\d+)"), RE2("b+(a)?")};
    std::mt19937 random(3);
    for (int round = 0; round < 60'000; ++round) {
        std::string text(random() % 9, ' ');
        for (char& c : text) c = "abc01"[random() % 5];
        const RE2& regex = regexes[random() % 3];
        const RE2::Anchor anchor = random() % 2 == 0 ? RE2::UNANCHORED : RE2::ANCHOR_START;
        re2::StringPiece expected[2];
        const bool matches = regex.Match(text, 0, text.size(), anchor, expected, 2);
        ASSERT_EQ(memo.matches(regex, text, anchor), matches) << text;
        if (random() % 2 == 0) continue;
        const auto groups = groups_of(memo, regex, text, anchor);
        ASSERT_EQ(groups.empty(), !matches);
        if (matches) {
            ASSERT_EQ(groups[0], expected[0].as_string());
            ASSERT_EQ(groups[1], expected[1].data() == nullptr ? "none" : expected[1].as_string());
        }
    }
}

}  // namespace
}  // namespace runnerwatch
