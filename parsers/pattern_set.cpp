#include "parsers/pattern_set.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace runnerwatch {

int PatternSet::add(const std::string& pattern, const std::vector<std::string>& literals) {
    assert(!filter_);
    const int number = static_cast<int>(regexes_.size());
    const auto [known, fresh] = numbers_.emplace(pattern, number);
    if (!fresh) return known->second;
    for (const std::string& literal : literals) literals_[literal].push_back(number);
    if (literals.empty()) slow_.push_back(number);
    regexes_.push_back(std::make_unique<LazyRegex>(pattern));
    return number;
}

void PatternSet::finish() {
    std::vector<std::string> literals;
    for (auto& [literal, patterns] : literals_) {
        literals.push_back(literal);
        patterns_.push_back(std::move(patterns));
    }
    literals_.clear();
    filter_.emplace(literals);
    starts_.emplace(std::move(literals));
}

void PatternSet::candidates(std::string_view text, std::vector<int>& numbers) const {
    std::vector<int> literals;
    filter_->find(text, literals);
    numbers = slow_;
    for (const int literal : literals) {
        const std::vector<int>& patterns = patterns_[static_cast<std::size_t>(literal)];
        numbers.insert(numbers.end(), patterns.begin(), patterns.end());
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

bool PatternSet::any_candidate(std::string_view text) const {
    return !slow_.empty() || filter_->any(text);
}

}  // namespace runnerwatch
