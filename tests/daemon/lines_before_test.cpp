#include "daemon/lines_before.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string key_begins = "-----BEGIN RSA PRIVATE KEY-----";
const std::string key_ends = "-----END RSA PRIVATE KEY-----";

class LinesBeforeTest : public testing::Test {
protected:
    void add(const std::string& text) { lines.add(++number, text); }
    std::string shown() { return lines.before(number + 1); }

    LinesBefore lines;
    std::uint64_t number = 0;
};

TEST_F(LinesBeforeTest, ShowsTheLastLinesBeforeOne) {
    for (int i = 1; i <= 9; ++i) add("line " + std::to_string(i));
    EXPECT_EQ(lines.before(9), "line 4\nline 5\nline 6\nline 7\nline 8");
    EXPECT_EQ(lines.before(3), "line 1\nline 2");
    EXPECT_THAT(lines.before(1), IsEmpty());
}

TEST_F(LinesBeforeTest, ShowsLinesThatAreEmpty) {
    add("first");
    add("");
    add("");
    EXPECT_EQ(shown(), "first\n\n");
}

TEST_F(LinesBeforeTest, GoesOnAcrossItsParts) {
    const std::string text(700, 'x');
    for (int i = 1; i <= 60; ++i) {
        add(text + std::to_string(i));
        std::string expected;
        for (int n = std::max(1, i - 4); n <= i; ++n)
            expected += (expected.empty() ? "" : "\n") + text + std::to_string(n);
        ASSERT_EQ(shown(), expected);
    }
}

TEST_F(LinesBeforeTest, RedactsWhatItShows) {
    add("token=glpat-abcdefghij0123456789");
    EXPECT_THAT(shown(), HasSubstr("redacted"));
    EXPECT_THAT(shown(), Not(HasSubstr("abcdefghij")));
}

TEST_F(LinesBeforeTest, RedactsBeforeItShortens) {
    add(std::string(LinesBefore::shown_bytes_max - 20, 'x') + " glpat-abcdefghij0123456789");
    EXPECT_THAT(shown(), Not(HasSubstr("abc")));
}

// Wherever the parts meet: the lines of a key that are left tell nothing of it.
TEST_F(LinesBeforeTest, KnowsAKeyWhoseBeginningIsGone) {
    for (std::size_t before = 0; before < LinesBefore::bytes_max; before += 61) {
        LinesBefore some;
        some.add(1, std::string(before, 'x'));
        some.add(2, key_begins);
        for (std::uint64_t n = 3; n < 130; ++n) some.add(n, "U0VDUkVU" + std::to_string(n));
        ASSERT_THAT(some.before(130), Not(HasSubstr("U0VDUkVU")));
        some.add(130, key_ends);
        some.add(131, "open again");
        ASSERT_THAT(some.before(132), HasSubstr("open again"));
    }
}

TEST_F(LinesBeforeTest, TellsWhetherTheLastLineIsOfAKey) {
    EXPECT_EQ(lines.last_of_key(), nullptr);
    add("plain");
    EXPECT_EQ(lines.last_of_key(), nullptr);
    add("key: " + key_begins);
    ASSERT_NE(lines.last_of_key(), nullptr);
    EXPECT_THAT(*lines.last_of_key(), HasSubstr("key: "));
    add("U0VDUkVU");
    ASSERT_NE(lines.last_of_key(), nullptr);
    EXPECT_THAT(*lines.last_of_key(), Not(HasSubstr("U0VDUkVU")));
    add(key_ends);
    EXPECT_NE(lines.last_of_key(), nullptr);
    add("plain");
    EXPECT_EQ(lines.last_of_key(), nullptr);
}

TEST_F(LinesBeforeTest, ForgetsFromALineOn) {
    for (int i = 1; i <= 9; ++i) add("line " + std::to_string(i));
    lines.forget_from(4);
    EXPECT_EQ(shown(), "line 1\nline 2\nline 3");
    add("new");
    EXPECT_EQ(shown(), "line 1\nline 2\nline 3\nnew");
    lines.forget_from(1);
    EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(LinesBeforeTest, ForgetsAcrossItsParts) {
    const std::string text(1'500, 'x');
    for (int i = 1; i <= 3; ++i) add(text + std::to_string(i));
    lines.forget_from(2);
    EXPECT_EQ(shown(), std::string(LinesBefore::shown_bytes_max - 3, 'x') + "…");
}

TEST_F(LinesBeforeTest, StaysKeyedWhenTheLineThatBeganItIsForgotten) {
    add("plain");
    add(key_begins);
    lines.forget_from(2);
    add("U0VDUkVU");
    EXPECT_THAT(shown(), Not(HasSubstr("U0VDUkVU")));
}

TEST_F(LinesBeforeTest, IsBoundedWhateverTheLines) {
    for (const std::size_t size : {0u, 1u, 7u, 300u, 4'000u, 5'000u, 9'000u}) {
        SCOPED_TRACE(size);
        LinesBefore some;
        const std::string text(size, 'x');
        for (std::uint64_t n = 1; n < 3'000; ++n) {
            some.add(n, text);
            const std::size_t one_longer = text.size() > LinesBefore::bytes_max / 2 ? 2 : 0;
            ASSERT_LE(some.bytes(),
                      std::max(LinesBefore::bytes_max, one_longer * (text.size() + 64)));
        }
    }
}

}  // namespace
}  // namespace runnerwatch
