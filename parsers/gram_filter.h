#pragma once

#include "parsers/literal.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Where literals of six bytes or more stand; a part of LiteralFilter.
//
// Wherever seven bytes stand, one of their four grams (texts of four bytes) begins at a place
// divisible by four. So only every fourth place is looked at: a bit says whether the gram
// there may belong to any literal, and few do, as of each literal the seven bytes are taken whose
// grams are rarest in ordinary logs. Behind a literal of six bytes the seventh may be any. The
// speed hardly depends on how many literals there are.
class GramFilter {
public:
    static constexpr std::size_t literal_bytes_min = 6;

    explicit GramFilter(std::vector<Literal> literals);

    // A bit for each hash of a gram: whether it may be one of a wanted literal's.
    using Marks = std::vector<std::uint32_t>;
    // `wanted`: of each literal by its number; nullptr: all are.
    Marks marks_of(const char* wanted) const;
    const Marks& all() const { return marks_; }

    // As LiteralFilter, for the literals that `marks` were made of.
    std::size_t next(std::string_view text, std::size_t from, const Marks& marks,
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
    std::size_t walk(std::string_view text, std::size_t from, const Marks& marks,
                     const Visit& visit) const;
    template <class Visit>
    bool look(std::string_view text, std::size_t from, std::size_t at, std::uint32_t gram,
              const Visit& visit) const;

    std::vector<Literal> literals_;
    std::vector<std::uint32_t> starts_;  // shorter hash -> its first entry
    std::vector<Entry> entries_;
    Marks marks_;
};

}  // namespace runnerwatch
