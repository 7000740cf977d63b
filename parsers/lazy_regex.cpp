#include "parsers/lazy_regex.h"

#include "parsers/literal_prefix.h"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>

namespace runnerwatch {
namespace {

RE2::Anchor anchor_of(LazyRegex::Place place) {
    return place == LazyRegex::Place::start ? RE2::ANCHOR_START : RE2::UNANCHORED;
}

}  // namespace

LazyRegex::LazyRegex(std::string pattern)
    : pattern_(std::move(pattern)), prefix_(literal_prefix(pattern_)) {}

LazyRegex::~LazyRegex() = default;

const re2::RE2& LazyRegex::re2() const {
    std::call_once(re2_once_, [this] {
        auto regex = std::make_unique<RE2>(pattern_, RE2::Quiet);
        if (!regex->ok()) throw std::invalid_argument(pattern_ + ": " + regex->error());
        re2_ = std::move(regex);
    });
    return *re2_;
}

const std::optional<PatternProgram>& LazyRegex::program() const {
    std::call_once(program_once_, [this] {
        program_ = PatternProgram::made(pattern_);
        if (program_)
            names_ = program_->names();
        else
            names_.assign(re2().CapturingGroupNames().begin(), re2().CapturingGroupNames().end());
    });
    return program_;
}

const std::vector<std::pair<std::size_t, std::string>>& LazyRegex::names() const {
    program();
    return names_;
}

// RE2 takes one pass over the text where a program tries one way after the other, but it takes as
// long as a hundred questions to get ready, and longer to begin than most programs to end: with a
// few dozen steps the program wins. Where it gives up too often its time is lost.
std::optional<bool> LazyRegex::ask_program(std::string_view text, Place place) const {
    constexpr int asked_few = 64, steps_at_first = 512, steps_later = 128;
    constexpr int loss = 8, lost_most = 256;  // answers that make up for one that was not given
    const int asked = asked_.load(std::memory_order_relaxed);
    const int lost = lost_.load(std::memory_order_relaxed);
    if (lost >= lost_most) return std::nullopt;
    const bool at_first = asked < asked_few;
    if (at_first) asked_.store(asked + 1, std::memory_order_relaxed);
    const auto& fast = program();
    if (!fast) return std::nullopt;
    const auto matched = fast->match(text, place == Place::anywhere, nullptr,
                                     at_first ? steps_at_first : steps_later);
    if (!matched)
        lost_.store(lost + loss, std::memory_order_relaxed);
    else if (lost > 0)
        lost_.store(lost - 1, std::memory_order_relaxed);
    return matched;
}

bool LazyRegex::matches(std::string_view text, Place place) const {
    if (place == Place::start && !text.starts_with(prefix_)) return false;
    if (const auto matched = ask_program(text, place)) return *matched;
    return re2().Match(text, 0, text.size(), anchor_of(place), nullptr, 0);
}

void LazyRegex::find_groups(std::string_view text, Place place, std::vector<Group>& groups) const {
    if (const auto& fast = program(); fast && fast->match(text, place == Place::anywhere, &groups))
        return;
    std::vector<re2::StringPiece> pieces(static_cast<std::size_t>(re2().NumberOfCapturingGroups()) +
                                         1);
    re2().Match(text, 0, text.size(), anchor_of(place), pieces.data(),
                static_cast<int>(pieces.size()));
    groups.resize(pieces.size());
    std::transform(pieces.begin(), pieces.end(), groups.begin(), [&](re2::StringPiece piece) {
        Group group;
        if (piece.data() != nullptr)
            group = {static_cast<std::size_t>(piece.data() - text.data()), piece.size()};
        return group;
    });
}

}  // namespace runnerwatch
