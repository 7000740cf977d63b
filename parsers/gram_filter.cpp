#include "parsers/gram_filter.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t seven = 2 * gram_bytes - 1;
constexpr std::size_t eleven = 3 * gram_bytes - 1;
constexpr int entry_hash_bits = 12;

std::size_t entry_slot(std::uint32_t gram) { return gram_hash(gram) >> (32 - entry_hash_bits); }

// Where in a literal the bytes stand whose grams, or pairs of grams, are rarest.
std::size_t rarest_begin(std::string_view literal) {
    const bool pairs = literal.size() >= eleven;
    const std::size_t looked_at = pairs ? 2 * gram_bytes : gram_bytes;
    std::vector<double> shares;  // by where it begins
    for (std::size_t at = 0; at + looked_at <= literal.size(); ++at)
        shares.push_back(text_share(literal.substr(at, looked_at)));
    std::size_t best = 0;
    double rarest = std::numeric_limits<double>::infinity();
    for (std::size_t begin = 0; begin + (pairs ? eleven : seven) <= literal.size(); ++begin) {
        double share = 0;
        for (std::size_t at = begin; at < begin + gram_bytes; ++at) share += shares[at];
        if (share < rarest) {
            rarest = share;
            best = begin;
        }
    }
    return best;
}

}  // namespace

GramFilter::GramFilter(std::vector<Literal> literals, bool vectors)
    : literals_(std::move(literals)), starts_((1u << entry_hash_bits) + 1), vectors_(vectors) {
    for (std::size_t i = 0; i < literals_.size(); ++i) add_literal(i);
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return entry_slot(a.gram) < entry_slot(b.gram);
    });
    for (const Entry& entry : entries_) ++starts_[entry_slot(entry.gram) + 1];
    for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    marks_ = marks_of(nullptr);
}

void GramFilter::add_literal(std::size_t literal) {
    const std::string& text = literals_[literal].text;
    const std::size_t first = rarest_begin(text);
    for (std::size_t at = first; at < first + gram_bytes; ++at) {
        const int begin = static_cast<int>(at);
        if (at + seven <= text.size())
            add_pair(literal, begin);
        else if (at + 1 >= gram_bytes)
            add_pair(literal, begin - static_cast<int>(gram_bytes));
        else
            entries_.push_back({gram_at(text.data() + at), 0, static_cast<std::uint16_t>(literal),
                                static_cast<std::uint16_t>(at), true});
    }
}

// The eight bytes from `begin` on, of which the first and the last may stand outside of it: there
// any byte will do.
void GramFilter::add_pair(std::size_t literal, int begin) {
    const std::string& text = literals_[literal].text;
    const bool any_first = begin < 0;
    const bool any_last = begin + 8 > static_cast<int>(text.size());
    std::string pair = any_first ? " " : "";
    pair += text.substr(static_cast<std::size_t>(std::max(begin, 0)), 8 - pair.size());
    pair.resize(8, ' ');
    const auto each = [](char& byte, bool any, const auto& add) {
        if (!any) return add();
        for (int value = 0; value < 256; ++value) {
            byte = static_cast<char>(value);
            if ((value & 0x20) != 0) add();  // gram_at() sets it
        }
    };
    const auto number = static_cast<std::uint16_t>(literal);
    const auto second_at = static_cast<std::uint16_t>(begin + static_cast<int>(gram_bytes));
    const std::uint32_t before = any_first ? 0 : gram_at(pair.data());
    each(pair.front(), any_first, [&] { firsts_.push_back({gram_at(pair.data()), number}); });
    each(pair.back(), any_last, [&] {
        entries_.push_back({gram_at(pair.data() + gram_bytes), before, number, second_at, false});
    });
}

GramMarks GramFilter::marks_of(const char* wanted) const {
    GramMarks marks;
    const auto is_wanted = [&](std::uint16_t literal) {
        return wanted == nullptr || wanted[literals_[literal].number] != 0;
    };
    for (const First& first : firsts_)
        if (is_wanted(first.literal)) marks.set_first(first.gram, first.literal);
    for (const Entry& entry : entries_) {
        if (!is_wanted(entry.literal)) continue;
        if (entry.alone)
            marks.set_alone(entry.gram);
        else
            marks.set_second(entry.gram, entry.literal);
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
        if (entry.gram != gram || at - from < entry.begin) continue;
        if (entry.before != 0 && gram_at(text.data() + at - gram_bytes) != entry.before) continue;
        if (literals_[entry.literal].stands_at(text, at - entry.begin) &&
            visit(literals_[entry.literal].number))
            return true;
    }
    return false;
}

template <class Visit>
std::size_t GramFilter::walk(std::string_view text, std::size_t from, std::size_t readable,
                             const GramMarks& marks, const Visit& visit) const {
    constexpr auto npos = std::string_view::npos;
    if (entries_.empty() || from >= text.size()) return npos;
    // A whole last block is looked at faster than the places of half a one.
    const std::size_t blocks = (text.size() - from + gram_block_bytes - 1) / gram_block_bytes;
    const std::size_t rounded = from + blocks * gram_block_bytes;
    const bool whole = rounded - text.size() <= readable;
    GramWalk at{text.data(), from, whole ? rounded : text.size(), 0};
    const auto next_places = vectors_ ? next_marked_by_vectors : next_marked;
    while (std::uint32_t places = next_places(at, marks)) {
        for (; places != 0; places &= places - 1) {
            const std::size_t place =
                at.begin + gram_bytes * static_cast<std::size_t>(__builtin_ctz(places));
            if (place >= text.size()) return npos;
            if (look(text, from, place, gram_at(text.data() + place), visit)) return place;
        }
        at.begin += gram_block_bytes;
    }
    std::size_t place = at.begin;
    for (; place + gram_bytes <= text.size(); place += gram_bytes)
        if (is_marked(at, place, marks) &&
            look(text, from, place, gram_at(text.data() + place), visit))
            return place;
    if (place >= text.size()) return npos;
    // The text may end with a literal of six bytes: what follows may be any, so a blank.
    char last[gram_bytes] = {' ', ' ', ' ', ' '};
    std::copy_n(text.data() + place, text.size() - place, last);
    return look(text, from, place, gram_at(last), visit) ? place : npos;
}

std::size_t GramFilter::next(std::string_view text, std::size_t from, std::size_t readable,
                             const GramMarks& marks, const char* wanted) const {
    return walk(text, from, readable, marks, [wanted](std::uint16_t literal) {
        return wanted == nullptr || wanted[literal] != 0;
    });
}

void GramFilter::find(std::string_view text, std::vector<int>& found) const {
    walk(text, 0, 0, marks_, [&](std::uint16_t literal) {
        found.push_back(literal);
        return false;
    });
}

}  // namespace runnerwatch
