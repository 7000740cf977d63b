#include "parsers/count_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace runnerwatch {
namespace {

TEST(CountLines, CountsEachNewlineWhereverItStands) {
    EXPECT_EQ(count_lines(""), 0u);
    EXPECT_EQ(count_lines("\n"), 1u);
    EXPECT_EQ(count_lines("a\nb"), 1u);
    std::mt19937 random(1);
    for (const std::size_t size : {31u, 32u, 33u, 1'000u, 8'159u, 8'160u, 8'161u, 100'000u}) {
        std::string text(size, 'a');
        for (char& c : text)
            if (random() % 5 == 0) c = '\n';
        EXPECT_EQ(count_lines(text), std::count(text.begin(), text.end(), '\n')) << size;
        EXPECT_EQ(count_lines(std::string(size, '\n')), size) << "more than a byte counts to";
        EXPECT_EQ(count_lines(std::string(size, '\x8a')), 0u);
    }
}

}  // namespace
}  // namespace runnerwatch
