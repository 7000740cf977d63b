#include "parsers/literal_starts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace runnerwatch {
namespace {

// As it is asked of a text and a word behind it.
bool may_say(const LiteralStarts& starts, const std::string& text, const std::string& word) {
    const std::string readable = text + word + std::string(LiteralStarts::readable, ' ');
    const std::size_t begin = text.size() - LiteralStarts::bytes_before;
    return starts.may_go_on_behind(text) || starts.may_stand_in(std::string_view(readable).substr(
                                                begin, LiteralStarts::bytes_before + word.size()));
}

TEST(LiteralStarts, TellAWordThatNoLiteralStandsIn) {
    const LiteralStarts starts({"forbidden", "job failed", "eof"});
    EXPECT_FALSE(may_say(starts, "Using namespace: ", "ci-3f9a"));
    EXPECT_TRUE(may_say(starts, "Using namespace: ", "forbidden"));
    EXPECT_TRUE(may_say(starts, "Using namespace: ", "notForbidden"));
    EXPECT_TRUE(may_say(starts, "Using namespace: ", "EOF"));
    EXPECT_FALSE(may_say(starts, "Using namespace: ", "forb")) << "a part of one";
    EXPECT_TRUE(may_say(starts, "This is a Job ", "failed"));
    EXPECT_TRUE(may_say(starts, "This is a Job ", "other")) << "asked of the text, not of the word";
}

// Few letters make literals, texts and words that overlap in all ways.
TEST(LiteralStarts, MissNoLiteralThatAWordCompletes) {
    std::mt19937 random(5);
    const auto text = [&](std::size_t least, std::size_t most) {
        std::string made(least + random() % (most - least + 1), ' ');
        for (char& c : made) c = "ab "[random() % 3];
        return made;
    };
    int said = 0, silent = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::string> literals;
        for (std::size_t i = 0; i < 1 + random() % 3; ++i) literals.push_back(text(3, 9));
        const LiteralStarts starts(literals);
        const std::string before = text(4, 12), word = text(1, 8);
        const bool says = std::any_of(literals.begin(), literals.end(), [&](const auto& literal) {
            return before.find(literal) == std::string::npos &&
                   (before + word).find(literal) != std::string::npos;
        });
        const bool may = may_say(starts, before, word);
        ASSERT_TRUE(may || !says) << "[" << before << "][" << word << "][" << literals[0] << "]";
        (may ? said : silent) += 1;
    }
    EXPECT_GT(said, 1000);
    EXPECT_GT(silent, 1000);
}

}  // namespace
}  // namespace runnerwatch
