#pragma once

#include "parsers/pattern_program.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace re2 {
class RE2;
}

namespace runnerwatch {

// A regular expression (RE2), made ready when it is first needed: as a small program, and by RE2
// itself for all that the program leaves to it. May be shared between threads.
class LazyRegex {
public:
    using Group = PatternProgram::Group;
    enum class Place { start, anywhere };  // where in a text a match begins

    explicit LazyRegex(std::string pattern);
    ~LazyRegex();
    LazyRegex(const LazyRegex&) = delete;
    LazyRegex& operator=(const LazyRegex&) = delete;

    const std::string& pattern() const { return pattern_; }
    // What every text begins with that it matches from its start on.
    const std::string& prefix() const { return prefix_; }

    // These throw std::invalid_argument if the pattern does not compile.
    bool matches(std::string_view text, Place place) const;
    // Of a text that it matches; the whole of the match first.
    void find_groups(std::string_view text, Place place, std::vector<Group>& groups) const;
    // Of the groups that have one, by their numbers.
    const std::vector<std::pair<std::size_t, std::string>>& names() const;

private:
    std::optional<bool> ask_program(std::string_view text, Place place) const;

    const re2::RE2& re2() const;
    const std::optional<PatternProgram>& program() const;

    std::string pattern_, prefix_;
    mutable std::atomic<int> asked_ = 0, lost_ = 0;
    mutable std::once_flag re2_once_, program_once_;
    mutable std::unique_ptr<re2::RE2> re2_;
    mutable std::optional<PatternProgram> program_;
    mutable std::vector<std::pair<std::size_t, std::string>> names_;
};

}  // namespace runnerwatch
