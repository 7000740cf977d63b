#include "parsers/count_lines.h"

#include <algorithm>
#include <cstddef>

namespace runnerwatch {
namespace {

constexpr std::size_t block_bytes = 255 * 32;  // a byte counts up to 255

// Written so that the compiler makes vectors of it.
#if defined(__x86_64__)
__attribute__((target_clones("avx2", "default"), optimize("O3")))
#endif
std::uint64_t
count_block(const char* bytes, std::size_t size) {
    std::uint64_t count = 0;
    std::size_t at = 0;
    std::uint8_t lanes[32] = {};
    for (; at + 32 <= size; at += 32)
        for (std::size_t i = 0; i < 32; ++i)
            lanes[i] = static_cast<std::uint8_t>(lanes[i] + (bytes[at + i] == '\n'));
    for (const std::uint8_t lane : lanes) count += lane;
    for (; at < size; ++at) count += bytes[at] == '\n';
    return count;
}

}  // namespace

std::uint64_t count_lines(std::string_view bytes) {
    std::uint64_t count = 0;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(block_bytes, bytes.size())))
        count += count_block(bytes.data(), std::min(block_bytes, bytes.size()));
    return count;
}

}  // namespace runnerwatch
