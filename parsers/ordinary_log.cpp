#include "parsers/ordinary_log.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <vector>

namespace runnerwatch {

// The recordings, one behind the other; written by the build.
extern const std::string_view ordinary_log_text;

namespace {

constexpr std::size_t bytes = 256;
constexpr int hash_bits = 16;
constexpr int eight_hash_bits = 18;

class Counts {
public:
    Counts()
        : pairs_(bytes * bytes),
          triples_(1u << hash_bits),
          fours_(1u << hash_bits),
          eights_(1u << eight_hash_bits) {
        const std::string_view text = ordinary_log_text;
        total_ = static_cast<double>(text.size());
        singles_.fill(0.5);
        std::uint64_t eight = 0;  // the last eight bytes
        for (std::size_t i = 0; i < text.size(); ++i) {
            eight = eight << 8 | folded(static_cast<unsigned char>(text[i]));
            const auto last = static_cast<std::uint32_t>(eight);
            singles_[last & 0xff] += 1;
            if (i >= 1) pairs_[last & 0xffff] += 1;
            if (i >= 2) triples_[hash(last & 0xffffff)] += 1;
            if (i >= 3) fours_[hash(last)] += 1;
            if (i >= 7) eights_[hash_of_eight(eight)] += 1;
        }
    }

    double share(unsigned char byte) const { return singles_[byte] / total_; }

    double share(std::string_view text) const {
        if (text.size() == 8) return share_of_eight(text);
        std::uint32_t word = 0;
        double estimate = 1;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const unsigned char byte = folded(static_cast<unsigned char>(text[i]));
            word = word << 8 | byte;
            // Each byte as likely as it is behind the one before it.
            estimate *= i == 0 ? singles_[byte] / total_
                               : (pairs_[word & 0xffff] + 0.05) / singles_[word >> 8 & 0xff];
        }
        const double seen = text.size() == 3 ? triples_[hash(word)] : fours_[hash(word)];
        return (seen + estimate) / total_;
    }

private:
    double share_of_eight(std::string_view text) const {
        std::uint64_t word = 0;
        for (const char c : text) word = word << 8 | folded(static_cast<unsigned char>(c));
        return eights_[hash_of_eight(word)] / total_ +
               share(text.substr(0, 4)) * share(text.substr(4));
    }
    static std::size_t hash_of_eight(std::uint64_t word) {
        return word * 0x9e3779b97f4a7c15u >> (64 - eight_hash_bits);
    }
    static std::size_t hash(std::uint32_t word) { return word * 0x9e3779b1u >> (32 - hash_bits); }

    std::array<double, bytes> singles_;
    std::vector<float> pairs_, triples_, fours_, eights_;
    double total_ = 0;
};

const Counts& counts() {
    static const Counts counts;
    return counts;
}

}  // namespace

double byte_share(unsigned char byte) { return counts().share(folded(byte)); }

double text_share(std::string_view text) {
    assert(text.size() == 3 || text.size() == 4 || text.size() == 8);
    return counts().share(text);
}

double rarest_share(std::string_view text) {
    if (text.size() == 3) return text_share(text);
    double share = 1;
    for (std::size_t at = 0; at + 4 <= text.size(); ++at)
        share = std::min(share, text_share(text.substr(at, 4)));
    return share;
}

}  // namespace runnerwatch
