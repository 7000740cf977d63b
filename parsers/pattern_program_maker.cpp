// From the text of a pattern to its program.
#include "parsers/pattern_program.h"
#include "parsers/pattern_steps.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace runnerwatch {
namespace {

using Step = PatternProgram::Step;
using Op = Step::Op;
using Steps = std::vector<Step>;

constexpr std::size_t steps_most = 4'000;
constexpr int repeats_most = 64;
constexpr int depth_most = 50;
constexpr std::size_t ascii = 128;

constexpr std::string_view digits = "0123456789";
constexpr std::string_view blanks = "\t\n\f\r ";
constexpr std::string_view word_bytes =
    "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_punctuation(char c) {
    return c > ' ' && c < '\x7f' && word_bytes.find(c) == std::string_view::npos;
}

std::string all_but(std::string_view bytes) {
    std::string others;
    for (std::size_t i = 0; i < ascii; ++i)
        if (const auto c = static_cast<char>(i); bytes.find(c) == std::string_view::npos)
            others += c;
    return others;
}

// The bytes of \d, \S and the like; empty: the letter stands for none.
std::string class_of(char letter) {
    switch (letter) {
        case 'd':
            return std::string(digits);
        case 'D':
            return all_but(digits);
        case 's':
            return std::string(blanks);
        case 'S':
            return all_but(blanks);
        case 'w':
            return std::string(word_bytes);
        case 'W':
            return all_but(word_bytes);
        default:
            return {};
    }
}

}  // namespace

// Reads RE2's syntax from left to right; `good_` falls where it holds something that is not known.
class PatternProgramMaker {
public:
    explicit PatternProgramMaker(std::string_view pattern) : rest_(pattern) {}

    std::optional<PatternProgram> make() {
        Part all = choice(0);
        if (!good_ || !rest_.empty()) return std::nullopt;
        Steps& steps = program_.steps_;
        add(steps, {Op::save, false, 0, 0, 0});
        append(steps, all.steps);
        add(steps, {Op::save, false, 1, 0, 0});
        add(steps, {Op::match, false, 0, 0, 0});
        join_literals(steps, program_.literals_);
        if (steps.size() > steps_most) return std::nullopt;
        while (steps[program_.first_].op == Op::save) ++program_.first_;
        look_ahead(steps, program_.sets_, program_.literals_);
        return std::move(program_);
    }

private:
    struct Part {
        Steps steps;
        bool may_be_empty = true;
    };

    Part choice(int depth);
    Part sequence(int depth);
    Part atom(int depth);
    Part group(int depth);
    Part repeated(Part part);
    std::optional<std::pair<std::int32_t, std::int32_t>> counts();
    Part escaped();
    Part bytes_in_brackets();
    void add_in_brackets(std::string& bytes);
    char escaped_byte(char letter);
    Part one_of(std::string bytes);
    Part byte(char c);
    bool flags();

    static void add(Steps& steps, Step step) { steps.push_back(step); }
    void append(Steps& steps, const Steps& more) {
        if (steps.size() + more.size() > steps_most) good_ = false;
        if (good_) steps.insert(steps.end(), more.begin(), more.end());
    }
    static Part assertion(Op op) { return {{{op, false, 0, 0, 0}}, true}; }
    Part unknown() {
        good_ = false;
        return {};
    }
    bool take(std::string_view text) {
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }

    std::string_view rest_;
    bool good_ = true;
    bool fold_ = false, dot_takes_newline_ = false;
    PatternProgram program_;
};

PatternProgramMaker::Part PatternProgramMaker::choice(int depth) {
    if (depth > depth_most) return unknown();
    Part all = sequence(depth);
    while (good_ && take("|")) {
        // Of three and more the first of the rest is chosen among the rest.
        Part rest = choice(depth + 1);
        const auto first = static_cast<std::int32_t>(all.steps.size());
        const auto second = static_cast<std::int32_t>(rest.steps.size());
        Steps steps{{Op::either, false, 1, first + 2, 0}};
        append(steps, all.steps);
        add(steps, {Op::jump, false, second + 1, 0, 0});
        append(steps, rest.steps);
        all = {std::move(steps), all.may_be_empty || rest.may_be_empty};
    }
    return all;
}

