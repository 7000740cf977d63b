#pragma once

#include "parsers/literal_windows.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Says quickly where any of a fixed set of literals stands in some bytes (ASCII case is ignored).
//
// A few table look-ups over 32 bytes at once find the places where the rarest window of a literal
// may stand (LiteralPlan); there the window is looked up and its literals are compared. Works on
// whole chunks as well as on single messages. Without AVX2 the same is done byte by byte, with
// the same results. Immutable after construction; may be shared between threads.
class LiteralFilter {
public:
    static constexpr std::size_t literal_bytes_min = 3;
    static constexpr std::size_t literals_max = 60'000;
    static constexpr std::size_t npos = std::string_view::npos;

    enum class Way { fastest, portable };

    // Throws std::invalid_argument for more literals. None may be shorter than the least.
    explicit LiteralFilter(const std::vector<std::string>& literals, Way way = Way::fastest);

    // Some byte of the first literal found at or behind `from`; npos: there is none. Literals are
    // met in the order of their windows, so of two on different lines that on the earlier line
    // comes first. `wanted` says of each literal whether it counts.
    std::size_t next(std::string_view text, std::size_t from,
                     const std::vector<char>& wanted) const;
    std::size_t next(std::string_view text, std::size_t from) const;

    // Sets `found` to the indexes of the literals in `text`, ascending, each once.
    void find(std::string_view text, std::vector<int>& found) const;

    // Whether any literal occurs.
    bool any(std::string_view text) const { return next(text, 0) != npos; }

    bool vectorised() const { return vectorised_; }

private:
    struct Entry {
        std::uint32_t key;  // the first three bytes of its window
        std::uint16_t literal;
        std::uint16_t window;  // where it begins in the literal
    };

    template <class Visit>
    std::size_t walk(std::string_view text, std::size_t from, const Visit& visit) const;
    template <class Visit>
    std::size_t walk_bytes(std::string_view text, std::size_t from, const Visit& visit) const;
    template <std::size_t width, class Visit>
    std::size_t walk_vectors(std::string_view text, std::size_t from, const Visit& visit) const;
    template <std::size_t width>
    struct Tables;
    template <class Visit>
    bool look(std::string_view text, std::size_t from, std::size_t at, const Visit& visit) const;

    std::vector<std::string> literals_;  // in lower case
    LiteralPlan plan_;
    std::vector<std::uint32_t> starts_;  // hash of a key -> its first entry
    std::vector<Entry> entries_;
    std::vector<std::uint8_t> masks_;  // byte of the window * 256 + byte -> buckets
    bool vectorised_ = false;
};

}  // namespace runnerwatch
