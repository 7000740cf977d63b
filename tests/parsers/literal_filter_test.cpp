#include "parsers/literal_filter.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <stdexcept>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

// Every test is made with vectors, where this machine has them, and byte by byte.
class LiteralFilterOf : public testing::TestWithParam<LiteralFilter::Way> {
protected:
    LiteralFilter filter(const std::vector<std::string>& literals) const {
        return LiteralFilter(literals, GetParam());
    }
    static std::vector<int> found(const LiteralFilter& filter, std::string_view text) {
        std::vector<int> literals{-1};  // find() replaces what was there
        filter.find(text, literals);
        return literals;
    }
};

INSTANTIATE_TEST_SUITE_P(Ways, LiteralFilterOf,
                         testing::Values(LiteralFilter::Way::fastest, LiteralFilter::Way::portable),
                         [](const auto& way) {
                             return way.param == LiteralFilter::Way::fastest ? "fastest"
                                                                             : "portable";
                         });

TEST_P(LiteralFilterOf, SaysWhichLiteralsOccurEachOnce) {
    const LiteralFilter some = filter({"she", "her", "hers", "his", "her"});
    EXPECT_THAT(found(some, "ushers and others, ushers"), ElementsAre(0, 1, 2, 4));
    EXPECT_THAT(found(some, "h is hi s"), IsEmpty());
    EXPECT_THAT(found(some, ""), IsEmpty());
}

TEST_P(LiteralFilterOf, IgnoresTheCaseOfAsciiInLiteralAndText) {
    const LiteralFilter some = filter({"Forbidden", "[error]"});
    EXPECT_THAT(found(some, "FORBIDDEN"), ElementsAre(0));
    EXPECT_THAT(found(some, "{ERROR}"), IsEmpty()) << "'{' is '[' with the bit that lowers letters";
    EXPECT_THAT(found(some, "[Error]"), ElementsAre(1));
}

TEST_P(LiteralFilterOf, ReadsEveryByte) {
    const LiteralFilter some = filter({std::string("\xff\0\x80", 3)});
    EXPECT_THAT(found(some, std::string("a\xff\0\x80z", 5)), ElementsAre(0));
    EXPECT_THAT(found(some, std::string("a\xff\x80", 3)), IsEmpty());
}

