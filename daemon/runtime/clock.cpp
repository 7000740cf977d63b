#include "daemon/runtime/clock.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <cassert>

namespace runnerwatch {
namespace {

Timestamp system_now() {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace

Clock::Clock(double rate)
    : rate_(rate), began_(std::chrono::steady_clock::now()), began_at_(system_now()) {
    assert(rate > 0);
}

Timestamp Clock::now() const {
    if (rate_ == 1.0) return system_now();
    if (rate_ == 0) return began_at_;
    auto passed =
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began_);
    return began_at_ + std::chrono::duration_cast<Duration>(passed * rate_);
}

std::chrono::steady_clock::duration Clock::real(Duration ours) const {
    assert(rate_ > 0);
    if (rate_ == 1.0) return ours;
    auto divided = std::chrono::duration<double, std::nano>(ours) / rate_;
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(divided);
}

asio::awaitable<void> Clock::sleep(Duration ours) const {
    asio::steady_timer timer(co_await asio::this_coro::executor, real(ours));
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace runnerwatch
