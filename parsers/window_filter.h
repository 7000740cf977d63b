#pragma once

#include "parsers/literal.h"
#include "parsers/literal_windows.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Where short literals stand; a part of LiteralFilter.
//
// A few table look-ups over 32 bytes at once find the places where the rarest window of a literal
// may stand (LiteralPlan); there the window is looked up and its literals are compared. Good for a
// few dozen literals: with more, too much passes. Without AVX2 the same is done byte by byte, with
// the same results.
class WindowFilter {
public:
    explicit WindowFilter(std::vector<Literal> literals, bool vectors);

    // As LiteralFilter. `wanted`: of each literal by its number; nullptr: all are.
    std::size_t next(std::string_view text, std::size_t from, const char* wanted) const;
    // Adds the numbers of the literals in `text`, one for each place where one stands.
    void find(std::string_view text, std::vector<int>& found) const;

    bool empty() const { return literals_.empty(); }
    // `wanted`: of each literal by its number.
    bool has_any_of(const char* wanted) const;
    bool vectorised() const { return vectors_; }

private:
    struct Entry {
        std::uint32_t key;      // the first three bytes of its window
        std::uint16_t literal;  // into literals_
        std::uint16_t window;   // where it begins in the literal
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

    std::vector<Literal> literals_;
    LiteralPlan plan_;
    std::vector<std::uint32_t> starts_;  // hash of a key -> its first entry
    std::vector<Entry> entries_;
    std::vector<std::uint8_t> masks_;  // byte of the window * 256 + byte -> buckets
    bool vectors_;
};

}  // namespace runnerwatch
