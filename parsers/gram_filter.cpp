#include "parsers/gram_filter.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t gram_bytes = 4;
constexpr std::size_t seven = 2 * gram_bytes - 1;
constexpr int mark_hash_bits = 17;  // 16 KiB: they stay in the processor's first cache
constexpr int entry_hash_bits = 12;

// The bit that makes ASCII letters lower case, set in every byte. Other bytes are confused by it
// too, which costs a comparison and no more.
std::uint32_t gram_at(const char* at) {
    std::uint32_t gram = 0;
    std::memcpy(&gram, at, sizeof gram);
    return gram | 0x20202020u;
}

std::uint32_t hash(std::uint32_t gram) { return gram * 0x9e3779b1u; }
std::size_t entry_slot(std::uint32_t gram) { return hash(gram) >> (32 - entry_hash_bits); }

// Where in a literal the seven bytes stand whose grams are rarest.
std::size_t rarest_begin(std::string_view literal) {
    std::size_t best = 0;
    double rarest = std::numeric_limits<double>::infinity();
    for (std::size_t begin = 0; begin + seven <= literal.size(); ++begin) {
        double share = 0;
        for (std::size_t i = 0; i < gram_bytes; ++i)
            share += text_share(literal.substr(begin + i, gram_bytes));
        if (share < rarest) {
            rarest = share;
            best = begin;
        }
    }
    return best;
}

}  // namespace

GramFilter::GramFilter(std::vector<Literal> literals)
    : literals_(std::move(literals)), starts_((1u << entry_hash_bits) + 1) {
    for (std::size_t i = 0; i < literals_.size(); ++i) {
        const std::size_t first = rarest_begin(literals_[i].text);
        for (std::size_t begin = first; begin < first + gram_bytes; ++begin) {
            std::string gram = literals_[i].text.substr(begin, gram_bytes);
            const bool whole = gram.size() == gram_bytes;
            gram.resize(gram_bytes);
            for (int last = 0; last < (whole ? 1 : 256); ++last) {
                if (!whole) gram.back() = static_cast<char>(last);
                if (!whole && (last & 0x20) == 0) continue;  // gram_at() sets it
                entries_.push_back({gram_at(gram.data()), static_cast<std::uint16_t>(i),
                                    static_cast<std::uint16_t>(begin)});
            }
        }
    }
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return entry_slot(a.gram) < entry_slot(b.gram);
    });
    for (const Entry& entry : entries_) ++starts_[entry_slot(entry.gram) + 1];
    for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    marks_ = marks_of(nullptr);
}

GramFilter::Marks GramFilter::marks_of(const char* wanted) const {
    Marks marks((1u << mark_hash_bits) / 32);
    for (const Entry& entry : entries_) {
        if (wanted != nullptr && wanted[literals_[entry.literal].number] == 0) continue;
        const std::uint32_t bit = hash(entry.gram) >> (32 - mark_hash_bits);
        marks[bit / 32] |= 1u << bit % 32;
    }
    return marks;
}

// Calls `visit` for the literals of which this gram stands at `at`, until it returns true.
template <class Visit>
bool GramFilter::look(std::string_view text, std::size_t from, std::size_t at, std::uint32_t gram,
                      const Visit& visit) const {
    const std::size_t slot = entry_slot(gram);
    for (std::uint32_t i = starts_[slot]; i < starts_[slot + 1]; ++i) {
        const Entry& entry = entries_[i];
        if (entry.gram == gram && at - from >= entry.begin &&
            literals_[entry.literal].stands_at(text, at - entry.begin) &&
            visit(literals_[entry.literal].number))
            return true;
    }
    return false;
}

template <class Visit>
std::size_t GramFilter::walk(std::string_view text, std::size_t from, const Marks& marks,
                             const Visit& visit) const {
    if (entries_.empty() || from >= text.size()) return std::string_view::npos;
    constexpr std::size_t step = 8 * gram_bytes;
    const std::uint32_t* marked = marks.data();
    const auto passes = [marked](const char* at) {
        const std::uint32_t bit = hash(gram_at(at)) >> (32 - mark_hash_bits);
        return marked[bit / 32] >> bit % 32 & 1;
    };
    const auto stands = [&](std::size_t at) {
        return passes(text.data() + at) != 0 &&
               look(text, from, at, gram_at(text.data() + at), visit);
    };
    std::size_t at = from;
    for (; at + step <= text.size(); at += step) {
        const char* bytes = text.data() + at;
        std::uint32_t places = passes(bytes) | passes(bytes + 4) << 1 | passes(bytes + 8) << 2 |
                               passes(bytes + 12) << 3 | passes(bytes + 16) << 4 |
                               passes(bytes + 20) << 5 | passes(bytes + 24) << 6 |
                               passes(bytes + 28) << 7;
        for (; places != 0; places &= places - 1) {
            const std::size_t place =
                at + gram_bytes * static_cast<std::size_t>(__builtin_ctz(places));
            if (look(text, from, place, gram_at(text.data() + place), visit)) return place;
        }
    }
    for (; at + gram_bytes <= text.size(); at += gram_bytes)
        if (stands(at)) return at;
    // The text may end with a literal of six bytes: what follows may be any, so a blank.
    char last[gram_bytes] = {' ', ' ', ' ', ' '};
    std::copy_n(text.data() + at, text.size() - at, last);
    return at < text.size() && look(text, from, at, gram_at(last), visit) ? at
                                                                          : std::string_view::npos;
}

std::size_t GramFilter::next(std::string_view text, std::size_t from, const Marks& marks,
                             const char* wanted) const {
    return walk(text, from, marks, [wanted](std::uint16_t literal) {
        return wanted == nullptr || wanted[literal] != 0;
    });
}

void GramFilter::find(std::string_view text, std::vector<int>& found) const {
    walk(text, 0, marks_, [&](std::uint16_t literal) {
        found.push_back(literal);
        return false;
    });
}

}  // namespace runnerwatch
