#include "parsers/line_framer.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "tests/parsers/recordings.h"

namespace runnerwatch {
namespace {

struct Line {
    std::string text;
    bool cut;
    std::size_t bytes;
    bool operator==(const Line&) const = default;
};

// Feeds `text` in pieces of the sizes that `next_size` draws.
template <class NextSize>
std::vector<Line> framed(std::string_view text, NextSize&& next_size) {
    LineFramer framer;
    std::vector<Line> lines;
    const auto keep = [&](const FramedLine& line) {
        lines.push_back({std::string(line.text), line.cut, line.bytes});
    };
    while (!text.empty()) {
        const std::size_t size = std::min<std::size_t>(next_size(), text.size());
        framer.feed(text.substr(0, size), keep);
        text.remove_prefix(size);
    }
    if (framer.rest().bytes > 0) keep(framer.rest());
    return lines;
}

std::vector<Line> framed_at_once(std::string_view text) {
    return framed(text, [&] { return text.size(); });
}

TEST(LineFramer, GivesTheSameLinesInAnyChunks) {
    std::mt19937 random(1);
    for (const std::string& name : recording_names()) {
        SCOPED_TRACE(name);
        const std::string text = read_recording(name);
        const std::vector<Line> expected = framed_at_once(text);
        std::uniform_int_distribution<std::size_t> size(1, 200);
        EXPECT_EQ(framed(text, [&] { return size(random); }), expected);
        EXPECT_EQ(framed(text, [] { return 1u; }), expected);
    }
}

TEST(LineFramer, CountsEveryByteAndDropsTheCarriageReturn) {
    EXPECT_THAT(framed_at_once("a\r\n\nb\r\r\nrest"),
                testing::ElementsAre(Line{"a", false, 3}, Line{"", false, 1}, Line{"b\r", false, 4},
                                     Line{"rest", false, 4}));
}

TEST(LineFramer, CutsALongLineAndStillCountsItWhole) {
    const std::size_t max = LineFramer::line_bytes_max;
    for (const std::size_t length : {max - 1, max, max + 1, 3 * max}) {
        SCOPED_TRACE(length);
        const std::string text = std::string(length, 'x') + "\nnext\n";
        const std::vector<Line> expected{
            {std::string(std::min(length, max), 'x'), length > max, length + 1},
            {"next", false, 5}};
        EXPECT_EQ(framed_at_once(text), expected);
        EXPECT_EQ(framed(text, [] { return 1000u; }), expected);
    }
}

TEST(LineFramer, ForgetsTheRestWhenCleared) {
    LineFramer framer;
    framer.feed("half", [](const FramedLine&) { FAIL(); });
    framer.clear();
    EXPECT_EQ(framer.rest().bytes, 0u);
    std::string seen;
    framer.feed("whole\n", [&](const FramedLine& line) { seen = line.text; });
    EXPECT_EQ(seen, "whole");
}

}  // namespace
}  // namespace runnerwatch
