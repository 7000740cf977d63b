#pragma once

#include "parsers/lazy_regex.h"
#include "parsers/literal_filter.h"
#include "parsers/literal_starts.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// The patterns that a pack's rules have for messages, each with a number, and the literals by
// which those that could match a record are found.
//
// Filled by add() and finish(), immutable after that. A pattern without literals is a candidate
// on every record.
class PatternSet {
public:
    // The number of a pattern, from 0; the same for the same text. `literals`: its
    // required_literals.
    int add(const std::string& pattern, const std::vector<std::string>& literals);
    void finish();

    std::size_t size() const { return regexes_.size(); }
    const LazyRegex& regex(int number) const { return *regexes_[static_cast<std::size_t>(number)]; }

    // Sets `numbers` to the patterns that could match given the literals in `text`, which may be
    // raw bytes or a decoded message; ascending, each once.
    void candidates(std::string_view text, std::vector<int>& numbers) const;

    // Whether there is any.
    bool any_candidate(std::string_view text) const;

    // By how the literals begin.
    const LiteralStarts& starts() const { return *starts_; }

    // Patterns without literals.
    const std::vector<int>& slow() const { return slow_; }

private:
    std::map<std::string, int> numbers_;
    std::vector<std::unique_ptr<LazyRegex>> regexes_;
    std::vector<int> slow_;
    std::map<std::string, std::vector<int>> literals_;  // until finish()
    std::vector<std::vector<int>> patterns_;            // number of a literal -> patterns
    std::optional<LiteralFilter> filter_;
    std::optional<LiteralStarts> starts_;
};

}  // namespace runnerwatch
