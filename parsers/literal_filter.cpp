#include "parsers/literal_filter.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace runnerwatch {
namespace {

constexpr std::size_t bytes = 256;
constexpr std::uint16_t root = 0;

std::size_t lower(unsigned char byte) {
    return byte >= 'A' && byte <= 'Z' ? byte - 'A' + std::size_t{'a'} : byte;
}

}  // namespace

LiteralFilter::LiteralFilter(const std::vector<std::string>& literals)
    : next_(bytes, root), output_(1) {
    // The trie. No edge of it leads to the root, so that stands for "no edge".
    for (std::size_t literal = 0; literal < literals.size(); ++literal) {
        assert(!literals[literal].empty());
        std::size_t state = 0;
        for (const char c : literals[literal]) {
            const std::size_t edge = state * bytes + lower(static_cast<unsigned char>(c));
            if (next_[edge] == root) {
                if (output_.size() == states_max)
                    throw std::invalid_argument("the literals of all patterns are too long");
                next_[edge] = static_cast<std::uint16_t>(output_.size());
                next_.resize(next_.size() + bytes, root);
                output_.emplace_back();
            }
            state = next_[edge];
        }
        output_[state].push_back(static_cast<int>(literal));
    }

    // Every missing edge becomes the edge of the longest proper suffix that is a state. In breadth
    // first order that suffix is complete when it is needed.
    std::vector<std::uint16_t> suffix(output_.size(), root);
    std::vector<std::size_t> queue{0};
    for (std::size_t i = 0; i < queue.size(); ++i) {
        const std::size_t state = queue[i];
        const std::size_t shorter = suffix[state];
        if (state != 0)
            output_[state].insert(output_[state].end(), output_[shorter].begin(),
                                  output_[shorter].end());
        for (std::size_t byte = 0; byte < bytes; ++byte) {
            std::uint16_t& edge = next_[state * bytes + byte];
            const std::uint16_t fallback = state == 0 ? root : next_[shorter * bytes + byte];
            if (edge == root) {
                edge = fallback;
            } else {
                suffix[edge] = fallback;
                queue.push_back(edge);
            }
        }
    }
    for (std::size_t state = 0; state < output_.size(); ++state) {
        for (unsigned char byte = 'A'; byte <= 'Z'; ++byte)
            next_[state * bytes + byte] = next_[state * bytes + lower(byte)];
        accepting_.push_back(!output_[state].empty());
    }
}

void LiteralFilter::find(std::string_view text, std::vector<int>& found) const {
    found.clear();
    std::size_t state = 0;
    for (const char c : text) {
        state = next_[state * bytes + static_cast<unsigned char>(c)];
        if (accepting_[state])
            found.insert(found.end(), output_[state].begin(), output_[state].end());
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
}

bool LiteralFilter::any(std::string_view text) const {
    std::size_t state = 0;
    for (const char c : text) {
        state = next_[state * bytes + static_cast<unsigned char>(c)];
        if (accepting_[state]) return true;
    }
    return false;
}

}  // namespace runnerwatch
