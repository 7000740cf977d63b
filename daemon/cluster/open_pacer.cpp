#include "daemon/cluster/open_pacer.h"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <utility>

namespace runnerwatch {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double burst_seconds = 0.1;  // tokens that may be saved up
constexpr double rate_least_share = 0.05;
constexpr double growth_per_turn = 0.02;  // of the configured rate
constexpr seconds halved_again{1};
constexpr milliseconds node_first{500};
constexpr seconds node_most{30};
constexpr milliseconds try_every{500};  // where the server cannot be reached

}  // namespace

// A coroutine that waits for its turn; `bell` is cancelled when it comes.
struct OpenPacer::Waiter {
    explicit Waiter(const Loop& loop) : bell(loop, asio::steady_timer::time_point::max()) {}
    asio::steady_timer bell;
    bool called = false;
};

struct OpenPacer::Node {
    std::deque<std::weak_ptr<Waiter>> waiters;
    int open = 0;
    int failures = 0;  // in a row
    Time not_before{};
    bool queued = false;  // it stands in order_
};

OpenPacer::OpenPacer(Loop loop, double rate)
    : loop_(std::move(loop)),
      rate_most_(rate),
      rate_(rate),
      filled_at_(SteadyClock::now()),
      timer_(std::make_shared<asio::steady_timer>(loop_)) {}

OpenPacer::~OpenPacer() = default;

OpenPacer::Turn::Turn(Turn&& other) noexcept
    : pacer_(std::exchange(other.pacer_, nullptr)), node_(std::move(other.node_)) {}

OpenPacer::Turn& OpenPacer::Turn::operator=(Turn&& other) noexcept {
    end();
    pacer_ = std::exchange(other.pacer_, nullptr);
    node_ = std::move(other.node_);
    return *this;
}

void OpenPacer::Turn::succeeded() {
    if (pacer_) pacer_->note(node_, true);
    end();
}

void OpenPacer::Turn::failed() {
    if (pacer_) pacer_->note(node_, false);
    end();
}

void OpenPacer::Turn::unreachable() {
    if (pacer_) pacer_->note_unreachable();
    end();
}

void OpenPacer::Turn::end() {
    if (auto* pacer = std::exchange(pacer_, nullptr)) pacer->ended(node_);
}

asio::awaitable<OpenPacer::Turn> OpenPacer::turn(std::string node) {
    auto waiter = std::make_shared<Waiter>(loop_);
    Node& at = nodes_[node];
    if (!std::exchange(at.queued, true)) order_.push_back(node);
    at.waiters.push_back(waiter);
    ++waiting_;
    pump();
    if (!waiter->called) co_await waiter->bell.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return Turn(this, std::move(node));
}

void OpenPacer::pump() {
    const Time now = SteadyClock::now();
    const double most = std::max(1.0, rate_ * burst_seconds);
    tokens_ = std::min(most, tokens_ + rate_ * duration<double>(now - filled_at_).count());
    filled_at_ = now;
    Time earliest = Time::max();
    while (tokens_ >= 1) {
        if (away_ && now < try_at_) {
            if (waiting_ > 0) wake_at(try_at_);
            return;
        }
        Node* node = next_node(now, earliest);
        if (!node) break;
        const auto waiter = node->waiters.front().lock();
        node->waiters.pop_front();
        --waiting_;
        if (!waiter) continue;  // it was cancelled
        tokens_ -= 1;
        if (away_) try_at_ = now + try_every;
        ++node->open;
        waiter->called = true;
        waiter->bell.cancel();
    }
    if (tokens_ < 1 && waiting_ > 0) {
        const auto lacking = duration<double>((1 - tokens_) / rate_);
        earliest = now + std::chrono::duration_cast<SteadyClock::duration>(lacking);
    }
    if (earliest != Time::max()) wake_at(earliest);
}

// The next node that may be asked something; or null, and when that may change by itself.
OpenPacer::Node* OpenPacer::next_node(Time now, Time& earliest) {
    for (std::size_t looked_at = order_.size(); looked_at > 0; --looked_at) {
        std::string name = std::move(order_.front());
        order_.pop_front();
        Node& node = nodes_[name];
        node.queued = !node.waiters.empty();
        if (!node.queued) continue;
        order_.push_back(std::move(name));
        if (node.not_before > now)
            earliest = std::min(earliest, node.not_before);
        else if (node.open < per_node)
            return &node;
    }
    return nullptr;
}

void OpenPacer::wake_at(Time when) {
    if (armed_ && timer_->expiry() <= when) return;
    armed_ = true;
    timer_->expires_at(when);
    timer_->async_wait([this, weak = std::weak_ptr(timer_)](auto error) {
        if (error || !weak.lock()) return;
        armed_ = false;
        pump();
    });
}

void OpenPacer::ended(const std::string& name) {
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) return;
    Node& node = found->second;
    --node.open;
    if (waiting_ > 0)
        pump();
    else if (node.open == 0 && node.failures == 0 && !node.queued)
        nodes_.erase(found);
}

// Many streams tell of one trouble.
void OpenPacer::note_unreachable() {
    if (std::exchange(away_, true)) return;
    try_at_ = SteadyClock::now() + try_every;
}

void OpenPacer::note(const std::string& name, bool well) {
    Node& node = nodes_[name];
    const Time now = SteadyClock::now();
    away_ = false;
    if (well) {
        node.failures = 0;
        rate_ = std::min(rate_most_, rate_ + rate_most_ * growth_per_turn);
        return;
    }
    const auto wait =
        std::min<SteadyClock::duration>(node_first * (1 << std::min(node.failures, 6)), node_most);
    if (now >= node.not_before) {  // else it is told again by what was asked before
        ++node.failures;
        node.not_before = now + wait;
    }
    if (now - halved_at_ < halved_again) return;
    halved_at_ = now;
    rate_ = std::max(rate_most_ * rate_least_share, rate_ / 2);
}

}  // namespace runnerwatch
