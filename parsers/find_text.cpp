#include "parsers/find_text.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace runnerwatch {

// Where its first and its last byte stand as far apart as in it, sixteen places at a time.
std::size_t find_text(std::string_view text, std::string_view what, std::size_t from) {
#if defined(__SSE2__)
    const std::size_t length = what.size();
    const __m128i first = _mm_set1_epi8(what.front()), last = _mm_set1_epi8(what.back());
    for (; from <= text.size() && text.size() - from >= length + 15; from += 16) {
        const char* at = text.data() + from;
        const __m128i begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + length - 1));
        auto places = static_cast<unsigned>(_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(begins, first), _mm_cmpeq_epi8(ends, last))));
        for (; places != 0; places &= places - 1) {
            const auto place = static_cast<std::size_t>(__builtin_ctz(places));
            if (std::memcmp(at + place, what.data(), length) == 0) return from + place;
        }
    }
#endif
    return text.find(what, from);
}

}  // namespace runnerwatch
