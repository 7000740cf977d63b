#include "parsers/pattern_program.h"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstring>

namespace runnerwatch {
namespace {

using Step = PatternProgram::Step;
using Op = Step::Op;

constexpr std::size_t bytes_of_a_step = 16;  // that are gone through in its time

bool is_word(char c) {
    static constexpr ByteSet word(
        "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return word.has(c);
}

bool is_ascii(std::string_view text) {
    std::uint64_t all = 0;
    std::size_t at = 0;
    for (; at + sizeof all <= text.size(); at += sizeof all) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text.data() + at, sizeof eight);
        all |= eight;
    }
    for (; at < text.size(); ++at) all |= static_cast<unsigned char>(text[at]);
    return (all & 0x8080808080808080u) == 0;
}

}  // namespace

// One question. What was put off is kept on a stack; the way that was begun last is tried first.
class PatternProgram::Run {
public:
    Run(const PatternProgram& program, std::string_view text, bool with_groups)
        : program_(program),
          text_(text),
          with_groups_(with_groups),
          edges_(with_groups ? 2 * program.groups_ : 0, Group::unused) {}

    // From `begin` on; nothing: it would take too long.
    std::optional<bool> from(std::size_t begin, int steps);

    std::size_t edge(std::size_t number) const { return edges_[number]; }

private:
    struct PutOff {
        enum class Kind { go_on, shorter, longer, edge };
        Kind kind;
        std::int32_t step;          // of edge: its number
        std::size_t at, limit = 0;  // of edge: where it was; of a run: its least or longest end
    };
    bool take(const Step& step);
    bool take_run(const Step& step);
    std::size_t run_size(const Step& step, std::size_t most) const;
    bool may_begin(std::int32_t step) const { return may_begin(step, at_); }
    bool may_begin(std::int32_t step, std::size_t at) const;
    bool go_back();
    bool shorten(PutOff& run) const;
    bool lengthen(PutOff& run) const;
    bool holds(Op assertion) const;
    const ByteSet& set(const Step& step) const {
        return program_.sets_[static_cast<std::size_t>(step.at)];
    }

    const PatternProgram& program_;
    std::string_view text_;
    bool with_groups_;
    boost::container::small_vector<std::size_t, 16> edges_;
    boost::container::small_vector<PutOff, 64> put_off_;
    std::int32_t step_ = 0;
    std::size_t at_ = 0;
    int taken_ = 0;
};

std::optional<bool> PatternProgram::Run::from(std::size_t begin, int steps) {
    step_ = 0;
    at_ = begin;
    put_off_.clear();
    while (true) {
        if (taken_++ > steps) return std::nullopt;
        const Step& step = program_.steps_[static_cast<std::size_t>(step_)];
        if (step.op == Op::match) return true;
        if (!take(step) && !go_back()) return false;
    }
}

// Sets where to go on; false: this way fails.
bool PatternProgram::Run::take(const Step& step) {
    switch (step.op) {
        case Op::literal: {
            const auto size = static_cast<std::size_t>(step.count);
            if (text_.size() - at_ < size ||
                std::memcmp(text_.data() + at_, program_.literals_.data() + step.at, size) != 0)
                return false;
            at_ += size;
            break;
        }
        case Op::one_of:
            if (at_ == text_.size() || !set(step).has(text_[at_])) return false;
            ++at_;
            break;
        case Op::run:
            return take_run(step);
        case Op::either: {
            const bool first = may_begin(step_ + step.at);
            if (first && may_begin(step_ + step.count))
                put_off_.push_back({PutOff::Kind::go_on, step_ + step.count, at_});
            step_ += first ? step.at : step.count;
            return true;
        }
        case Op::jump:
            step_ += step.at;
            return true;
        case Op::save: {
            if (!with_groups_) break;
            std::size_t& edge = edges_[static_cast<std::size_t>(step.at)];
            put_off_.push_back({PutOff::Kind::edge, step.at, edge});
            edge = at_;
            break;
        }
        default:
            if (!holds(step.op)) return false;
    }
    ++step_;
    return true;
}

// Whether the byte in hand is one that this step may go on with: of many ways most are told by it.
bool PatternProgram::Run::may_begin(std::int32_t number, std::size_t at) const {
    const Step& step = program_.steps_[static_cast<std::size_t>(number)];
    return step.before_anything ||
           (at < text_.size() ? step.before.has(text_[at]) : step.before_end);
}

// How many of the bytes at at_ a run takes, at most `most`.
std::size_t PatternProgram::Run::run_size(const Step& step, std::size_t most) const {
    if (step.ends_at == Step::ends_nowhere) return most;
    const char* const begin = text_.data() + at_;
    if (step.ends_at != Step::ends_at_many) {
        const void* end = std::memchr(begin, step.ends_at, most);
        return end == nullptr ? most
                              : static_cast<std::size_t>(static_cast<const char*>(end) - begin);
    }
    const ByteSet& bytes = set(step);
    std::size_t size = 0;
    while (size < most && bytes.has(begin[size])) ++size;
    return size;
}

