#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>

#include <type_traits>
#include <utility>

namespace runnerwatch {

// A thread of its own for work that blocks: one for the database's writer, one for its readers.
//
// Jobs run one after another in the order of run(). Await run() from the loop: the job runs on
// the thread, its result or exception comes back on the loop. Cancelling the await does not stop
// a job that has begun; the await ends when the job has, so what the job refers to may live in
// the awaiting coroutine.
class StoreThread {
public:
    StoreThread() = default;
    ~StoreThread() { pool_.join(); }
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    template <class Job>
    asio::awaitable<std::invoke_result_t<Job&>> run(Job job) {
        // Named: g++ 12 miscompiles temporaries inside a co_await expression.
        auto performing = perform(std::move(job));
        co_return co_await asio::co_spawn(pool_, std::move(performing), asio::use_awaitable);
    }

private:
    template <class Job>
    static asio::awaitable<std::invoke_result_t<Job&>> perform(Job job) {
        co_return job();
    }

    asio::thread_pool pool_{1};
};

}  // namespace runnerwatch
