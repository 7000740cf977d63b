#include "parsers/lazy_regex.h"

#include <re2/re2.h>

#include <gmock/gmock.h>

#include <random>
#include <string>

namespace runnerwatch {
namespace {

// Whether its program answers, gives up now and then, or is given up.
TEST(LazyRegex, SaysWhatRe2SaysHoweverOftenItIsAsked) {
    for (const char* pattern :
         {"Job failed: (?P<error>.*?)(?:\\. See \\S+)?$", "[^\\n]*(?i:failed|error)[^\\n]*",
          "(?:[a-z]+ )*?pods \"(?P<pod>[^\"]+|)\" not found", "(?:a|b|ab)+c", "x{1,3}y",
          "\\bend$"}) {
        const LazyRegex lazy(pattern);
        const RE2 regex(pattern);
        std::mt19937 random(3);
        static const std::string parts[] = {
            "Job failed: ", "a",  "b",   "c",  "x",     "y",       " ",
            "pods \"",      "\"", "end", "\n", "Error", ". See z", "ä",
            "\" not found", "ab "};
        int matched = 0;
        for (int round = 0; round < 3'000; ++round) {
            std::string text;
            // Long ones first and in the end: a program that tries for too long gives up.
            const unsigned most = round < 1'000 || round > 2'000 ? 80 : 8;
            for (auto n = random() % most; n > 0; --n) text += parts[random() % std::size(parts)];
            for (const auto place : {LazyRegex::Place::start, LazyRegex::Place::anywhere}) {
                const auto anchor =
                    place == LazyRegex::Place::start ? RE2::ANCHOR_START : RE2::UNANCHORED;
                const bool expected = regex.Match(text, 0, text.size(), anchor, nullptr, 0);
                ASSERT_EQ(lazy.matches(text, place), expected) << pattern << "\n" << text;
                matched += expected;
            }
        }
        EXPECT_GT(matched, 20) << pattern;
    }
}

}  // namespace
}  // namespace runnerwatch