bool PatternProgram::Run::take_run(const Step& step) {
    const std::size_t left = text_.size() - at_;
    const auto least = static_cast<std::size_t>(step.count);
    const std::size_t most = std::min(left, static_cast<std::size_t>(step.max));
    if (most < least) return false;
    const std::size_t size = run_size(step, step.lazy ? least : most);
    if (size < least) return false;
    taken_ += static_cast<int>(size / bytes_of_a_step);
    ++step_;
    if (step.lazy && size < most)
        put_off_.push_back({PutOff::Kind::longer, step_, at_ + size, at_ + most});
    if (!step.lazy && size > least)
        put_off_.push_back({PutOff::Kind::shorter, step_, at_ + size, at_ + least});
    at_ += size;
    return true;
}

// To what was put off last; false: there is nothing.
bool PatternProgram::Run::go_back() {
    while (!put_off_.empty()) {
        PutOff& last = put_off_.back();
        if (last.kind == PutOff::Kind::edge) {
            edges_[static_cast<std::size_t>(last.step)] = last.at;
            put_off_.pop_back();
            continue;
        }
        step_ = last.step;
        const std::size_t before = last.at;
        bool goes_on = true;
        if (last.kind == PutOff::Kind::shorter)
            goes_on = shorten(last);
        else if (last.kind == PutOff::Kind::longer)
            goes_on = lengthen(last);
        at_ = last.at;
        taken_ +=
            static_cast<int>((std::max(before, at_) - std::min(before, at_)) / bytes_of_a_step);
        if (!goes_on || last.kind == PutOff::Kind::go_on || last.at == last.limit)
            put_off_.pop_back();
        if (goes_on) return true;
    }
    return false;
}

// To the next end of a run that the step behind it may go on at; false: there is none.
bool PatternProgram::Run::shorten(PutOff& run) const {
    while (run.at > run.limit)
        if (may_begin(run.step, --run.at)) return true;
    return false;
}

bool PatternProgram::Run::lengthen(PutOff& run) const {
    const ByteSet& bytes = set(program_.steps_[static_cast<std::size_t>(run.step - 1)]);
    while (run.at < run.limit && bytes.has(text_[run.at]))
        if (may_begin(run.step, ++run.at)) return true;
    return false;
}

bool PatternProgram::Run::holds(Op assertion) const {
    if (assertion == Op::begin) return at_ == 0;
    if (assertion == Op::end) return at_ == text_.size();
    const bool before = at_ > 0 && is_word(text_[at_ - 1]);
    const bool behind = at_ < text_.size() && is_word(text_[at_]);
    return (before != behind) == (assertion == Op::word_edge);
}

// The first place at or behind `from` where a match may begin; behind the text's end: there is
// none.
std::size_t PatternProgram::next_begin(std::string_view text, std::size_t from) const {
    const Step& first = steps_[first_];
    if (first.before_anything || from > text.size()) return from;
    if (first.op == Op::literal) {
        const auto literal = std::string_view(literals_).substr(
            static_cast<std::size_t>(first.at), static_cast<std::size_t>(first.count));
        return std::min(text.find(literal, from), text.size() + 1);
    }
    while (from < text.size() && !first.before.has(text[from])) ++from;
    return from < text.size() || first.before_end ? from : from + 1;
}

// A run without a limit that led to no match leads to none from further on in it either: it took
// those bytes, too, and then tried all that is behind them.
std::size_t PatternProgram::behind_failed(std::string_view text, std::size_t begin) const {
    const Step& first = steps_[first_];
    if (first.op != Op::run || first.max != Step::no_max) return begin + 1;
    const ByteSet& bytes = sets_[static_cast<std::size_t>(first.at)];
    while (begin < text.size() && bytes.has(text[begin])) ++begin;
    return begin + 1;
}

std::optional<bool> PatternProgram::match(std::string_view text, bool anywhere,
                                          std::vector<Group>* groups, int steps) const {
    if (text.size() > text_bytes_max || !is_ascii(text)) return std::nullopt;
    Run run(*this, text, groups != nullptr);
    std::size_t begin = anywhere ? next_begin(text, 0) : 0;
    while (begin <= text.size()) {
        const auto matched = run.from(begin, steps);
        if (!matched) return std::nullopt;
        if (*matched) break;
        if (!anywhere || steps_[first_].op == Op::begin) return false;
        begin = next_begin(text, behind_failed(text, begin));
    }
    if (begin > text.size()) return false;
    if (groups == nullptr) return true;
    groups->assign(groups_, Group());
    for (std::size_t i = 0; i < groups_; ++i) {
        const std::size_t from = run.edge(2 * i), to = run.edge(2 * i + 1);
        if (from != Group::unused && to != Group::unused) (*groups)[i] = {from, to - from};
    }
    return true;
}

}  // namespace runnerwatch
