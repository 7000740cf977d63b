#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace runnerwatch {

// Where to look in each literal, and which literals share one of eight buckets.
//
// A vector unit looks up sixteen values at once: the low and the high half of a byte. So for each
// byte of a window a bucket knows only which low and which high halves its literals have there;
// what passes at all of them is looked at closely. The windows are the rarest ones of each
// literal, and the literals of a bucket resemble each other, so that little passes.
struct LiteralPlan {
    static constexpr int buckets = 8;
    static constexpr std::size_t width_max = 5;

    std::size_t width = 0;  // bytes of a window; a shorter literal has any byte behind its end
    std::vector<std::size_t> begins;  // where in each literal its window begins
    // Bit b: bucket b has a literal with this half at this byte of the window.
    alignas(16) std::array<std::array<std::uint8_t, 16>, width_max> low{}, high{};
};

// `literals` in lower case, of at least 3 bytes.
LiteralPlan plan_windows(const std::vector<std::string>& literals);

}  // namespace runnerwatch
