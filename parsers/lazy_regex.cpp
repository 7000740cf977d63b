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

// RE2 takes one pass over the text where a program would try one way after the other, but it takes
// as long as a hundred questions to get ready; most patterns are never asked so many.
bool LazyRegex::matches(std::string_view text, Place place) const {
    if (place == Place::start && !text.starts_with(prefix_)) return false;
    if (asked_.load(std::memory_order_relaxed) < asked_few) {
        asked_.fetch_add(1, std::memory_order_relaxed);
        if (const auto& fast = program())
            if (const auto matched =
                    fast->match(text, place == Place::anywhere, nullptr, steps_few))
                return *matched;
    }
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
