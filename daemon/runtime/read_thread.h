#pragma once

#include "daemon/runtime/count_guard.h"
#include "daemon/runtime/store_thread.h"
#include "storage/store.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

namespace runnerwatch {

// A thread that answers questions to the database, with a connection of its own: it waits neither
// for the writer nor for the loop.
//
// A question has a deadline, counted from when it was asked: one that has not been answered by then
// is interrupted, or not begun at all. So has every question that waits behind a slow one. Bounded:
// `waiting_max`. Confined to the loop, except what it says of itself.
class ReadThread {
public:
    static constexpr std::size_t waiting_max = 1'000;

    using Now = std::function<std::chrono::steady_clock::time_point()>;
    // `now`: from the loop and from the thread.
    explicit ReadThread(std::chrono::milliseconds patience,
                        Now now = std::chrono::steady_clock::now)
        : patience_(patience), now_(std::move(now)) {}

    asio::awaitable<Result<std::monostate, StoreError>> open(std::filesystem::path file);
    asio::awaitable<void> close();

    // `job`: Reader& -> Result<…, StoreError>; what it refers to may live in the awaiting
    // coroutine. StoreError::Kind::too_long where the deadline has passed or too many wait.
    template <class Job>
    asio::awaitable<std::invoke_result_t<Job&, Reader&>> ask(Job job) {
        using Answer = std::invoke_result_t<Job&, Reader&>;
        if (waiting_ >= waiting_max) co_return Answer(failure(too_many()));
        const auto deadline = now_() + patience_;
        const CountGuard counted(waiting_);
        auto within = [this, &job, deadline]() -> Answer {
            const auto over = [this, deadline] { return now_() >= deadline; };
            if (over()) return failure(too_long());
            reader_->interrupt_when(over);
            Answer answer = job(*reader_);
            if (!answer && answer.error().kind == StoreError::Kind::too_long)
                return failure(too_long());
            return answer;
        };
        co_return co_await thread_.run(std::move(within));
    }

private:
    StoreError too_long() const;
    static StoreError too_many();

    std::chrono::milliseconds patience_;  // real time
    Now now_;
    std::size_t waiting_ = 0;
    StoreThread thread_;
    std::unique_ptr<Reader> reader_;  // on the thread
};

}  // namespace runnerwatch
