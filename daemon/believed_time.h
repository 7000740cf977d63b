#pragma once

#include "parsers/timestamp.h"

#include <optional>

namespace runnerwatch {

// The time by which history may be deleted. A clock that was set wrong for an hour must not cost
// years of it: one that runs ahead of what we know is believed after a day. Pure.
class BelievedTime {
public:
    static constexpr std::chrono::hours tolerance{1}, doubted_for{24};
    static constexpr std::chrono::days away_max{31};  // a stop of ours that is taken as it is

    // `last_alive`: when the process before this one last wrote that it lives.
    BelievedTime(Timestamp now, std::optional<Timestamp> last_alive);

    // `running`: since construction, by a clock that nobody sets.
    Timestamp at(Timestamp now, Duration running);

    bool doubts() const { return doubtful_since_.has_value(); }

private:
    Timestamp believed_;
    Duration running_{0};  // at which `believed_` was true
    std::optional<Duration> doubtful_since_;
};

}  // namespace runnerwatch
