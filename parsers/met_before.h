#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace runnerwatch {

// Tells what is met for the first time from what was met before, by hashes: what is never met again
// need not be remembered, and would take the place of what is. Wrong now and then, either way.
// Takes 64 KiB from the first question on. One thread.
class MetBefore {
public:
    // Whether this was met before; from now on it was.
    bool again(std::uint64_t hash) {
        if (marks_.empty()) marks_.resize(slots);
        const auto mark = static_cast<std::uint32_t>(hash >> 32);
        return std::exchange(marks_[hash % slots], mark) == mark;
    }

private:
    static constexpr std::size_t slots = 16 * 1024;
    std::vector<std::uint32_t> marks_;
};

}  // namespace runnerwatch
