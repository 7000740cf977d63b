#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace runnerwatch {

// Runs a coroutine on a loop of its own until nothing is left to do there: what forgets to stop
// hangs, and what it throws fails the test.
template <class Test>
void run_on_loop(Test test) {
    asio::io_context io(1);
    std::exception_ptr failure;
    asio::co_spawn(io, test(Loop(io.get_executor())), [&](std::exception_ptr e) { failure = e; });
    io.run();
    if (failure) std::rethrow_exception(failure);
}

// Lets the others on the loop go on until they have made it true. The condition has a name,
// because g++ 12 frees a lambda inside a co_await expression twice.
template <class Condition>
asio::awaitable<void> until(const Condition& condition) {
    auto loop = co_await asio::this_coro::executor;
    while (!condition()) co_await asio::post(loop, asio::use_awaitable);
}

// For a TaskGroup whose tasks must not fail.
inline void fail_test(const std::string& task, std::exception_ptr failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        ADD_FAILURE() << task << ": " << error.what();
    }
}

}  // namespace runnerwatch
