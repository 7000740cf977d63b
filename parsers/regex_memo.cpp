#include "parsers/regex_memo.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>

namespace runnerwatch {
namespace {

std::uint64_t hash_of(const RE2& regex, std::string_view text) {
    const auto salt = reinterpret_cast<std::uintptr_t>(&regex);
    return XXH3_64bits_withSeed(text.data(), text.size(), salt);
}

void find_groups(const RE2& regex, std::string_view text, RE2::Anchor anchor,
                 std::vector<RegexMemo::Group>& groups) {
    std::vector<re2::StringPiece> pieces(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                         1);
    regex.Match(text, 0, text.size(), anchor, pieces.data(), static_cast<int>(pieces.size()));
    groups.resize(pieces.size());
    std::transform(pieces.begin(), pieces.end(), groups.begin(), [&](re2::StringPiece piece) {
        RegexMemo::Group group;
        if (piece.data() != nullptr)
            group = {static_cast<std::size_t>(piece.data() - text.data()), piece.size()};
        return group;
    });
}

}  // namespace

bool RegexMemo::matches(const RE2& regex, std::string_view text, RE2::Anchor anchor) {
    return slot(regex, text, anchor, false).matched;
}

const std::vector<RegexMemo::Group>* RegexMemo::groups(const RE2& regex, std::string_view text,
                                                       RE2::Anchor anchor, bool matches) {
    Slot& known = slot(regex, text, anchor, matches);
    if (!known.matched) return nullptr;
    if (known.groups.empty()) find_groups(regex, text, anchor, known.groups);
    return &known.groups;
}

// Whether there is a match is asked without groups: that takes RE2 one pass over the text by its
// automaton, where with groups it would try one way after the other.
RegexMemo::Slot& RegexMemo::slot(const RE2& regex, std::string_view text, RE2::Anchor anchor,
                                 bool matches) {
    const bool kept = text.size() <= text_bytes_max;
    if (kept && slots_.empty()) slots_.resize(slots);
    const std::uint64_t hash = kept ? hash_of(regex, text) : 0;
    Slot& known = kept ? slots_[hash % slots] : beyond_;
    if (kept && known.hash == hash && known.regex == &regex && known.anchor == anchor &&
        known.text == text)
        return known;
    known.regex = &regex;
    known.hash = hash;
    known.anchor = anchor;
    known.text = kept ? text : std::string_view();
    known.groups.clear();
    known.matched = matches || regex.Match(text, 0, text.size(), anchor, nullptr, 0);
    return known;
}

}  // namespace runnerwatch