PatternProgramMaker::Part PatternProgramMaker::sequence(int depth) {
    Part all;
    while (good_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
        Part part = repeated(atom(depth));
        append(all.steps, part.steps);
        all.may_be_empty = all.may_be_empty && part.may_be_empty;
    }
    return all;
}

PatternProgramMaker::Part PatternProgramMaker::atom(int depth) {
    const char c = rest_.front();
    if (static_cast<unsigned char>(c) >= ascii) return unknown();
    if (c == '(') return group(depth);
    if (c == '[') return bytes_in_brackets();
    if (c == '\\') return escaped();
    rest_.remove_prefix(1);
    switch (c) {
        case '^':
            return assertion(Op::begin);
        case '$':
            return assertion(Op::end);
        case '.':
            return one_of(all_but(dot_takes_newline_ ? "" : "\n"));
        case '*':
        case '+':
        case '?':
        case '{':
            return unknown();
        default:
            return byte(c);
    }
}

PatternProgramMaker::Part PatternProgramMaker::group(int depth) {
    take("(");
    const bool fold = fold_, dot_takes_newline = dot_takes_newline_;
    std::int32_t number = 0;
    if (take("?P<")) {
        const std::size_t end = rest_.find('>');
        if (end == std::string_view::npos) return unknown();
        program_.names_.emplace_back(program_.groups_, rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        number = static_cast<std::int32_t>(program_.groups_++);
    } else if (take("?")) {
        if (!flags()) return unknown();
        if (take(")")) return {};  // for the rest of the group around it
        if (!take(":")) return unknown();
    } else {
        number = static_cast<std::int32_t>(program_.groups_++);
    }
    Part inner = choice(depth + 1);
    if (!take(")")) return unknown();
    fold_ = fold;
    dot_takes_newline_ = dot_takes_newline;
    if (number == 0) return inner;
    Part saved{{{Op::save, false, 2 * number, 0, 0}}, inner.may_be_empty};
    append(saved.steps, inner.steps);
    add(saved.steps, {Op::save, false, 2 * number + 1, 0, 0});
    return saved;
}

// Those before ":" or ")".
bool PatternProgramMaker::flags() {
    for (; !rest_.empty() && rest_.front() != ':' && rest_.front() != ')'; rest_.remove_prefix(1)) {
        if (rest_.front() == 'i')
            fold_ = true;
        else if (rest_.front() == 's')
            dot_takes_newline_ = true;
        else
            return false;
    }
    return true;
}

// Least and most; nothing: no repetition stands here.
std::optional<std::pair<std::int32_t, std::int32_t>> PatternProgramMaker::counts() {
    if (take("*")) return std::pair(0, Step::no_max);
    if (take("+")) return std::pair(1, Step::no_max);
    if (take("?")) return std::pair(0, 1);
    if (!take("{")) return std::nullopt;
    const auto number = [this] {
        std::int32_t value = -1;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc() || value < 0 || value > repeats_most) return -1;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    };
    const std::int32_t least = number();
    std::int32_t most = least;
    if (take(",")) most = rest_.starts_with('}') ? Step::no_max : number();
    if (least < 0 || most < std::max(least, 1) || !take("}")) good_ = false;
    return std::pair(least, most);
}

