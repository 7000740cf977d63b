#include "parsers/visible_text.h"

#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

TEST(VisibleText, ShowsWhatWouldActOnATerminalOrCannotBeSeen) {
    struct Case {
        const char* name;
        std::string text;
        const char* shown;
    };
    const Case cases[] = {
        {"ordinary text", "gr\u00fcn \u4f60 \U0001f680 \ttab", "gr\u00fcn \u4f60 \U0001f680 \ttab"},
        {"escape", "\x1b[31mred", "\u241b[31mred"},
        {"carriage return", "safe\rfake", "safe\u240dfake"},
        {"nul, backspace, delete", std::string("\0\b\x7f", 3), "\u2400\u2408\u2421"},
        {"newline", "a\nb", "a\u240ab"},
        {"C1 control sequence introducer", "\u009b31m", "\u2039U+009B\u203a31m"},
        {"right to left override", "a\u202eb", "a\u2039U+202E\u203ab"},
        {"isolates", "\u2066x\u2069", "\u2039U+2066\u203ax\u2039U+2069\u203a"},
        {"zero width", "a\u200bb\ufeff", "a\u2039U+200B\u203ab\u2039U+FEFF\u203a"},
        {"line separator", "\u2028", "\u2039U+2028\u203a"},
        {"tag character", "\U000e0041", "\u2039U+E0041\u203a"},
        {"raw C1 byte", "\x9b", "\ufffd"},
        {"overlong slash", "\xc0\xaf", "\ufffd\ufffd"},
        {"overlong in three bytes", "\xe0\x80\xaf", "\ufffd\ufffd\ufffd"},
        {"surrogate", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
        {"beyond the last character", "\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
        {"cut character", "a\xe2\x82", "a\ufffd"},
        {"cut character before text", "\xf0\x9f\x98x", "\ufffdx"},
    };
    for (const auto& [name, text, shown] : cases) {
        SCOPED_TRACE(name);
        EXPECT_EQ(visible_text(text), shown);
        EXPECT_EQ(visible_text(visible_text(text)), shown);
    }
    EXPECT_EQ(visible_text("a\nb\r", Newlines::keep), "a\nb\u240d");
}

TEST(VisibleText, MakesEveryByteSequenceHarmless) {
    for (unsigned first = 0; first < 256; ++first)
        for (unsigned second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
            for (const char c : visible_text(text)) {
                const auto byte = static_cast<unsigned char>(c);
                EXPECT_TRUE(byte >= 0x20 || c == '\t');
                EXPECT_NE(byte, 0x7f);
            }
        }
}

TEST(Shortened, CutsAtTheEdgeOfACharacterAndSaysSo) {
    struct Case {
        std::string_view text;
        std::size_t max;
        const char* cut;
    };
    const Case cases[] = {
        {"short", 5, "short"},
        {"longer", 5, "lo\u2026"},
        {"a\u00fc\u00fc\u00fc", 6, "a\u00fc\u2026"},
        {"\U0001f680\U0001f680", 7, "\U0001f680\u2026"},
        {"\U0001f680\U0001f680", 6, "\u2026"},
        {"long", 3, "\u2026"},
        {"long", 2, "lo"},
        {"", 0, ""},
    };
    for (const auto& [text, max, cut] : cases) {
        SCOPED_TRACE(text);
        EXPECT_EQ(shortened(text, max), cut);
        EXPECT_LE(shortened(text, max).size(), max);
    }
}

}  // namespace
}  // namespace runnerwatch
