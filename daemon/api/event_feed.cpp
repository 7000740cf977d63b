#include "daemon/api/event_feed.h"

#include "daemon/api/incident_json.h"
#include "daemon/api/visibility.h"
#include "daemon/runtime/count_guard.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t write_bytes_max = 256 * 1024;  // at once, to one listener

// No line break stands in JSON, so that one line of data holds all of it.
std::string event_text(const std::string& id, const std::string& kind, const std::string& data) {
    return "id: " + id + "\nevent: " + kind + "\ndata: " + data + "\n\n";
}

template <class Value>
bool is_asked(const std::vector<Value>& asked, Value value) {
    return asked.empty() || std::find(asked.begin(), asked.end(), value) != asked.end();
}

}  // namespace

bool concerns(const IncidentFilter& filter, const IncidentRow& row) {
    const std::size_t kind = row.workload.find('/');
    const bool workload =
        filter.workload.empty() || filter.workload == row.workload ||
        (kind != row.workload.npos && filter.workload == row.workload.substr(kind + 1));
    return workload && is_visible(filter.visible, row.namespace_) &&
           is_asked(filter.states, row.state) && is_asked(filter.severities, row.severity) &&
           (filter.rule.empty() || filter.rule == row.rule) &&
           (filter.namespace_.empty() || filter.namespace_ == row.namespace_);
}

EventFeed::EventFeed(Loop loop, std::string run)
    : run_(std::move(run)), changed_(loop, asio::steady_timer::time_point::max()) {}

std::string EventFeed::id_of(std::uint64_t number) const {
    return run_ + "-" + std::to_string(number);
}

void EventFeed::committed(const std::map<std::string, std::int64_t>& numbers) {
    if (noted_.empty()) return;
    bool told = false;
    for (auto& [key, row] : std::exchange(noted_, {})) {
        if (const auto given = numbers.find(key); given != numbers.end())
            row.number = given->second;
        if (only_counted(row)) {
            const auto [waiting, fresh] = counted_.try_emplace(key);
            if (fresh) waiting->second.turn = ++turns_;
            if (fresh) counted_order_[turns_] = key;
            waiting->second.row = std::move(row);
        } else {
            if (const auto waiting = counted_.extract(key))
                counted_order_.erase(waiting.mapped().turn);
            tell(std::move(row));
            told = true;
        }
    }
    if (told) changed_.cancel();
}

// Whether nothing became of it since it was told last, but that it was seen again.
bool EventFeed::only_counted(const IncidentRow& row) const {
    const auto last = told_.find(row.key);
    return last != told_.end() && last->second == Told{row.changes, row.state, row.severity};
}

void EventFeed::tell(IncidentRow row) {
    if (is_over(row.state))
        told_.erase(row.key);
    else
        told_[row.key] = {row.changes, row.state, row.severity};
    Event event{std::move(row), {}};
    std::string data;
    append_incident(event.row, data);
    event.text = event_text(id_of(++last_), "incident", data);
    events_.push_back(std::move(event));
    if (events_.size() > kept_max) events_.pop_front();
}

void EventFeed::tell_counted() {
    std::size_t told = 0;
    while (told < counted_at_once && !counted_order_.empty()) {
        auto waiting = counted_.extract(counted_order_.begin()->second);
        counted_order_.erase(counted_order_.begin());
        tell(std::move(waiting.mapped().row));
        ++told;
    }
    if (told > 0) changed_.cancel();
}

asio::awaitable<void> EventFeed::run() {
    asio::steady_timer pause(changed_.get_executor());
    for (int turn = 1;; ++turn) {
        pause.expires_after(counted_every);
        co_await pause.async_wait(asio::use_awaitable);
        tell_counted();
        if (turn % (ping_every / counted_every) != 0) continue;
        ++pings_;
        changed_.cancel();
    }
}

// The number of the first event that is to be sent, and what is said before it.
std::uint64_t EventFeed::begin(const std::string& last, std::string& text) const {
    std::uint64_t number = 0;
    const std::size_t dash = last.rfind('-');
    bool known = false;
    if (dash != last.npos && last.substr(0, dash) == run_) {
        const char* end = last.data() + last.size();
        const auto [rest, error] = std::from_chars(last.data() + dash + 1, end, number);
        known =
            error == std::errc() && rest == end && number <= last_ && number + 1 >= first_kept();
    }
    text = "retry: 2000\n\n";
    if (known) return number + 1;
    // Also the first thing a listener hears: from now on he can come back.
    text += event_text(id_of(last_), last.empty() ? "hello" : "reset", "{}");
    return last_ + 1;
}

// What stands between a listener and the newest event.
std::string EventFeed::take(const IncidentFilter& filter, std::uint64_t& next) const {
    if (next < first_kept()) {
        next = last_ + 1;
        return event_text(id_of(last_), "reset", "{}");
    }
    std::string text;
    for (; next <= last_ && text.size() < write_bytes_max; ++next) {
        const Event& event = events_[static_cast<std::size_t>(next - first_kept())];
        if (concerns(filter, event.row)) text += event.text;
    }
    return text;
}

asio::awaitable<void> EventFeed::serve(IncidentFilter filter, std::string last,
                                       Responder& responder) {
    const CountGuard listening(listeners_);
    co_await responder.begin_stream(200, "text/event-stream");
    std::string text;
    std::uint64_t next = begin(last, text);
    std::uint64_t pinged = pings_;
    for (;;) {
        if (text.empty()) text = take(filter, next);
        if (text.empty() && pinged != pings_) text = ": ping\n\n";
        if (!text.empty()) {
            pinged = pings_;
            std::string told = std::move(text);
            text.clear();
            co_await responder.write(std::move(told));
        } else if (next > last_) {
            boost::system::error_code woken;
            auto token = asio::redirect_error(asio::use_awaitable, woken);
            co_await changed_.async_wait(token);
        }
    }
}

}  // namespace runnerwatch
