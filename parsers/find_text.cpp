#include "parsers/find_text.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace runnerwatch {

#if defined(__SSE2__)

constexpr std::size_t step = 32;

// Of the sixteen places from `at` on those where the first byte of a text stands and its last one
// as far behind as it should.
static unsigned places(const char* at, std::size_t to_last, __m128i first, __m128i last) {
    const __m128i begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + to_last));
    return static_cast<unsigned>(_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(begins, first), _mm_cmpeq_epi8(ends, last))));
}

std::size_t find_text(std::string_view text, std::string_view what, std::size_t from) {
    const std::size_t to_last = what.size() - 1;
    if (text.size() < from || text.size() - from < step + to_last) return text.find(what, from);
    const __m128i first = _mm_set1_epi8(what.front()), last = _mm_set1_epi8(what.back());
    const std::size_t end = text.size() - step - to_last;  // where the last step begins
    for (;;) {
        const char* at = text.data() + from;
        unsigned found = places(at, to_last, first, last) | places(at + 16, to_last, first, last)
                                                                << 16;
        for (; found != 0; found &= found - 1) {
            const auto place = static_cast<std::size_t>(__builtin_ctz(found));
            if (std::memcmp(at + place, what.data(), what.size()) == 0) return from + place;
        }
        if (from == end) return text.npos;
        from = std::min(from + step, end);
    }
}

#else

std::size_t find_text(std::string_view text, std::string_view what, std::size_t from) {
    return text.find(what, from);
}

#endif

}  // namespace runnerwatch
