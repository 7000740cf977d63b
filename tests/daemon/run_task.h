#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace runnerwatch {

// Runs a loop until this task has ended, while others on it go on. Throws what the task threw.
inline void run_task(asio::io_context& io, asio::awaitable<void> task) {
    bool done = false;
    std::exception_ptr failure;
    const auto at_end = [&](std::exception_ptr thrown) {
        done = true;
        failure = thrown;
    };
    asio::co_spawn(io, std::move(task), at_end);
    io.restart();
    while (!done) io.run_one();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace runnerwatch
