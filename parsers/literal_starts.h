#pragma once

#include <bit>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// By how literals begin, tells quickly of one word of a text that it makes no literal stand there:
// of many texts that differ in that word, one tells about all. ASCII case is ignored. Says "may"
// too often rather than "no" once. Immutable after construction.
class LiteralStarts {
public:
    // Each has at least LiteralFilter::literal_bytes_min bytes.
    explicit LiteralStarts(std::vector<std::string> literals);

    // Whether a literal may stand in `text`, behind which `readable` bytes may be looked at.
    static constexpr std::size_t readable = 8;
    bool may_stand_in(std::string_view text) const {
        for (std::size_t at = 0; at + short_bytes <= text.size(); ++at) {
            std::uint64_t start = 0;
            std::memcpy(&start, text.data() + at, sizeof start);
            const std::size_t place = slot(start, short_bytes);
            if (!starts_[place]) continue;
            if (short_[place]) return true;
            if (at + long_bytes <= text.size() && long_[slot(start, long_bytes)]) return true;
        }
        return false;
    }

    // So many bytes before a word must be looked at with it; may_go_on_behind() tells of the rest.
    static constexpr std::size_t bytes_before = 2;
    // Whether a literal may begin more than `bytes_before` before the end of `text`, and go on.
    bool may_go_on_behind(std::string_view text) const;

private:
    static constexpr std::size_t short_bytes = 3, long_bytes = 5;
    static constexpr int slot_bits = 16;
    // Of the first bytes of eight.
    static std::size_t slot(std::uint64_t start, std::size_t bytes) {
        start |= 0x2020202020202020u;  // the bit that makes ASCII letters lower case
        const std::size_t others = 8 * (8 - bytes);
        start = std::endian::native == std::endian::little ? start << others : start >> others;
        return start * 0x9e3779b97f4a7c15u >> (64 - slot_bits);
    }

    std::vector<std::string> literals_;
    std::bitset<1u << slot_bits> starts_;        // the first short_bytes of all
    std::bitset<1u << slot_bits> short_, long_;  // literals of less than long_bytes, and the others
};

}  // namespace runnerwatch
