#pragma once

#include "parsers/gram_filter.h"
#include "parsers/window_filter.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Says quickly where any of a fixed set of literals stands in some bytes (ASCII case is ignored).
//
// Works on whole chunks as well as on single messages. Long literals are found by their grams,
// several gigabytes a second however many they are; short ones by their windows. Immutable after
// construction; may be shared between threads.
class LiteralFilter {
public:
    static constexpr std::size_t literal_bytes_min = 3;
    static constexpr std::size_t literals_max = 60'000;
    static constexpr std::size_t npos = std::string_view::npos;

    // `portable`: without AVX2, which `fastest` uses where the processor has it. The results are
    // the same.
    enum class Way { fastest, portable };

    // Throws std::invalid_argument for more literals. None may be shorter than the least.
    explicit LiteralFilter(const std::vector<std::string>& literals, Way way = Way::fastest);

    // Some of the literals. Belongs to the filter that made it.
    class Selection {
        friend LiteralFilter;
        std::vector<char> wanted;
        GramMarks marks;
        bool windows = true;  // a short one is wanted
    };
    // `wanted` says of each literal whether it counts.
    Selection select(std::vector<char> wanted) const;

    // Some byte of the first literal found that begins at or behind `from`; npos: there is none.
    // Of two on different lines that on the earlier line comes first.
    // So many bytes behind the text as are `readable` may be looked at; the result is the same.
    std::size_t next(std::string_view text, std::size_t from, const Selection& some,
                     std::size_t readable = 0) const {
        if (!some.windows) return grams_.next(text, from, readable, some.marks, some.wanted.data());
        return next(text, from, readable, some.marks, some.wanted.data());
    }
    std::size_t next(std::string_view text, std::size_t from) const {
        return next(text, from, 0, grams_.all(), nullptr);
    }

    // Sets `found` to the indexes of the literals in `text`, ascending, each once.
    void find(std::string_view text, std::vector<int>& found) const;

    // Whether any literal occurs.
    bool any(std::string_view text) const { return next(text, 0) != npos; }

    bool vectorised() const { return windows_.vectorised(); }

private:
    struct Split {
        std::vector<Literal> grams, windows;
        std::size_t longest = 0;
    };
    LiteralFilter(Split literals, Way way);
    static Split split(const std::vector<std::string>& literals);
    std::size_t next(std::string_view text, std::size_t from, std::size_t readable,
                     const GramMarks& marks, const char* wanted) const;

    std::size_t longest_;
    GramFilter grams_;
    WindowFilter windows_;
};

}  // namespace runnerwatch
