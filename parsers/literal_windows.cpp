#include "parsers/literal_windows.h"

#include "parsers/ordinary_log.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace runnerwatch {
namespace {

// Measured: more bytes let less pass, but cost time on every byte.
constexpr std::size_t few_literals = 8;
constexpr std::size_t width_of_few = 4;
constexpr int rounds = 3;
constexpr std::uint16_t any_half = 0xffff;

// How likely a byte has both one of these low and one of these high halves.
double share_of(std::uint16_t low, std::uint16_t high) {
    struct Shares {
        double of[16][16];  // high, low
        Shares() : of() {
            for (unsigned byte = 0; byte < 256; ++byte)
                of[byte >> 4][byte & 15] = byte_share(static_cast<unsigned char>(byte));
        }
    };
    static const Shares shares;
    if (low == any_half && high == any_half) return 1;
    double sum = 0;
    for (unsigned h = 0; h < 16; ++h)
        if (high >> h & 1)
            for (unsigned l = 0; l < 16; ++l)
                if (low >> l & 1) sum += shares.of[h][l];
    return sum;
}

// The halves that occur at each byte of some windows.
struct Halves {
    std::array<std::uint16_t, LiteralPlan::width_max> low{}, high{};

    void add(const Halves& other) {
        for (std::size_t i = 0; i < low.size(); ++i) {
            low[i] = static_cast<std::uint16_t>(low[i] | other.low[i]);
            high[i] = static_cast<std::uint16_t>(high[i] | other.high[i]);
        }
    }
    // The share of places in an ordinary log that pass.
    double passing(std::size_t width) const {
        double share = 1;
        for (std::size_t i = 0; i < width; ++i) share *= share_of(low[i], high[i]);
        return share;
    }
};

Halves halves_of(std::string_view window, std::size_t width) {
    Halves halves;
    for (std::size_t i = 0; i < width; ++i) {
        if (i >= window.size()) {
            halves.low[i] = halves.high[i] = any_half;
            continue;
        }
        const auto add = [&](unsigned byte) {
            halves.low[i] = static_cast<std::uint16_t>(halves.low[i] | 1u << (byte & 15));
            halves.high[i] = static_cast<std::uint16_t>(halves.high[i] | 1u << (byte >> 4));
        };
        const auto byte = static_cast<unsigned char>(window[i]);
        add(byte);
        if (byte >= 'a' && byte <= 'z') add(byte - 'a' + unsigned{'A'});
    }
    return halves;
}

std::size_t rarest_window(std::string_view literal, std::size_t width) {
    if (literal.size() <= width) return 0;
    std::size_t best = 0;
    double rarest = std::numeric_limits<double>::infinity();
    for (std::size_t begin = 0; begin + width <= literal.size(); ++begin) {
        double share = 1;
        for (std::size_t at = begin; at + 4 <= begin + width; ++at)
            share = std::min(share, text_share(literal.substr(at, 4)));
        if (share < rarest) {
            rarest = share;
            best = begin;
        }
    }
    return best;
}

// Each window goes where it lets the least more pass; then, as the buckets have taken shape, each
// is asked again.
std::vector<int> fill_buckets(const std::vector<Halves>& windows, std::size_t width) {
    std::vector<int> bucket_of(windows.size(), -1);
    std::array<Halves, LiteralPlan::buckets> halves;
    std::array<double, LiteralPlan::buckets> passing{};
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t window = 0; window < windows.size(); ++window) {
            if (const int old = bucket_of[window]; old >= 0) {
                Halves rest;
                bucket_of[window] = -1;
                for (std::size_t other = 0; other < windows.size(); ++other)
                    if (bucket_of[other] == old) rest.add(windows[other]);
                halves[static_cast<std::size_t>(old)] = rest;
                passing[static_cast<std::size_t>(old)] = rest.passing(width);
            }
            double least = std::numeric_limits<double>::infinity();
            std::size_t best = 0;
            for (std::size_t bucket = 0; bucket < halves.size(); ++bucket) {
                Halves joined = halves[bucket];
                joined.add(windows[window]);
                const double more = joined.passing(width) - passing[bucket];
                if (more < least) {
                    least = more;
                    best = bucket;
                }
            }
            bucket_of[window] = static_cast<int>(best);
            halves[best].add(windows[window]);
            passing[best] = halves[best].passing(width);
        }
    }
    return bucket_of;
}

}  // namespace

LiteralPlan plan_windows(const std::vector<std::string>& literals) {
    LiteralPlan plan;
    plan.width = literals.size() <= few_literals ? width_of_few : LiteralPlan::width_max;
    std::vector<Halves> halves;
    for (const std::string& literal : literals) {
        const std::size_t begin = rarest_window(literal, plan.width);
        plan.begins.push_back(begin);
        halves.push_back(
            halves_of(std::string_view(literal).substr(begin, plan.width), plan.width));
    }
    const std::vector<int> buckets = fill_buckets(halves, plan.width);
    for (std::size_t literal = 0; literal < literals.size(); ++literal) {
        const auto bit = static_cast<std::uint8_t>(1u << buckets[literal]);
        for (std::size_t i = 0; i < plan.width; ++i)
            for (unsigned half = 0; half < 16; ++half) {
                if (halves[literal].low[i] >> half & 1) plan.low[i][half] |= bit;
                if (halves[literal].high[i] >> half & 1) plan.high[i][half] |= bit;
            }
    }
    return plan;
}

}  // namespace runnerwatch
