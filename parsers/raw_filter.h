#pragma once

#include "parsers/literal_filter.h"
#include "parsers/required_literals.h"
#include "parsers/rule.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Texts of which every raw record that this way of detection takes holds one: those of its message
// or of a field it requires, whichever are rarer in ordinary logs. Empty: there are none. `known`:
// as of required_literals.
std::vector<std::string> literals_of(const Detect& detect, LiteralsOfPatterns& known);

// Finds in raw bytes the next line that some pattern may take, so that those before it need not be
// read at all.
//
// Patterns are known by number; each can be looked for or not, as what was found so far asks
// (recovery lines matter only while something waits for them). Lines that hide what was written
// (LineUnwrapper::may_hide) are found always. Immutable after construction; may be shared between
// threads.
class RawFilter {
public:
    static constexpr std::size_t npos = std::string_view::npos;

    // `literals[i]`: of pattern i. One without any is possible on every line.
    explicit RawFilter(const std::vector<std::vector<std::string>>& literals);

    // What is looked for: at first nothing.
    class Selection {
    public:
        // A wanted pattern has no literals: each line must be read.
        bool takes_every_line() const { return without_ > 0; }

    private:
        friend RawFilter;
        std::vector<char> patterns_;  // whether wanted
        std::vector<int> uses_;       // of each literal by wanted patterns
        int without_ = 0;             // wanted patterns that have no literals
        LiteralFilter::Selection literals_;
        bool changed_ = true;  // since literals_ were made
    };
    Selection select_none() const;
    void select(Selection& selection, std::size_t pattern, bool wanted) const;

    // Some byte of the first line at or behind `from` that must be looked at; npos: there is none.
    // `readable`: as of LiteralFilter.
    std::size_t next(std::string_view bytes, std::size_t from, Selection& wanted,
                     std::size_t readable = 0) const {
        if (wanted.changed_) renew(wanted);
        return filter_.next(bytes, from, wanted.literals_, readable);
    }

    // Some patterns and nothing else, for has_any(): not even what hides text is found.
    Selection select_only(const std::vector<int>& patterns) const;
    // Whether a line holds a literal of any of them. `only`: of select_only().
    bool has_any(std::string_view line, const Selection& only) const {
        return only.takes_every_line() || filter_.next(line, 0, only.literals_) != npos;
    }

private:
    struct Texts {
        std::vector<std::string> texts;          // each literal once
        std::vector<std::vector<int>> patterns;  // the literals of each pattern
    };
    explicit RawFilter(Texts texts);
    void renew(Selection& selection) const;
    static Texts number(const std::vector<std::vector<std::string>>& literals);

    std::vector<std::vector<int>> patterns_;
    std::size_t literals_;
    LiteralFilter filter_;
};

}  // namespace runnerwatch
