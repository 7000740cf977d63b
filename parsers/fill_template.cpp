#include "parsers/matcher.h"

#include <algorithm>

namespace runnerwatch {

std::string fill_template(std::string_view text, const Values& values) {
    std::string filled;
    while (true) {
        const std::size_t open = text.find("{{");
        const std::size_t close = open == text.npos ? open : text.find("}}", open);
        if (close == text.npos) return filled.append(text);
        const std::string_view name = text.substr(open + 2, close - open - 2);
        const auto value =
            std::lower_bound(values.begin(), values.end(), name,
                             [](const auto& one, std::string_view key) { return one.first < key; });
        if (value == values.end() || value->first != name) {
            // Only the braces are passed: a name may begin inside what looked like one.
            filled.append(text.substr(0, open + 2));
            text.remove_prefix(open + 2);
        } else {
            filled.append(text.substr(0, open)).append(value->second);
            text.remove_prefix(close + 2);
        }
    }
}

std::string fill_command(std::string_view command, const Values& values) {
    Values plain;
    for (const auto& [name, value] : values) {
        const bool word = !value.empty() && value.front() != '-' &&
                          std::all_of(value.begin(), value.end(), [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                     (c >= '0' && c <= '9') ||
                                     std::string_view("-_.:/@%+=,").find(c) != std::string::npos;
                          });
        if (word) plain.emplace(name, value);
    }
    return fill_template(command, plain);
}

}  // namespace runnerwatch
