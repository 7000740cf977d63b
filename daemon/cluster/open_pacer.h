#pragma once

#include "daemon/runtime/clock.h"
#include "daemon/runtime/loop.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace runnerwatch {

// Says when the next log stream of a cluster may be opened, so that no restart of a server is
// answered with thousands of requests at once: the API server does not protect itself, log
// requests bypass its priority and fairness.
//
// A token bucket of `rate` turns a second for the cluster, halved where the server is overloaded
// and grown again by what succeeds, and at most `per_node` openings at once on a node, whose
// failures keep all of its containers waiting together. Nodes are served in turn. While the server
// cannot be reached one turn tries for all, twice a second: log files are rotated meanwhile, and
// what was in them is lost.
//
// Confined to the loop. Turns must not outlive it.
class OpenPacer {
public:
    static constexpr double rate_default = 50;
    static constexpr int per_node = 8;

    explicit OpenPacer(Loop loop, double rate = rate_default);
    ~OpenPacer();
    OpenPacer(const OpenPacer&) = delete;
    OpenPacer& operator=(const OpenPacer&) = delete;

    // Leave to open one stream; held until its answer has begun or failed. One that is dropped
    // without a word counts as neither.
    class Turn {
    public:
        Turn() = default;
        Turn(OpenPacer* pacer, std::string node) : pacer_(pacer), node_(std::move(node)) {}
        Turn(Turn&& other) noexcept;
        Turn& operator=(Turn&& other) noexcept;
        ~Turn() { end(); }

        void succeeded();
        // The server or the node could not answer: 429, 5xx.
        void failed();
        // There is no connection to the server.
        void unreachable();
        explicit operator bool() const { return pacer_ != nullptr; }

    private:
        void end();
        OpenPacer* pacer_ = nullptr;
        std::string node_;
    };

    asio::awaitable<Turn> turn(std::string node);

    double rate() const { return rate_; }
    std::size_t waiting() const { return waiting_; }

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Waiter;
    struct Node;

    void pump();
    void wake_at(Time when);
    Node* next_node(Time now, Time& earliest);
    void ended(const std::string& node);
    void note(const std::string& node, bool well);
    void note_unreachable();

    Loop loop_;
    const double rate_most_;
    double rate_;
    double tokens_ = 1;
    Time filled_at_, halved_at_{};
    bool away_ = false;  // the server was not reached
    Time try_at_{};      // and is tried again then
    std::map<std::string, Node> nodes_;
    std::deque<std::string> order_;  // of nodes with waiters
    std::size_t waiting_ = 0;
    std::shared_ptr<asio::steady_timer> timer_;
    bool armed_ = false;
};

}  // namespace runnerwatch
