#include "parsers/required_literals.h"

#include "parsers/gram_filter.h"
#include "parsers/ordinary_log.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t literal_bytes_min = 3;
// A longer one finds nothing more, and takes longer to compare.
constexpr std::size_t literal_bytes_max = 64;

// RE2 gives its literals in lower case, folding all of Unicode; in raw bytes only ASCII is folded.
// A pattern that may mean the long s or the Kelvin sign cannot be looked for by "s" and "k".
bool folds_beyond_ascii(const std::string& pattern) {
    static const RE2 ignores_case(R"(\(\?[a-zA-Z]*i)");
    const bool ascii =
        std::all_of(pattern.begin(), pattern.end(), [](char c) { return (c & 0x80) == 0; });
    return !ascii || pattern.find("\\x") != std::string::npos ||
           pattern.find("\\p") != std::string::npos || RE2::PartialMatch(pattern, ignores_case);
}

// The longest part of `atom` that stands unchanged in the raw bytes of a match; may be empty.
std::string_view usable_part(std::string_view atom, bool folds) {
    const auto usable = [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte < 0x7f &&
               std::string_view("\"\\<>&").find(c) == std::string_view::npos &&
               !(folds && (c == 'k' || c == 's'));
    };
    std::string_view longest;
    while (!atom.empty()) {
        const auto end = std::find_if_not(atom.begin(), atom.end(), usable);
        const auto part = atom.substr(0, static_cast<std::size_t>(end - atom.begin()));
        if (part.size() > longest.size()) longest = part;
        atom.remove_prefix(std::min(part.size() + 1, atom.size()));
    }
    return longest.substr(0, literal_bytes_max);
}

}  // namespace

std::vector<std::string> required_literals(const std::string& pattern) {
    re2::FilteredRE2 filter(static_cast<int>(literal_bytes_min));
    int id = 0;
    if (filter.Add(pattern, RE2::Quiet, &id) != RE2::NoError)
        throw std::invalid_argument(pattern + ": " + RE2(pattern, RE2::Quiet).error());
    std::vector<std::string> atoms;
    filter.Compile(&atoms);

    // A pattern may match by the atoms in `without` alone: then they cannot be left out.
    std::vector<int> without, potential;
    const auto needs_another = [&] {
        filter.AllPotentials(without, &potential);
        return potential.empty();
    };
    const bool folds = folds_beyond_ascii(pattern);
    struct Choice {
        bool is_short;
        double share;
        int number;
        auto operator<=>(const Choice&) const = default;
    };
    std::vector<Choice> choices;
    std::vector<std::string> parts;
    for (const std::string& atom : atoms) {
        parts.emplace_back(usable_part(atom, folds));
        const int number = static_cast<int>(parts.size()) - 1;
        if (parts.back().size() < literal_bytes_min)
            without.push_back(number);
        else
            choices.push_back({parts.back().size() < GramFilter::literal_bytes_min,
                               rarest_share(parts.back()), number});
    }
    if (!needs_another()) return {};
    std::sort(choices.rbegin(), choices.rend());
    std::vector<std::string> literals;
    for (const auto& [is_short, share, number] : choices) {
        without.push_back(number);
        if (needs_another()) continue;
        without.pop_back();
        literals.push_back(parts[static_cast<std::size_t>(number)]);
    }
    std::sort(literals.begin(), literals.end());
    literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
    return literals;
}

const std::vector<std::string>& required_literals(const std::string& pattern,
                                                  LiteralsOfPatterns& known) {
    const auto [found, fresh] = known.try_emplace(pattern);
    if (fresh) found->second = required_literals(pattern);
    return found->second;
}

}  // namespace runnerwatch
