#include "parsers/count_lines.h"

#include "parsers/processor.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace runnerwatch {
namespace {

constexpr std::size_t block_bytes = 255 * 32;  // a byte counts up to 255

using Lanes [[gnu::vector_size(32)]] = std::uint8_t;

[[gnu::always_inline]] inline std::uint64_t count_newlines(const char* bytes, std::size_t size) {
    std::uint64_t count = 0;
    std::size_t at = 0;
    Lanes counts{};
    for (; at + sizeof(Lanes) <= size; at += sizeof(Lanes)) {
        Lanes some;
        std::memcpy(&some, bytes + at, sizeof some);
        counts -= reinterpret_cast<Lanes>(some == '\n');  // all bits are minus one
    }
    for (std::size_t i = 0; i < sizeof(Lanes); ++i) count += counts[i];
    for (; at < size; ++at) count += bytes[at] == '\n';
    return count;
}

using Count = std::uint64_t(const char* bytes, std::size_t size);

std::uint64_t count_block(const char* bytes, std::size_t size) {
    return count_newlines(bytes, size);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) std::uint64_t count_block_by_avx2(const char* bytes,
                                                                  std::size_t size) {
    return count_newlines(bytes, size);
}

// Not target_clones: its choice is made before thread sanitizer is ready for it.
Count& fastest() { return has_avx2() ? count_block_by_avx2 : count_block; }

#else

Count& fastest() { return count_block; }

#endif

}  // namespace

std::uint64_t count_lines(std::string_view bytes) {
    static Count& count_some = fastest();
    std::uint64_t count = 0;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(block_bytes, bytes.size())))
        count += count_some(bytes.data(), std::min(block_bytes, bytes.size()));
    return count;
}

}  // namespace runnerwatch