PatternProgramMaker::Part PatternProgramMaker::repeated(Part part) {
    const auto count = counts();
    if (!count || !good_) return part;
    const auto [least, most] = *count;
    const bool lazy = take("?");
    // What RE2 makes of repeated repetitions, and of parts that may be empty, is its own affair.
    if (part.may_be_empty ||
        (!rest_.empty() && std::string_view("*+?{").find(rest_.front()) != std::string_view::npos))
        return unknown();
    const bool empty = least == 0;
    if (part.steps.size() == 1 && part.steps.front().op == Op::one_of)
        return {{{Op::run, lazy, part.steps.front().at, least, most}}, empty};
    Steps all;
    for (std::int32_t i = 0; i < least; ++i) append(all, part.steps);
    const auto size = static_cast<std::int32_t>(part.steps.size());
    const auto either = [&](std::int32_t past) {
        add(all, lazy ? Step{Op::either, false, past, 1, 0} : Step{Op::either, false, 1, past, 0});
    };
    if (most == Step::no_max) {
        either(size + 2);
        append(all, part.steps);
        add(all, {Op::jump, false, -(size + 1), 0, 0});
    } else {
        // Each further one only behind the one before it.
        for (std::int32_t i = least; i < most; ++i) {
            either((most - i) * (size + 1));
            append(all, part.steps);
        }
    }
    return {std::move(all), empty};
}

PatternProgramMaker::Part PatternProgramMaker::byte(char c) {
    if (fold_ && is_letter(c)) return one_of(std::string(1, c));
    const auto at = static_cast<std::int32_t>(program_.literals_.size());
    program_.literals_ += c;
    return {{{Op::literal, false, at, 1, 0}}, false};
}

PatternProgramMaker::Part PatternProgramMaker::one_of(std::string bytes) {
    if (fold_) {
        std::string folded;
        for (const char c : bytes)
            if (is_letter(c)) folded += static_cast<char>(c ^ 0x20);
        bytes += folded;
    }
    const auto at = static_cast<std::int32_t>(program_.sets_.size());
    program_.sets_.emplace_back(bytes);
    return {{{Op::one_of, false, at, 0, 0}}, false};
}

// What \n and the like stand for; '\0': the letter stands for none.
char PatternProgramMaker::escaped_byte(char letter) {
    static constexpr std::pair<char, char> bytes[] = {
        {'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'f', '\f'}};
    for (const auto& [name, byte] : bytes)
        if (letter == name) return byte;
    return is_punctuation(letter) ? letter : '\0';
}

PatternProgramMaker::Part PatternProgramMaker::escaped() {
    if (rest_.size() < 2) return unknown();
    const char letter = rest_[1];
    rest_.remove_prefix(2);
    if (letter == 'b') return assertion(Op::word_edge);
    if (letter == 'B') return assertion(Op::no_word_edge);
    if (std::string bytes = class_of(letter); !bytes.empty()) return one_of(std::move(bytes));
    const char c = escaped_byte(letter);
    return c == '\0' ? unknown() : byte(c);
}

PatternProgramMaker::Part PatternProgramMaker::bytes_in_brackets() {
    take("[");
    const bool others = take("^");
    std::string bytes;
    bool first = true;
    for (; good_ && !rest_.empty() && (first || rest_.front() != ']'); first = false)
        add_in_brackets(bytes);
    if (!take("]")) return unknown();
    if (!others) return one_of(std::move(bytes));
    if (fold_) return unknown();
    return one_of(all_but(bytes));
}

// A byte, a range of them or a class.
void PatternProgramMaker::add_in_brackets(std::string& bytes) {
    const auto one = [this]() -> char {
        if (rest_.empty()) return '\0';
        char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '\\' && !rest_.empty()) {
            c = escaped_byte(rest_.front());
            rest_.remove_prefix(1);
        } else if (c == '[' && rest_.starts_with(':')) {
            return '\0';
        }
        return static_cast<unsigned char>(c) < ascii ? c : '\0';
    };
    if (rest_.size() > 1 && rest_.front() == '\\')
        if (const std::string some = class_of(rest_[1]); !some.empty()) {
            bytes += some;
            rest_.remove_prefix(2);
            return;
        }
    const char from = one();
    char to = from;
    if (rest_.size() > 1 && rest_.front() == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        to = one();
    }
    if (from == '\0' || to < from) {
        good_ = false;
        return;
    }
    for (int c = from; c <= to; ++c) bytes += static_cast<char>(c);
}

std::optional<PatternProgram> PatternProgram::made(std::string_view pattern) {
    return PatternProgramMaker(pattern).make();
}

}  // namespace runnerwatch
