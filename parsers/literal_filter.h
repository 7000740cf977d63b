#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Says quickly which of a fixed set of literals occur in some bytes (ASCII case is ignored).
//
// An Aho-Corasick automaton: one table step a byte, whatever the number of literals. At most
// `states_max` states. Immutable after construction; may be shared between threads.
class LiteralFilter {
public:
    static constexpr std::size_t states_max = 60'000;

    // Throws std::invalid_argument when they need more states. No literal may be empty.
    explicit LiteralFilter(const std::vector<std::string>& literals);

    // Sets `found` to the indexes of the literals in `bytes`, ascending, each once.
    void find(std::string_view bytes, std::vector<int>& found) const;

    // Whether any literal occurs.
    bool any(std::string_view bytes) const;

private:
    std::vector<std::uint16_t> next_;       // state * 256 + byte -> state
    std::vector<std::vector<int>> output_;  // state -> literals that end there
    std::vector<char> accepting_;           // not vector<bool>: read once a byte
};

}  // namespace runnerwatch
