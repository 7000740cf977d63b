#include "parsers/regex_memo.h"

#include <xxhash.h>

#include <cstdint>

namespace runnerwatch {
namespace {

std::uint64_t hash_of(const LazyRegex& regex, std::string_view text) {
    const auto salt = reinterpret_cast<std::uintptr_t>(&regex);
    return XXH3_64bits_withSeed(text.data(), text.size(), salt);
}

}  // namespace

bool RegexMemo::matches(const LazyRegex& regex, std::string_view text, Place place) {
    Slot& known = slot(regex, text, place);
    if (!known.matched) known.matched = regex.matches(text, place);
    return *known.matched;
}

const std::vector<RegexMemo::Group>* RegexMemo::groups(const LazyRegex& regex,
                                                       std::string_view text, Place place) {
    Slot& known = slot(regex, text, place);
    if (!known.matched) known.matched = regex.matches(text, place);
    if (!*known.matched) return nullptr;
    if (known.groups.empty()) regex.find_groups(text, place, known.groups);
    return &known.groups;
}

const std::vector<RegexMemo::Group>& RegexMemo::groups_of_match(const LazyRegex& regex,
                                                                std::string_view text,
                                                                Place place) {
    Slot& known = slot(regex, text, place);
    known.matched = true;
    if (known.groups.empty()) regex.find_groups(text, place, known.groups);
    return known.groups;
}

RegexMemo::Slot& RegexMemo::slot(const LazyRegex& regex, std::string_view text, Place place) {
    if (slots_.empty()) slots_.resize(slots);
    const bool is_short = text.size() <= text_bytes_max;
    const std::uint64_t hash = is_short ? hash_of(regex, text) : 0;
    // What was not met before is in no slot: the memory of it need not even be looked at.
    const bool kept = is_short && met_.again(hash);
    Slot& known = kept ? slots_[hash % slots] : unkept_;
    if (kept && known.hash == hash && known.regex == &regex && known.place == place &&
        known.text == text)
        return known;
    known.regex = &regex;
    known.hash = hash;
    known.place = place;
    known.text = kept ? text : std::string_view();
    known.groups.clear();
    known.matched.reset();
    return known;
}

}  // namespace runnerwatch
