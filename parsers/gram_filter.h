#pragma once

#include "parsers/gram_marks.h"
#include "parsers/literal.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Where literals of six bytes or more stand; a part of LiteralFilter.
//
// Only every fourth place is looked at, by the gram (four bytes) there. Wherever a literal of
// eleven bytes or more stands, two of its grams begin at such places, one behind the other: marks
// say of each gram whether it may be the first and whether it may be the second of such a pair.
// Hardly a place in an ordinary log has both, as of each literal the eleven bytes are taken whose
// pairs are rarest there. Where a shorter literal holds but seven bytes of a pair, the eighth may
// be any; where it holds fewer, one gram is marked alone. The speed hardly depends on how many
// literals there are.
class GramFilter {
public:
    static constexpr std::size_t literal_bytes_min = 6;

    // `vectors`: with AVX2, which the processor must have; the results are the same.
    GramFilter(std::vector<Literal> literals, bool vectors);

    // Of the wanted literals, by their numbers; nullptr: of all.
    GramMarks marks_of(const char* wanted) const;
    const GramMarks& all() const { return marks_; }

    // As LiteralFilter, for the literals that `marks` were made of.
    std::size_t next(std::string_view text, std::size_t from, std::size_t readable,
                     const GramMarks& marks, const char* wanted) const;
    // Adds the numbers of the literals in `text`, one for each place where one stands.
    void find(std::string_view text, std::vector<int>& found) const;

private:
    // A gram of a literal by which it is looked up: alone, or the second of a pair.
    struct Entry {
        std::uint32_t gram;
        std::uint32_t before;   // the gram that stands before it; 0: any
        std::uint16_t literal;  // into literals_
        std::uint16_t begin;    // where the gram stands in it
        bool alone;
    };
    // The first of a pair.
    struct First {
        std::uint32_t gram;
        std::uint16_t literal;
    };
    void add_literal(std::size_t literal);
    void add_pair(std::size_t literal, int begin);

    template <class Visit>
    std::size_t walk(std::string_view text, std::size_t from, std::size_t readable,
                     const GramMarks& marks, const Visit& visit) const;
    template <class Visit>
    bool look(std::string_view text, std::size_t from, std::size_t at, std::uint32_t gram,
              const Visit& visit) const;

    std::vector<Literal> literals_;
    std::vector<std::uint32_t> starts_;  // shorter hash -> its first entry
    std::vector<Entry> entries_;
    std::vector<First> firsts_;
    bool vectors_;
    GramMarks marks_;
};

}  // namespace runnerwatch
