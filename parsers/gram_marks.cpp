#include "parsers/gram_marks.h"

#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace runnerwatch {
namespace {

constexpr std::uint32_t seconds = GramMarks::alone - 1;

std::uint32_t bits_at(const std::uint32_t* words, const char* at) {
    const std::uint32_t place = gram_hash(gram_at(at)) >> (32 - GramMarks::hash_bits);
    return words[place / 2] >> place % 2 * 16;
}

bool passes(std::uint32_t before, std::uint32_t here) {
    const std::uint32_t asked = (before >> GramMarks::first_shift & seconds) | GramMarks::alone;
    return (here & asked) != 0;
}

}  // namespace

std::uint32_t next_marked(GramWalk& walk, const GramMarks& marks) {
    const std::uint32_t* words = marks.words();
    for (; walk.end - walk.begin >= gram_block_bytes; walk.begin += gram_block_bytes) {
        std::uint32_t places = 0;
        for (std::uint32_t i = 0; i < gram_block_bytes / gram_bytes; ++i) {
            const std::uint32_t here = bits_at(words, walk.bytes + walk.begin + i * gram_bytes);
            if (passes(walk.before, here)) places |= 1u << i;
            walk.before = here;
        }
        if (places != 0) return places;
    }
    return 0;
}

bool is_marked(GramWalk& walk, std::size_t place, const GramMarks& marks) {
    const std::uint32_t here = bits_at(marks.words(), walk.bytes + place);
    return passes(std::exchange(walk.before, here), here);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) std::uint32_t next_marked_by_vectors(GramWalk& walk,
                                                                     const GramMarks& marks) {
    const auto* words = reinterpret_cast<const int*>(marks.words());
    const __m256i lower = _mm256_set1_epi8(0x20);
    const __m256i factor = _mm256_set1_epi32(static_cast<int>(gram_factor));
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i second = _mm256_set1_epi32(static_cast<int>(seconds));
    const __m256i alone = _mm256_set1_epi32(static_cast<int>(GramMarks::alone));
    const __m256i one_on = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
    __m256i carried = _mm256_set1_epi32(static_cast<int>(walk.before));
    for (; walk.end - walk.begin >= gram_block_bytes; walk.begin += gram_block_bytes) {
        const __m256i bytes =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(walk.bytes + walk.begin));
        const __m256i place = _mm256_srli_epi32(
            _mm256_mullo_epi32(_mm256_or_si256(bytes, lower), factor), 32 - GramMarks::hash_bits);
        const __m256i pairs = _mm256_i32gather_epi32(words, _mm256_srli_epi32(place, 1), 4);
        const __m256i here =
            _mm256_srlv_epi32(pairs, _mm256_slli_epi32(_mm256_and_si256(place, one), 4));
        // Each gram's bits moved one on: the last are those before the next block.
        const __m256i moved = _mm256_permutevar8x32_epi32(here, one_on);
        const __m256i before = _mm256_blend_epi32(moved, carried, 1);
        carried = moved;
        const __m256i asked = _mm256_or_si256(
            _mm256_and_si256(_mm256_srli_epi32(before, GramMarks::first_shift), second), alone);
        const __m256i passing =
            _mm256_cmpgt_epi32(_mm256_and_si256(here, asked), _mm256_setzero_si256());
        const auto places =
            static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(passing)));
        if (places != 0) {
            walk.before = static_cast<std::uint32_t>(_mm256_extract_epi32(carried, 0));
            return places;
        }
    }
    walk.before = static_cast<std::uint32_t>(_mm256_extract_epi32(carried, 0));
    return 0;
}

#else

std::uint32_t next_marked_by_vectors(GramWalk& walk, const GramMarks& marks) {
    return next_marked(walk, marks);
}

#endif

}  // namespace runnerwatch
