#pragma once

#include "daemon/metrics.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/loop.h"
#include "daemon/runtime/store_thread.h"
#include "storage/store.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace runnerwatch {

// Writes what became dirty: state, not deltas, one transaction in flight.
//
// A failed commit rolls nothing back: its rows wait and are laid under what became dirty since.
// Past `unwritten_bytes_max` or `unwritten_time_max` dropping() turns true, and readers count the
// lines they no longer hand to the book. Confined to the loop; the store lives on its thread.
class Committer {
public:
    // Spans of our clock, except the grouping.
    static constexpr std::size_t unwritten_bytes_max = 64 * 1024 * 1024;
    static constexpr std::chrono::minutes unwritten_time_max{10};
    static constexpr std::chrono::milliseconds grouping{20};  // real time
    static constexpr std::chrono::milliseconds positions_every{5'000};
    static constexpr std::chrono::milliseconds retry_first{500}, retry_most{15'000};

    struct Hooks {
        std::function<void(ChangeSet&)> collect;  // lays what is dirty into the set
        std::function<void(const CommitResult&)> committed;
        std::function<void()> recovered;                  // writing works again after dropping
        std::function<void(const std::string&)> trouble;  // a commit failed; empty: it works again
    };

    Committer(Loop loop, StoreThread& thread, Store& store, const Clock& clock, Metrics& metrics,
              Hooks hooks);

    // Something became dirty that cannot wait for the next write of positions.
    void kick();

    asio::awaitable<void> run();

    // The last write before a stop: tries once, behind a commit that is in flight.
    asio::awaitable<bool> write_now();

    // Waits until what is dirty now is in the database. False: writing it failed; it stays dirty
    // and is tried again.
    asio::awaitable<bool> durable();

    bool dropping() const { return dropping_; }
    bool failing() const { return failing_since_.has_value(); }
    const std::string& trouble() const { return trouble_; }

private:
    asio::awaitable<bool> write();
    void judge_backlog();

    Loop loop_;
    StoreThread& thread_;
    Store& store_;
    const Clock& clock_;
    Metrics& metrics_;
    Hooks hooks_;
    asio::steady_timer wake_;
    asio::steady_timer written_;  // never expires: cancelled when a commit has ended
    bool writing_ = false;
    bool kicked_ = false;
    bool dropping_ = false;
    std::uint64_t collected_ = 0, stored_ = 0, failed_ = 0;  // numbers of the writes so far
    ChangeSet unwritten_;
    std::optional<std::chrono::steady_clock::time_point> failing_since_;
    std::string trouble_;
};

}  // namespace runnerwatch
