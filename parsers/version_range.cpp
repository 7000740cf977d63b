#include "parsers/version_range.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace runnerwatch {
namespace {

constexpr std::size_t numbers_max = 3;
constexpr std::array<std::string_view, 5> signs{">=", "<=", ">", "<", "="};

// Takes "18.10.2" off the front of `text`; empty when it does not begin with a number.
std::vector<int> take_numbers(std::string_view& text) {
    std::vector<int> numbers;
    while (numbers.size() < numbers_max) {
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || number < 0) break;
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const bool more = text.size() > 1 && text[0] == '.' && text[1] >= '0' && text[1] <= '9';
        if (!more || numbers.size() == numbers_max) break;
        text.remove_prefix(1);
    }
    return numbers;
}

}  // namespace

std::optional<VersionRange> VersionRange::parse(std::string_view text) {
    VersionRange range;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(" ,"), text.size()));
        if (text.empty()) return range;
        const auto sign = std::find_if(signs.begin(), signs.end(),
                                       [&](auto known) { return text.starts_with(known); });
        if (sign == signs.end()) return std::nullopt;
        text.remove_prefix(sign->size());
        Comparison comparison{std::string(*sign), take_numbers(text)};
        const bool ends = text.empty() || text[0] == ' ' || text[0] == ',';
        if (comparison.numbers.empty() || !ends) return std::nullopt;
        range.comparisons_.push_back(std::move(comparison));
    }
}

std::optional<bool> VersionRange::contains(std::string_view version) const {
    if (version.starts_with("v")) version.remove_prefix(1);
    std::vector<int> numbers = take_numbers(version);
    if (numbers.empty()) return std::nullopt;
    numbers.resize(numbers_max);
    return std::all_of(comparisons_.begin(), comparisons_.end(), [&](const Comparison& one) {
        const auto compared = static_cast<std::ptrdiff_t>(one.numbers.size());
        const std::vector<int> ours(numbers.begin(), numbers.begin() + compared);
        if (one.sign == ">=") return ours >= one.numbers;
        if (one.sign == "<=") return ours <= one.numbers;
        if (one.sign == ">") return ours > one.numbers;
        if (one.sign == "<") return ours < one.numbers;
        return ours == one.numbers;
    });
}

}  // namespace runnerwatch
