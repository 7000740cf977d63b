#include "parsers/raw_filter.h"

#include "parsers/ascii_lower.h"
#include "parsers/line_shape.h"
#include "parsers/line_unwrapper.h"
#include "parsers/ordinary_log.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace runnerwatch {
namespace {

// Numbers, durations and null are written in several ways (record.cpp, readable_number).
bool is_rewritten(std::string_view literal) {
    return literal == "nil" ||
           literal.find_first_not_of("0123456789.+-, []ehmnsu") == std::string_view::npos;
}

bool is_signal(const std::string& field) { return field == "stop-signal" || field == "StopSignal"; }

// Whether the name of a required field stands in the line: all formats write it as it is. Captures
// are no fields, and klog's source has no name.
bool is_written(const std::string& field, const Detect& detect) {
    return field.size() >= LiteralFilter::literal_bytes_min && field != "message" &&
           field != "source" && std::all_of(field.begin(), field.end(), is_key_character) &&
           !captures(detect, field);
}

// Which of two are looked for rather: long ones, then rare ones; none at all are the last choice.
bool better(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    const auto rank = [](const std::vector<std::string>& literals) {
        bool is_short = false;
        double share = 0;
        for (const std::string& literal : literals) {
            is_short = is_short || literal.size() < GramFilter::literal_bytes_min;
            share += rarest_share(literal);
        }
        return std::make_tuple(literals.empty(), is_short, share);
    };
    return rank(a) < rank(b);
}

}  // namespace

std::vector<std::string> literals_of(const Detect& detect, LiteralsOfPatterns& known) {
    std::vector<std::string> best = required_literals(detect.message, known);
    if (std::any_of(detect.capture.begin(), detect.capture.end(),
                    [](const FieldPattern& capture) { return is_signal(capture.field); }))
        return best;
    for (const FieldPattern& require : detect.require) {
        if (is_signal(require.field)) continue;
        std::vector<std::string> literals = required_literals(require.pattern, known);
        if (!std::any_of(literals.begin(), literals.end(), is_rewritten) && better(literals, best))
            best = std::move(literals);
        if (is_written(require.field, detect) && better({ascii_lower(require.field)}, best))
            best = {ascii_lower(require.field)};
    }
    return best;
}

// The first of them are those of lines that hide their text.
RawFilter::Texts RawFilter::number(const std::vector<std::vector<std::string>>& literals) {
    Texts all;
    std::map<std::string, int> numbers;
    const auto number = [&](const std::string& literal) {
        const auto [known, fresh] = numbers.emplace(literal, static_cast<int>(all.texts.size()));
        if (fresh) all.texts.push_back(literal);
        return known->second;
    };
    for (const std::string_view literal : LineUnwrapper::hiding_literals)
        number(std::string(literal));
    for (const auto& some : literals)
        std::transform(some.begin(), some.end(), std::back_inserter(all.patterns.emplace_back()),
                       number);
    return all;
}

RawFilter::RawFilter(const std::vector<std::vector<std::string>>& literals)
    : RawFilter(number(literals)) {}

RawFilter::RawFilter(Texts texts)
    : patterns_(std::move(texts.patterns)), literals_(texts.texts.size()), filter_(texts.texts) {}

RawFilter::Selection RawFilter::select_none() const {
    Selection selection;
    selection.patterns_.resize(patterns_.size());
    selection.uses_.resize(literals_);
    std::fill_n(selection.uses_.begin(), std::size(LineUnwrapper::hiding_literals), 1);
    return selection;
}

RawFilter::Selection RawFilter::select_only(const std::vector<int>& patterns) const {
    Selection selection = select_none();
    std::fill(selection.uses_.begin(), selection.uses_.end(), 0);
    for (const int pattern : patterns) select(selection, static_cast<std::size_t>(pattern), true);
    renew(selection);
    return selection;
}

void RawFilter::select(Selection& selection, std::size_t pattern, bool wanted) const {
    if ((selection.patterns_[pattern] != 0) == wanted) return;
    selection.patterns_[pattern] = wanted ? 1 : 0;
    const int change = wanted ? 1 : -1;
    if (patterns_[pattern].empty()) selection.without_ += change;
    for (const int literal : patterns_[pattern]) {
        int& uses = selection.uses_[static_cast<std::size_t>(literal)];
        const bool before = uses > 0;
        uses += change;
        selection.changed_ = selection.changed_ || before != (uses > 0);
    }
}

void RawFilter::renew(Selection& selection) const {
    std::vector<char> wanted;
    for (const int uses : selection.uses_) wanted.push_back(uses > 0 ? 1 : 0);
    selection.literals_ = filter_.select(std::move(wanted));
    selection.changed_ = false;
}

}  // namespace runnerwatch
