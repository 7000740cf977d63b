#include "parsers/literal_filter.h"

#include "parsers/processor.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

namespace runnerwatch {
LiteralFilter::Split LiteralFilter::split(const std::vector<std::string>& literals) {
    if (literals.size() > literals_max) throw std::invalid_argument("too many literals");
    Split split;
    for (std::size_t i = 0; i < literals.size(); ++i) {
        Literal literal{literals[i], static_cast<std::uint16_t>(i)};
        split.longest = std::max(split.longest, literal.text.size());
        assert(literal.text.size() >= literal_bytes_min && literal.text.size() <= UINT16_MAX);
        for (char& c : literal.text) c = static_cast<char>(folded(static_cast<unsigned char>(c)));
        const bool is_long = literal.text.size() >= GramFilter::literal_bytes_min;
        (is_long ? split.grams : split.windows).push_back(std::move(literal));
    }
    return split;
}

LiteralFilter::LiteralFilter(const std::vector<std::string>& literals, Way way)
    : LiteralFilter(split(literals), way) {}

LiteralFilter::LiteralFilter(Split literals, Way way)
    : longest_(literals.longest),
      grams_(std::move(literals.grams), way == Way::fastest && has_avx2()),
      windows_(std::move(literals.windows), way == Way::fastest && has_avx2()) {}

LiteralFilter::Selection LiteralFilter::select(std::vector<char> wanted) const {
    Selection some;
    some.marks = grams_.marks_of(wanted.data());
    some.windows = windows_.has_any_of(wanted.data());
    some.wanted = std::move(wanted);
    return some;
}

std::size_t LiteralFilter::next(std::string_view text, std::size_t from, std::size_t readable,
                                const GramMarks& marks, const char* wanted) const {
    const std::size_t by_gram = grams_.next(text, from, readable, marks, wanted);
    if (windows_.empty()) return by_gram;
    // What both would find behind it is not looked for twice.
    const std::size_t end = by_gram == npos ? text.size() : by_gram + longest_;
    return std::min(by_gram, windows_.next(text.substr(0, end), from, wanted));
}

void LiteralFilter::find(std::string_view text, std::vector<int>& found) const {
    found.clear();
    grams_.find(text, found);
    windows_.find(text, found);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
}

}  // namespace runnerwatch
