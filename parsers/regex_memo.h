#pragma once

#include "parsers/lazy_regex.h"
#include "parsers/met_before.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// What regular expressions said of texts. Logs repeat the same messages and values, and to
// see that a text is known takes a fraction of what it takes to find the groups of a match.
//
// Bounded: of two pairs of regex and text that meet in one slot the later one is kept, and none
// that is met for the first time. Owns up to a megabyte, from the first question on. The regexes
// must outlive it. One thread.
class RegexMemo {
public:
    static constexpr std::size_t slots = 8192;
    static constexpr std::size_t text_bytes_max = 256;  // longer ones are not kept

    using Group = LazyRegex::Group;
    using Place = LazyRegex::Place;

    bool matches(const LazyRegex& regex, std::string_view text, Place place);

    // The groups of the match, the whole of it first, or nullptr where there is none. Valid until
    // the next call.
    const std::vector<Group>* groups(const LazyRegex& regex, std::string_view text, Place place);
    // The same of a text that it is known to match.
    const std::vector<Group>& groups_of_match(const LazyRegex& regex, std::string_view text,
                                              Place place);

private:
    struct Slot {
        const LazyRegex* regex = nullptr;
        std::uint64_t hash = 0;  // of the text: most others are told without a look at it
        Place place = Place::anywhere;
        std::optional<bool> matched;  // nothing: nobody asked yet
        std::string text;
        std::vector<Group> groups;  // empty: nobody asked for them yet
    };
    Slot& slot(const LazyRegex& regex, std::string_view text, Place place);

    std::vector<Slot> slots_;
    Slot unkept_;
    MetBefore met_;
};

}  // namespace runnerwatch
