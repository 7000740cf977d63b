#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// What regular expressions said of texts. Logs repeat the same messages and values, and RE2 takes
// fifty times longer to find the groups of a match than it takes to see that a text is known.
//
// Bounded: of two pairs of regex and text that meet in one slot the later one is kept. Owns up to
// a megabyte, from the first question on. The regexes must outlive it. One thread.
class RegexMemo {
public:
    static constexpr std::size_t slots = 8192;
    static constexpr std::size_t text_bytes_max = 256;  // longer ones are not kept

    // Where a group stands in the text.
    struct Group {
        static constexpr std::size_t unused = static_cast<std::size_t>(-1);
        std::size_t begin = unused;  // unused: it took no part in the match
        std::size_t size = 0;
    };

    bool matches(const RE2& regex, std::string_view text, RE2::Anchor anchor);

    // The groups of the match, the whole of it first, or nullptr where there is none. Valid until
    // the next call. `matches`: it is known that there is one.
    const std::vector<Group>* groups(const RE2& regex, std::string_view text, RE2::Anchor anchor,
                                     bool matches = false);

private:
    struct Slot {
        const RE2* regex = nullptr;
        std::uint64_t hash = 0;  // of the text: most others are told without a look at it
        RE2::Anchor anchor = RE2::UNANCHORED;
        bool matched = false;
        std::string text;
        std::vector<Group> groups;  // empty: nobody asked for them yet
    };
    Slot& slot(const RE2& regex, std::string_view text, RE2::Anchor anchor, bool matches);

    std::vector<Slot> slots_;
    Slot beyond_;  // of the last text that was too long
};

}  // namespace runnerwatch
