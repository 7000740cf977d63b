#pragma once

#include "parsers/byte_set.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// A pattern (RE2) as a small program that finds the groups of a match by trying one way after the
// other, as RE2 prefers them. For what patterns over logs nearly always are, a text that shows
// after a few bytes which way is the right one, it takes a tenth of RE2's time. It gives up, and
// leaves the question to RE2, where it would have to try for long, for bytes that are not ASCII,
// and, when it is made, for the parts of RE2's language that it does not know. Immutable; may be
// shared between threads.
class PatternProgram {
public:
    // Nothing: the pattern is left to RE2.
    static std::optional<PatternProgram> made(std::string_view pattern);

    static constexpr std::size_t text_bytes_max = 4096;
    static constexpr int steps_max = 4096;  // of one question

    // Where a group stands in the text.
    struct Group {
        static constexpr std::size_t unused = static_cast<std::size_t>(-1);
        std::size_t begin = unused;  // unused: it took no part in the match
        std::size_t size = 0;
    };
    // Whether the pattern matches, from the text's start on or (`anywhere`) at its first place; no
    // answer: RE2 must be asked. With `groups` these are set, the whole match first.
    std::optional<bool> match(std::string_view text, bool anywhere, std::vector<Group>* groups,
                              int steps = steps_max) const;

    // Of the groups that have one, by their numbers.
    const std::vector<std::pair<std::size_t, std::string>>& names() const { return names_; }

    // One step. Jumps are relative to the step they stand in.
    struct Step {
        enum class Op : std::uint8_t {
            literal,  // the bytes literals[at, at + count)
            one_of,   // a byte of sets[at]
            run,      // min to max bytes of sets[at], as many as possible or (lazy) as few
            either,   // goes on at `at` or, where that fails, at `count`
            jump,     // goes on at `at`
            save,     // a group's edge, number `at`
            begin,    // assertions
            end,
            word_edge,
            no_word_edge,
            match
        };
        static constexpr std::int32_t no_max = INT32_MAX;
        Op op = Op::match;
        bool lazy = false;
        std::int32_t at = 0, count = 0;  // of run: count is the least
        std::int32_t max = 0;            // of run
        // Of run: the only byte that is none of its own, or one of these.
        static constexpr std::int16_t ends_at_many = -1, ends_nowhere = -2;
        std::int16_t ends_at = ends_at_many;
        // What the text must go on with for this step and those behind it to match, or that it may
        // end; where they match without a look at it, anything.
        bool before_anything = true, before_end = true;
        AsciiSet before{};
    };

private:
    friend class PatternProgramMaker;
    class Run;
    std::size_t next_begin(std::string_view text, std::size_t from) const;
    std::size_t behind_failed(std::string_view text, std::size_t begin) const;
    std::vector<Step> steps_;
    std::vector<ByteSet> sets_;
    std::string literals_;
    std::size_t groups_ = 1;  // with the whole
    std::size_t first_ = 0;   // step that is no save
    std::vector<std::pair<std::size_t, std::string>> names_;
};

}  // namespace runnerwatch
