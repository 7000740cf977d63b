#pragma once

#include "parsers/literal.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Where literals of seven bytes or more stand; a part of LiteralFilter.
//
// Wherever such a literal stands, one of its first four grams (texts of four bytes) begins at a
// place divisible by four. So only every fourth place is looked at: a bit says whether the gram
// there belongs to any literal, and few do, as of each literal the seven bytes are taken whose
// grams are rarest in ordinary logs. The speed hardly depends on how many literals there are.
class GramFilter {
public:
    static constexpr std::size_t literal_bytes_min = 7;

    explicit GramFilter(std::vector<Literal> literals);

    // By hash of a gram: whether it is one of a wanted literal's.
    using Bits = std::vector<std::uint32_t>;
    // `wanted`: of each literal by its number; nullptr: all are.
    Bits bits_of(const char* wanted) const;
    const Bits& all() const { return bits_; }

    // As LiteralFilter, for the literals that `bits` was made of.
    std::size_t next(std::string_view text, std::size_t from, const Bits& bits,
                     const char* wanted) const;
    // Adds the numbers of the literals in `text`, one for each place where one stands.
    void find(std::string_view text, std::vector<int>& found) const;

private:
    struct Entry {
        std::uint32_t gram;
        std::uint16_t literal;  // into literals_
        std::uint16_t begin;    // where the gram stands in it
    };

    template <class Visit>
    std::size_t walk(std::string_view text, std::size_t from, const Bits& bits,
                     const Visit& visit) const;
    template <class Visit>
    bool look(std::string_view text, std::size_t from, std::size_t at, const Visit& visit) const;

    std::vector<Literal> literals_;
    std::vector<std::uint32_t> starts_;  // shorter hash -> its first entry
    std::vector<Entry> entries_;
    Bits bits_;
};

}  // namespace runnerwatch
