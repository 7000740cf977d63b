#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <functional>
#include <list>
#include <string>

namespace runnerwatch {

// Owns a set of running coroutines, so that none outlives what it refers to.
//
// Declare it last among the members it serves. Await stop() before destruction, and never from
// one of its own tasks. Confined to the loop. A task that fails is reported to `on_failure`;
// cancellation is not a failure.
class TaskGroup {
public:
    using OnFailure = std::function<void(const std::string& task, std::exception_ptr)>;

    TaskGroup(Loop loop, OnFailure on_failure);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(std::string name, asio::awaitable<void> task);

    // Cancels every task and returns when the last has ended.
    asio::awaitable<void> stop();

    std::size_t running() const { return tasks_.size(); }

private:
    struct Task {
        std::string name;
        asio::cancellation_signal cancel;
    };
    void ended(std::list<Task>::iterator task, std::exception_ptr failure);

    Loop loop_;
    OnFailure on_failure_;
    std::list<Task> tasks_;
    asio::steady_timer last_ended_;
    bool stopping_ = false;
};

}  // namespace runnerwatch