TEST_P(LiteralFilterOf, DoesNotReadPastTheEnd) {
    const LiteralFilter some = filter({"end", "ending"});
    const std::string text = "this is the ending";
    for (std::size_t length = 0; length < text.size(); ++length) {
        // Of its own size, so that address sanitizer sees a byte read behind it.
        const std::vector<char> bytes(text.begin(),
                                      text.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(some.any({bytes.data(), bytes.size()}), length >= 15) << length;
    }
}

TEST_P(LiteralFilterOf, WithoutLiteralsFindsNothing) {
    EXPECT_THAT(found(filter({}), "anything"), IsEmpty());
    EXPECT_FALSE(filter({}).any("anything"));
}

TEST_P(LiteralFilterOf, PassesOverWhatIsNotWantedOrStandsBefore) {
    const LiteralFilter some = filter({"early", "later"});
    const std::string text = "early later";
    EXPECT_LT(some.next(text, 0, some.select({1, 1})), 5u);
    EXPECT_GE(some.next(text, 0, some.select({0, 1})), 6u);
    EXPECT_EQ(some.next(text, 0, some.select({0, 0})), LiteralFilter::npos);
    EXPECT_GE(some.next(text, 1, some.select({1, 1})), 6u) << "the first has begun before";
    EXPECT_EQ(some.next(text, 7), LiteralFilter::npos);
    EXPECT_EQ(some.next(text, text.size()), LiteralFilter::npos);
}

TEST_P(LiteralFilterOf, AgreesWithSearchingOneByOne) {
    std::mt19937 random(7);
    const auto text = [&](std::size_t least, std::size_t most) {
        std::string letters(least + random() % (most - least + 1), 'a');
        for (char& c : letters) c = "abCd\n"[random() % 5];
        return letters;
    };
    for (int round = 0; round < 400; ++round) {
        std::vector<std::string> literals(1 + random() % (round % 2 == 0 ? 8 : 40));
        for (std::string& literal : literals) literal = text(3, round % 3 == 0 ? 14 : 8);
        const std::string haystack = text(0, 200);
        const std::size_t from = random() % (haystack.size() + 1);
        std::vector<int> expected;
        std::vector<char> wanted;
        bool behind = false, wanted_behind = false;
        for (std::size_t i = 0; i < literals.size(); ++i) {
            if (lower(haystack).find(lower(literals[i])) != std::string::npos)
                expected.push_back(static_cast<int>(i));
            const bool is_behind =
                lower(haystack).find(lower(literals[i]), from) != std::string::npos;
            behind = behind || is_behind;
            wanted.push_back(random() % 2 == 0);
            wanted_behind = wanted_behind || (is_behind && wanted.back() != 0);
        }
        const LiteralFilter some = filter(literals);
        ASSERT_EQ(found(some, haystack), expected) << haystack;
        ASSERT_EQ(some.next(haystack, from) != LiteralFilter::npos, behind) << haystack;
        ASSERT_EQ(some.next(haystack, from, some.select(wanted)) != LiteralFilter::npos,
                  wanted_behind)
            << haystack;
    }
}

// How a long literal is found depends on its length and on where it stands: by which of its bytes,
// and whether by one gram or by two.
TEST_P(LiteralFilterOf, FindsALiteralOfAnyLengthAtAnyPlace) {
    const std::string letters = "Quick zephyrs blow, vexing daft Jim";
    for (std::size_t length = 3; length <= letters.size(); ++length) {
        const std::string literal = letters.substr(letters.size() - length);
        const LiteralFilter some = filter({literal, "another literal that is elsewhere"});
        for (std::size_t before = 0; before < 70; ++before)
            for (const std::size_t behind : {0u, 1u, 2u, 3u, 4u, 40u}) {
                const std::string text = std::string(before, '.') + literal;
                const std::string whole = text + std::string(behind, '\xff');
                ASSERT_THAT(found(some, whole), ElementsAre(0)) << length << " at " << before;
                ASSERT_GE(some.next(whole, before), before);
                ASSERT_LT(some.next(whole, before), text.size());
                ASSERT_EQ(some.next(whole, before + 1), LiteralFilter::npos);
                ASSERT_THAT(found(some, text.substr(0, text.size() - 1)), IsEmpty());
            }
    }
}

TEST_P(LiteralFilterOf, FindsTheFirstLineThatHoldsAnyLiteral) {
    std::mt19937 random(8);
    const std::vector<std::string> literals = {"abc", "dabbad", "cabbage", "badcabbage"};
    const LiteralFilter some = filter(literals);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        std::size_t first = LiteralFilter::npos;
        for (int line = 0; line < 12; ++line) {
            const std::size_t begin = text.size();
            for (std::size_t letters = random() % 40; letters > 0; --letters)
                text += "abdeg"[random() % 5];
            if (random() % 6 == 0) text += literals[random() % literals.size()];
            for (const std::string& literal : literals)
                if (text.find(literal, begin) != std::string::npos) first = std::min(first, begin);
            text += '\n';
        }
        const std::size_t found = some.next(text, 0);
        ASSERT_EQ(found == LiteralFilter::npos, first == LiteralFilter::npos) << text;
        if (found == LiteralFilter::npos) continue;
        ASSERT_EQ(text.substr(first, found - first).find('\n'), std::string::npos) << text;
        ASSERT_GE(found, first);
    }
}

TEST(LiteralFilter, OffersBothWaysOnThisMachine) {
    EXPECT_FALSE(LiteralFilter({"abc"}, LiteralFilter::Way::portable).vectorised());
#if defined(__x86_64__)
    EXPECT_EQ(LiteralFilter({"abc"}).vectorised(), __builtin_cpu_supports("avx2") != 0);
#endif
}

TEST(LiteralFilter, RefusesMoreLiteralsThanItCanNumber) {
    const std::vector<std::string> many(LiteralFilter::literals_max + 1, "abc");
    EXPECT_THROW(LiteralFilter{many}, std::invalid_argument);
}

}  // namespace
}  // namespace runnerwatch
