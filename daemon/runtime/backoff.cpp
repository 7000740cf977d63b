#include "daemon/runtime/backoff.h"

#include <algorithm>
#include <random>

namespace runnerwatch {

Duration Backoff::next() {
    Duration wait = first_;
    for (int i = 0; i < tries_ && wait < most_; ++i) wait *= 2;
    wait = std::min(wait, most_);
    ++tries_;

    thread_local std::mt19937_64 random(std::random_device{}());
    std::uniform_int_distribution<Duration::rep> upper_half(wait.count() / 2, wait.count());
    return Duration(upper_half(random));
}

}  // namespace runnerwatch
