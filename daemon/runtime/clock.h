#pragma once

#include "daemon/runtime/loop.h"
#include "parsers/timestamp.h"

#include <chrono>

namespace runnerwatch {

// The daemon's only clock, and the only place where a demonstration compresses time.
//
// At rate 1 it is the system's clock, steps included. At another rate it runs that many times
// faster from the moment of construction, and what is waited for is divided by it: rules, group
// waits and back-offs keep their values. Network timeouts do not ask it. One thread.
class Clock {
public:
    explicit Clock(double rate = 1.0);
    // For tests: it shows this time for ever, and nobody may wait by it.
    explicit Clock(Timestamp stands_at) : rate_(0), began_at_(stands_at) {}

    Timestamp now() const;

    // How long `ours` takes in the real world.
    std::chrono::steady_clock::duration real(Duration ours) const;

    // Waits; throws boost::system::system_error when cancelled.
    asio::awaitable<void> sleep(Duration ours) const;

    double rate() const { return rate_; }

private:
    double rate_;
    std::chrono::steady_clock::time_point began_;
    Timestamp began_at_;
};

}  // namespace runnerwatch
