#include "parsers/find_text.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

namespace runnerwatch {
namespace {

// Few letters, so that what is looked for begins and ends nearly everywhere, and texts on both
// sides of every length that is a step.
TEST(FindText, FindsWhatTheLibraryFindsFromEveryPlace) {
    std::mt19937 random(7);
    const auto text_of = [&](std::size_t size) {
        std::string text;
        while (text.size() < size) text += "abc"[random() % 3];
        return text;
    };
    int found = 0, missed = 0;
    for (std::size_t size = 0; size < 120; ++size)
        for (std::size_t what_size = 1; what_size < 40; what_size += 1 + what_size / 4) {
            const std::string text = text_of(size);
            std::string what = text_of(what_size);
            if (size >= what_size && random() % 2 == 0)
                what = text.substr(random() % (size - what_size + 1), what_size);
            for (std::size_t from = 0; from <= size + 1; from += 1 + from / 3) {
                const std::size_t expected = text.find(what, from);
                ASSERT_EQ(find_text(text, what, from), expected) << text << "\n" << what << from;
                ++(expected == text.npos ? missed : found);
            }
        }
    EXPECT_GT(found, 1'000);
    EXPECT_GT(missed, 1'000);
}

TEST(FindText, ReadsNothingBehindTheText) {
    for (std::size_t size = 11; size < 80; ++size) {
        const std::string text = std::string(size - 11, '-') + "PRIVATE KEY";
        const std::string_view without_its_end(text.data(), text.size() - 1);
        EXPECT_EQ(find_text(text, "PRIVATE KEY"), size - 11);
        EXPECT_EQ(find_text(without_its_end, "PRIVATE KEY"), std::string_view::npos);
    }
}

}  // namespace
}  // namespace runnerwatch
