#include "daemon/runtime/task_group.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <utility>

namespace runnerwatch {
namespace {

bool is_cancellation(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (const asio::multiple_exceptions& both) {  // of two that ran side by side
        return is_cancellation(both.first_exception());
    } catch (...) {
        return false;
    }
}

}  // namespace

TaskGroup::TaskGroup(Loop loop, OnFailure on_failure)
    : loop_(std::move(loop)),
      on_failure_(std::move(on_failure)),
      last_ended_(loop_, asio::steady_timer::time_point::max()) {}

TaskGroup::~TaskGroup() { assert(tasks_.empty() && "await stop() first"); }

void TaskGroup::spawn(std::string name, asio::awaitable<void> task) {
    if (stopping_) return;  // whoever still reacts to the world while it ends needs no check
    auto entry = tasks_.emplace(tasks_.end());
    entry->name = std::move(name);
    auto on_end = [this, entry](std::exception_ptr failure) { ended(entry, failure); };
    asio::co_spawn(loop_, std::move(task),
                   asio::bind_cancellation_slot(entry->cancel.slot(), std::move(on_end)));
}

void TaskGroup::ended(std::list<Task>::iterator task, std::exception_ptr failure) {
    std::string name = std::move(task->name);
    tasks_.erase(task);
    if (tasks_.empty()) last_ended_.cancel();
    if (failure && !(stopping_ && is_cancellation(failure))) on_failure_(name, failure);
}

asio::awaitable<void> TaskGroup::stop() {
    stopping_ = true;
    for (auto task = tasks_.begin(); task != tasks_.end();)
        (task++)->cancel.emit(asio::cancellation_type::terminal);

    // Leaving early would leave tasks behind: who cancels us waits as well.
    bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!tasks_.empty()) co_await last_ended_.async_wait(asio::as_tuple(asio::use_awaitable));
    co_await asio::this_coro::throw_if_cancelled(throws);
}

}  // namespace runnerwatch
