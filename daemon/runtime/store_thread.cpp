#include "daemon/runtime/store_thread.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace runnerwatch {

// Not co_spawn(): that of Asio 1.26 tells its coroutine of a cancellation through a signal that is
// freed when the job ends first, and a client that left while its question waited was our end.
asio::awaitable<void> StoreThread::perform(const std::function<void()>& work) {
    const Loop loop = co_await asio::this_coro::executor;
    auto start = [this, &work, loop](auto handler) {
        auto job = [&work, handler = std::move(handler),
                    loop_is_needed = asio::make_work_guard(loop)]() mutable {
            work();
            const Loop back = loop_is_needed.get_executor();
            asio::post(back, std::move(handler));
        };
        asio::post(pool_, std::move(job));
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start,
                                                                         asio::use_awaitable);
}

}  // namespace runnerwatch
