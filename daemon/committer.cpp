#include "daemon/committer.h"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>

namespace runnerwatch {

namespace {

using Steady = std::chrono::steady_clock;

}  // namespace

Committer::Committer(Loop loop, StoreThread& thread, Store& store, const Clock& clock,
                     Metrics& metrics, Hooks hooks)
    : loop_(loop),
      thread_(thread),
      store_(store),
      clock_(clock),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      wake_(loop),
      written_(loop, asio::steady_timer::time_point::max()) {}

void Committer::kick() {
    if (std::exchange(kicked_, true)) return;
    wake_.cancel();
}

asio::awaitable<void> Committer::run() {
    asio::steady_timer pause(loop_);  // not cut short by kicks
    auto retry = retry_first;
    for (;;) {
        if (failing()) {
            // A full disk is not asked again on every line.
            pause.expires_after(clock_.real(retry));
            retry = std::min(retry * 2, retry_most);
        } else {
            if (!kicked_) {
                wake_.expires_after(clock_.real(positions_every));
                auto [error] = co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
                if (error && !kicked_) co_return;  // cancelled: the daemon stops
            }
            pause.expires_after(grouping);
            retry = retry_first;
        }
        auto [error] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
        if (error) co_return;
        kicked_ = false;
        co_await write_now();
        if ((co_await asio::this_coro::cancellation_state).cancelled() !=
            asio::cancellation_type::none)
            co_return;
    }
}

asio::awaitable<bool> Committer::write_now() {
    // Of two in flight the second could succeed and then be overwritten by what the first, which
    // failed, has to try again.
    while (writing_) co_await written_.async_wait(asio::as_tuple(asio::use_awaitable));
    writing_ = true;
    bool done = false;
    std::exception_ptr failure;
    try {
        done = co_await write();
    } catch (...) {
        failure = std::current_exception();
    }
    writing_ = false;
    written_.cancel();
    if (failure) std::rethrow_exception(failure);
    co_return done;
}

asio::awaitable<bool> Committer::durable() {
    // A write in flight has collected what was dirty before.
    const std::uint64_t wanted = collected_ + 1;
    kick();
    if (failing()) co_return false;  // nobody waits for a full disk
    while (stored_ < wanted) {
        if (failed_ >= wanted) co_return false;
        co_await written_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return true;
}

asio::awaitable<bool> Committer::write() {
    ChangeSet changes;
    hooks_.collect(changes);
    unwritten_.merge(std::move(changes));
    const std::uint64_t number = ++collected_;
    if (unwritten_.empty()) {
        stored_ = number;
        co_return true;
    }
    ChangeSet writing = std::exchange(unwritten_, ChangeSet{});
    const auto began = Steady::now();
    auto job = [this, &writing] { return store_.commit(writing); };
    auto result = co_await thread_.run(job);
    metrics_.commit(result.has_value(),
                    std::chrono::duration<double>(Steady::now() - began).count());
    if (!result) {
        // What failed is older than what became dirty meanwhile.
        ChangeSet newer = std::exchange(unwritten_, std::move(writing));
        unwritten_.merge(std::move(newer));
        if (!failing_since_) failing_since_ = Steady::now();
        if (trouble_ != result.error().what) {
            trouble_ = result.error().what;
            hooks_.trouble(trouble_);
        }
        failed_ = number;
        judge_backlog();
        metrics_.set_storage_ok(false);
        co_return false;
    }
    if (failing_since_) {
        failing_since_.reset();
        trouble_.clear();
        hooks_.trouble("");
        metrics_.set_storage_ok(true);
    }
    stored_ = number;
    metrics_.set_unwritten(0);
    if (std::exchange(dropping_, false)) hooks_.recovered();
    hooks_.committed(*result);
    co_return true;
}

void Committer::judge_backlog() {
    const std::size_t bytes = unwritten_.bytes();
    metrics_.set_unwritten(bytes);
    if (bytes > unwritten_bytes_max ||
        Steady::now() - *failing_since_ > clock_.real(unwritten_time_max))
        dropping_ = true;
}

}  // namespace runnerwatch
