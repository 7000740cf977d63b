#pragma once

#include "daemon/net/http_server.h"
#include "daemon/runtime/loop.h"
#include "storage/history.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// What became of incidents, told to everybody who listens while it happens (GET /api/v1/events,
// server-sent events). Only what is committed is told, whole as in the list of incidents, each
// under a number that grows. Who comes back with the last number goes on behind it, if that is
// still kept; else he is told that he missed something (`reset`) and has to ask for the list again.
//
// That an incident was seen again and nothing else became of it is told later, with the newest
// count, `counted_at_once` of such incidents every `counted_every`: who listens wants to see that
// it grows, and a thousand listeners to a thousand failures a second would be the daemon's only
// work.
//
// Bounded: `kept_max` events are kept, for all listeners together; who is further behind than that
// gets a `reset`, and who does not read is let go by the server. Confined to the loop.
class EventFeed {
public:
    static constexpr std::size_t kept_max = 2'000, listeners_max = 1'500;
    static constexpr std::chrono::seconds ping_every{15};  // real time: proxies cut what is silent
    static constexpr std::chrono::seconds counted_every{1};  // real time
    static constexpr std::size_t counted_at_once = 20;

    // `run`: differs from that of every other process, whose numbers are not ours.
    EventFeed(Loop loop, std::string run);

    // An incident that goes into the commit that is made next.
    void note(const IncidentRow& row) { noted_[row.key] = row; }
    // All that was noted is committed, under these numbers of incidents.
    void committed(const std::map<std::string, std::int64_t>& numbers);

    // Says now and then to every listener that the line still stands, and what was only counted,
    // until it is cancelled.
    asio::awaitable<void> run();
    // Tells a part of what was only counted, those that wait longest first.
    void tell_counted();

    // Tells one listener until he goes. `last`: the id of the last event he had, or empty. Of the
    // filter count states, severities, rule, namespace, workload and what is visible.
    asio::awaitable<void> serve(IncidentFilter filter, std::string last, Responder& responder);

    std::size_t listeners() const { return listeners_; }

private:
    struct Event {
        IncidentRow row;
        std::string text;  // as it is sent
    };
    // What a listener knows of an incident beside its counts.
    struct Told {
        std::int64_t changes = 0;
        IncidentState state = IncidentState::open;
        Severity severity = Severity::info;
        bool operator==(const Told&) const = default;
    };
    struct Counted {
        IncidentRow row;
        std::uint64_t turn = 0;
    };
    bool only_counted(const IncidentRow& row) const;
    void tell(IncidentRow row);
    std::string id_of(std::uint64_t number) const;
    std::uint64_t begin(const std::string& last, std::string& text) const;
    std::string take(const IncidentFilter& filter, std::uint64_t& next) const;
    std::uint64_t first_kept() const { return last_ + 1 - events_.size(); }

    std::string run_;
    std::map<std::string, IncidentRow> noted_;            // by key
    std::map<std::string, Told> told_;                    // by key: those that are not over
    std::map<std::string, Counted> counted_;              // by key: seen again, and not told yet
    std::map<std::uint64_t, std::string> counted_order_;  // their keys by their turns
    std::uint64_t turns_ = 0;
    std::deque<Event> events_;
    std::uint64_t last_ = 0;  // number of the newest event
    std::uint64_t pings_ = 0;
    std::size_t listeners_ = 0;
    asio::steady_timer changed_;  // never expires: cancelled when there is something to say
};

// Whether an incident is one of those asked for; the parts of the filter that a single row answers.
bool concerns(const IncidentFilter& filter, const IncidentRow& row);

}  // namespace runnerwatch
