#pragma once

#include "daemon/commands/text_blocks.h"
#include "parsers/timestamp.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace runnerwatch {

// When things happened, as bars of text. Bounded: past `buckets_max` the buckets become twice as
// wide.
class TimeHistogram {
public:
    static constexpr std::size_t buckets_max = 2'000;
    static constexpr std::size_t rows_max = 24;

    void add(std::optional<Timestamp> at);

    // A row for each span between the first and the last time, empty ones too, so that a pause is
    // seen; "times unknown" where there are none. Empty when nothing was added.
    std::string text(const TextStyle& style) const;

private:
    std::map<std::int64_t, std::uint64_t> buckets_;  // start in units of `width_` -> count
    std::int64_t width_ = 1;                         // seconds
    std::uint64_t unknown_ = 0;
};

}  // namespace runnerwatch
