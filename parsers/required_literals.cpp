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
// `special`: characters that may be written differently.
std::string_view usable_part(std::string_view atom, bool folds, std::string_view special) {
    const auto usable = [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte < 0x7f && special.find(c) == std::string_view::npos &&
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

// What Go's JSON makes of the characters that HTML is made of (encoding/json, HTMLEscape).
std::string escaped(std::string_view atom) {
    std::string text;
    for (const char c : atom)
        text += c == '<'   ? std::string("\\u003c")
                : c == '>' ? "\\u003e"
                : c == '&' ? "\\u0026"
                           : std::string(1, c);
    return text;
}

// Texts of which the raw bytes of a match hold one where the atom stands. Two, as it stands and as
// JSON has it, where what both have in common is short.
std::vector<std::string> parts_of(std::string_view atom, bool folds) {
    const std::string common(usable_part(atom, folds, "\"\\<>&"));
    if (common.size() >= GramFilter::literal_bytes_min) return {common};
    const std::string plain(usable_part(atom, folds, "\"\\"));
    const std::string json(usable_part(escaped(atom), folds, "\"\\"));
    if (std::min(plain.size(), json.size()) <= common.size()) return {common};
    return {plain, json};
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
    std::vector<std::vector<std::string>> parts;
    for (const std::string& atom : atoms) {
        const auto number = static_cast<int>(parts.size());
        parts.push_back(parts_of(atom, folds));
        Choice choice{false, 0, number};
        std::size_t shortest = literal_bytes_max;
        for (const std::string& part : parts.back()) shortest = std::min(shortest, part.size());
        if (shortest < literal_bytes_min) {
            without.push_back(number);
            continue;
        }
        choice.is_short = shortest < GramFilter::literal_bytes_min;
        for (const std::string& part : parts.back()) choice.share += rarest_share(part);
        choices.push_back(choice);
    }
    if (!needs_another()) return {};
    std::sort(choices.rbegin(), choices.rend());
    std::vector<std::string> literals;
    for (const auto& [is_short, share, number] : choices) {
        without.push_back(number);
        if (needs_another()) continue;
        without.pop_back();
        const std::vector<std::string>& some = parts[static_cast<std::size_t>(number)];
        literals.insert(literals.end(), some.begin(), some.end());
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
