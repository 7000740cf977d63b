#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace runnerwatch {

// A thread of its own for work that blocks: one for the database's writer, two for its readers.
//
// Jobs run one after another in the order of run(). Await run() from the loop: the job runs on
// the thread, its result or exception comes back on the loop. Cancelling the await does not stop
// a job; the await ends when the job has, so what the job refers to may live in the awaiting
// coroutine.
class StoreThread {
public:
    StoreThread() = default;
    ~StoreThread() { pool_.join(); }
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    template <class Job>
    asio::awaitable<std::invoke_result_t<Job&>> run(Job job) {
        std::optional<std::invoke_result_t<Job&>> result;
        std::exception_ptr failure;
        const std::function<void()> work = [&] {
            try {
                result.emplace(job());
            } catch (...) {
                failure = std::current_exception();
            }
        };
        co_await perform(work);
        if (failure) std::rethrow_exception(failure);
        co_return std::move(*result);
    }

private:
    asio::awaitable<void> perform(const std::function<void()>& work);  // which throws nothing

    asio::thread_pool pool_{1};
};

}  // namespace runnerwatch
