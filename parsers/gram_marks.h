#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace runnerwatch {

// The inner loop of GramFilter: which places in some bytes its marks let pass.

inline constexpr std::size_t gram_bytes = 4;
inline constexpr std::size_t gram_block_bytes = 8 * gram_bytes;

// The bit that makes ASCII letters lower case, set in every byte. Other bytes are confused by it
// too, which costs a comparison and no more.
inline std::uint32_t gram_at(const char* at) {
    std::uint32_t gram = 0;
    std::memcpy(&gram, at, sizeof gram);
    return gram | 0x20202020u;
}

inline constexpr std::uint32_t gram_factor = 0x9e3779b1u;
inline std::uint32_t gram_hash(std::uint32_t gram) { return gram * gram_factor; }

// What is known of grams: whether some literal may stand where one does, and of which groups of
// literals it may be the first or the second of a pair. Two grams are a pair only within a group,
// so that the common words of one literal do not make pairs with those of another.
//
// Sixteen bits for each of 2^15 hashes: of the 64 KiB a log uses a small part, which stays in the
// processor's caches.
class GramMarks {
public:
    GramMarks() : words_((1u << hash_bits) / 2) {}

    void set_alone(std::uint32_t gram) { set(gram, alone); }
    void set_first(std::uint32_t gram, std::uint32_t literal) {
        set(gram, 1u << (literal % groups + first_shift));
    }
    void set_second(std::uint32_t gram, std::uint32_t literal) {
        set(gram, 1u << literal % groups);
    }

    const std::uint32_t* words() const { return words_.data(); }

    // Two hashes to a word: a gram's bits are those of word place / 2, behind 16 * (place % 2).
    static constexpr int hash_bits = 15;
    static constexpr std::uint32_t groups = 7, alone = 1u << groups, first_shift = 8;

private:
    void set(std::uint32_t gram, std::uint32_t bit) {
        const std::uint32_t place = gram_hash(gram) >> (32 - hash_bits);
        words_[place / 2] |= bit << place % 2 * 16;
    }
    std::vector<std::uint32_t> words_;
};

// Where a walk over the bytes stands.
struct GramWalk {
    const char* bytes;
    std::size_t begin, end;  // of what is left
    std::uint32_t before;    // the marks of the gram before it
};

// Goes on to the first whole block that has a place whose gram is marked alone, or as the second
// behind a first of the same group; bit i of the result is the place i grams behind `begin`, and
// the caller moves on over the block. 0: what is left is less than a block.
std::uint32_t next_marked(GramWalk& walk, const GramMarks& marks);
// The same of one place behind the last block.
bool is_marked(GramWalk& walk, std::size_t place, const GramMarks& marks);
// As next_marked; only on a processor with AVX2.
std::uint32_t next_marked_by_vectors(GramWalk& walk, const GramMarks& marks);

}  // namespace runnerwatch
