#include "parsers/window_filter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#define RUNNERWATCH_AVX2 __attribute__((target("avx2")))
#endif

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t key_bytes = 3;
constexpr int hash_bits = 12;

std::uint32_t key_at(const char* at) {
    std::uint32_t key = 0;
    for (std::size_t i = 0; i < key_bytes; ++i)
        key = key << 8 | folded(static_cast<unsigned char>(at[i]));
    return key;
}

std::size_t hash(std::uint32_t key) { return key * 0x9e3779b1u >> (32 - hash_bits); }

}  // namespace

WindowFilter::WindowFilter(std::vector<Literal> literals, bool vectors)
    : literals_(std::move(literals)), starts_((1u << hash_bits) + 1), vectors_(vectors) {
    std::vector<std::string> texts;
    for (const Literal& literal : literals_) texts.push_back(literal.text);
    plan_ = plan_windows(texts);
    for (std::size_t i = 0; i < literals_.size(); ++i)
        entries_.push_back({key_at(texts[i].data() + plan_.begins[i]),
                            static_cast<std::uint16_t>(i),
                            static_cast<std::uint16_t>(plan_.begins[i])});
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return hash(a.key) < hash(b.key); });
    for (const Entry& entry : entries_) ++starts_[hash(entry.key) + 1];
    for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];

    masks_.resize(plan_.width * 256);
    for (std::size_t i = 0; i < plan_.width; ++i)
        for (std::size_t byte = 0; byte < 256; ++byte)
            masks_[i * 256 + byte] =
                static_cast<std::uint8_t>(plan_.low[i][byte & 15] & plan_.high[i][byte >> 4]);
}

bool WindowFilter::has_any_of(const char* wanted) const {
    return std::any_of(literals_.begin(), literals_.end(),
                       [&](const Literal& literal) { return wanted[literal.number] != 0; });
}

// Calls `visit` for the literals whose window stands at `at`, until it returns true.
template <class Visit>
bool WindowFilter::look(std::string_view text, std::size_t from, std::size_t at,
                        const Visit& visit) const {
    if (text.size() - at < key_bytes) return false;
    const std::uint32_t key = key_at(text.data() + at);
    const std::size_t slot = hash(key);
    for (std::uint32_t i = starts_[slot]; i < starts_[slot + 1]; ++i) {
        const Entry& entry = entries_[i];
        if (entry.key == key && at - from >= entry.window &&
            literals_[entry.literal].stands_at(text, at - entry.window) &&
            visit(literals_[entry.literal].number))
            return true;
    }
    return false;
}

template <class Visit>
std::size_t WindowFilter::walk_bytes(std::string_view text, std::size_t from,
                                     const Visit& visit) const {
    const std::uint8_t* masks = masks_.data();
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    for (std::size_t at = from; at + key_bytes <= text.size(); ++at) {
        // No literal is shorter than the key, so these bytes are of every window.
        std::uint8_t buckets = masks[byte(at)] & masks[256 + byte(at + 1)];
        if (buckets == 0) continue;
        for (std::size_t i = 2; i < plan_.width && at + i < text.size(); ++i)
            buckets &= masks[i * 256 + byte(at + i)];
        if (buckets != 0 && look(text, from, at, visit)) return at;
    }
    return npos;
}

#if defined(__x86_64__)

// The tables of a plan where the vector unit wants them.
template <std::size_t width>
struct WindowFilter::Tables {
    RUNNERWATCH_AVX2 explicit Tables(const LiteralPlan& plan) {
        for (std::size_t i = 0; i < width; ++i) {
            low[i] = _mm256_broadcastsi128_si256(
                _mm_load_si128(reinterpret_cast<const __m128i*>(plan.low[i].data())));
            high[i] = _mm256_broadcastsi128_si256(
                _mm_load_si128(reinterpret_cast<const __m128i*>(plan.high[i].data())));
        }
    }

    // Bit i: at + i may be the first byte of a window. Reads 31 + width bytes.
    RUNNERWATCH_AVX2 std::uint32_t passing(const char* at) const {
        const __m256i half = _mm256_set1_epi8(15);
        __m256i buckets = _mm256_set1_epi8(-1);
        for (std::size_t i = 0; i < width; ++i) {
            const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + i));
            const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(text, 4), half);
            const __m256i by_low = _mm256_shuffle_epi8(low[i], _mm256_and_si256(text, half));
            const __m256i by_high = _mm256_shuffle_epi8(high[i], upper);
            buckets = _mm256_and_si256(buckets, _mm256_and_si256(by_low, by_high));
        }
        const __m256i none = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
        return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
    }

    __m256i low[width], high[width];
};

template <std::size_t width, class Visit>
RUNNERWATCH_AVX2 std::size_t WindowFilter::walk_vectors(std::string_view text, std::size_t from,
                                                        const Visit& visit) const {
    constexpr std::size_t read = 31 + width;
    const Tables<width> tables(plan_);
    std::size_t at = from;
    for (; at + read <= text.size(); at += 32)
        for (std::uint32_t places = tables.passing(text.data() + at); places != 0;
             places &= places - 1) {
            const std::size_t place = at + static_cast<std::size_t>(__builtin_ctz(places));
            if (look(text, from, place, visit)) return place;
        }
    // Windows may reach past the end where a literal is shorter than they are.
    std::array<char, 2 * read + 32> rest{};
    const std::size_t left = text.size() - at;
    if (left > 0) std::memcpy(rest.data(), text.data() + at, left);
    for (std::size_t begin = 0; begin < left; begin += 32)
        for (std::uint32_t places = tables.passing(rest.data() + begin); places != 0;
             places &= places - 1) {
            const std::size_t place = at + begin + static_cast<std::size_t>(__builtin_ctz(places));
            if (place < text.size() && look(text, from, place, visit)) return place;
        }
    return npos;
}

#endif

template <class Visit>
std::size_t WindowFilter::walk(std::string_view text, std::size_t from, const Visit& visit) const {
    if (entries_.empty() || from >= text.size()) return npos;
#if defined(__x86_64__)
    if (vectors_)
        return plan_.width == 4 ? walk_vectors<4>(text, from, visit)
                                : walk_vectors<5>(text, from, visit);
#endif
    return walk_bytes(text, from, visit);
}

std::size_t WindowFilter::next(std::string_view text, std::size_t from, const char* wanted) const {
    return walk(text, from,
                [&](std::uint16_t literal) { return wanted == nullptr || wanted[literal] != 0; });
}

void WindowFilter::find(std::string_view text, std::vector<int>& found) const {
    walk(text, 0, [&](std::uint16_t literal) {
        found.push_back(literal);
        return false;
    });
}

}  // namespace runnerwatch
