#include "parsers/literal_filter.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <stdexcept>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int> found(const LiteralFilter& filter, std::string_view text) {
    std::vector<int> literals{-1};  // find() replaces what was there
    filter.find(text, literals);
    return literals;
}

TEST(LiteralFilter, SaysWhichLiteralsOccurEachOnce) {
    const LiteralFilter filter({"she", "he", "hers", "his", "he"});
    EXPECT_THAT(found(filter, "ushers and others"), ElementsAre(0, 1, 2, 4));
    EXPECT_THAT(found(filter, "h is hi s"), IsEmpty());
    EXPECT_THAT(found(filter, ""), IsEmpty());
}

TEST(LiteralFilter, IgnoresTheCaseOfAsciiInLiteralAndText) {
    const LiteralFilter filter({"Forbidden", "[error]"});
    EXPECT_THAT(found(filter, "FORBIDDEN"), ElementsAre(0));
    EXPECT_THAT(found(filter, "{ERROR}"), IsEmpty())
        << "'{' is '[' with the bit that lowers letters";
    EXPECT_THAT(found(filter, "[Error]"), ElementsAre(1));
}

TEST(LiteralFilter, ReadsEveryByte) {
    const LiteralFilter filter({std::string("\xff\0\x80", 3)});
    EXPECT_THAT(found(filter, std::string("a\xff\0\x80z", 5)), ElementsAre(0));
    EXPECT_THAT(found(filter, std::string("a\xff\x80", 3)), IsEmpty());
}

TEST(LiteralFilter, WithoutLiteralsFindsNothing) {
    const LiteralFilter filter({});
    EXPECT_THAT(found(filter, "anything"), IsEmpty());
    EXPECT_FALSE(filter.any("anything"));
}

TEST(LiteralFilter, RefusesMoreStatesThanItHas) {
    const std::string longest(LiteralFilter::states_max - 1, 'x');  // and the root
    EXPECT_THAT(found(LiteralFilter({longest}), longest), ElementsAre(0));
    EXPECT_THROW(LiteralFilter({longest + 'x'}), std::invalid_argument);
}

TEST(LiteralFilter, AgreesWithSearchingOneByOne) {
    std::mt19937 random(7);
    const auto text = [&](std::size_t length_max) {
        std::string letters(1 + random() % length_max, 'a');
        for (char& c : letters) c = "abC"[random() % 3];
        return letters;
    };
    const auto lower = [](std::string letters) {
        std::replace(letters.begin(), letters.end(), 'C', 'c');
        return letters;
    };
    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> literals(1 + random() % 8);
        for (std::string& literal : literals) literal = text(6);
        const std::string haystack = text(40);
        std::vector<int> expected;
        for (std::size_t i = 0; i < literals.size(); ++i)
            if (lower(haystack).find(lower(literals[i])) != std::string::npos)
                expected.push_back(static_cast<int>(i));
        const LiteralFilter filter(literals);
        ASSERT_EQ(found(filter, haystack), expected) << haystack;
        ASSERT_EQ(filter.any(haystack), !expected.empty()) << haystack;
    }
}

}  // namespace
}  // namespace runnerwatch
