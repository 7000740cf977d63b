#include "daemon/believed_time.h"

#include <algorithm>

namespace runnerwatch {

BelievedTime::BelievedTime(Timestamp now, std::optional<Timestamp> last_alive)
    : believed_(last_alive ? std::min(now, *last_alive + away_max) : now) {}

Timestamp BelievedTime::at(Timestamp now, Duration running) {
    const Timestamp expected = believed_ + (running - running_);
    if (now > expected + tolerance) {
        if (!doubtful_since_) doubtful_since_ = running;
        if (running - *doubtful_since_ < doubted_for) return expected;
    }
    doubtful_since_.reset();
    believed_ = now;
    running_ = running;
    return now;
}

}  // namespace runnerwatch
