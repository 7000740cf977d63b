#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <set>
#include <string>

namespace runnerwatch {

// How an open stream is made to end.
struct ReplayFault {
    enum class Kind { cut, reset, in_band } kind;
    std::string text;  // in_band
};

// An answer that goes on: what it waits for, and where it is found to be woken or ended. `all`
// and `own` (which may be null) outlive it.
class ReplayStream {
public:
    using Time = asio::steady_timer::time_point;

    ReplayStream(const Loop& loop, std::set<ReplayStream*>& all, std::set<ReplayStream*>* own)
        : wake_(loop), all_(all), own_(own) {
        all_.insert(this);
        if (own_) own_->insert(this);
    }
    ~ReplayStream() {
        all_.erase(this);
        if (own_) own_->erase(this);
    }
    ReplayStream(const ReplayStream&) = delete;
    ReplayStream& operator=(const ReplayStream&) = delete;

    // Returns when woken, or at `latest`. Look at the state again before waiting again.
    asio::awaitable<void> wait(Time latest = Time::max()) {
        boost::system::error_code ignored;
        wake_.expires_at(latest);
        co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    void wake() { wake_.cancel(); }

    std::optional<ReplayFault> fault;

private:
    asio::steady_timer wake_;
    std::set<ReplayStream*>& all_;
    std::set<ReplayStream*>* own_;
};

}  // namespace runnerwatch
