#pragma once

#include "parsers/line_look.h"
#include "parsers/line_shape.h"
#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/runner_line.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Remembers what lines in the runner's own format say, by how they begin: a log says the same few
// things again and again, and nearly all of it is of no interest. Refers to the matcher, whose
// rules must not change without forget(). A few megabytes at most, from the first line on. One
// thread.
class KnownHeads {
public:
    explicit KnownHeads(const Matcher& matcher) : matcher_(matcher) {}

    struct Known {
        LineShape shape;
        std::optional<MessageJudgement> says;
    };
    // Of a line that is all of its record; `head` is its runner_head(). `judged`: with what it
    // says. nullptr: it may be something else. Good until the next call.
    const Known* of(std::string_view line, std::string_view head, bool judged);

    // The same, judged, but nullptr for a head that is met for the first time: what is never met
    // again is not worth finding out about.
    const Known* met_again(std::string_view line, std::string_view head);

    void forget() { heads_ = {}; }

private:
    static constexpr std::size_t met_slots = 16 * 1024;
    static constexpr std::size_t met_bytes_max = 256;  // of a head that is worth it

    const Matcher& matcher_;
    MessageMemo<Known> heads_;
    std::vector<std::uint32_t> met_;  // hashes of heads, by other bits of them
    LineLook look_;
};

}  // namespace runnerwatch
