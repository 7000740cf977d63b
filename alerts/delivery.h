#pragma once

#include "parsers/timestamp.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace runnerwatch {

// A request that delivers a message: a value, sent by the daemon.
struct DeliveryRequest {
    std::string method = "POST";
    std::string url;  // may hold a secret: never printed
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

// What came of an attempt.
struct DeliveryOutcome {
    int status = 0;  // HTTP status, 0: no answer
    std::optional<Duration> retry_after;
    std::string error;  // of no answer: reason without secrets
};

struct Sent {};
struct RetryAt {
    Timestamp when;
};
struct GaveUp {
    std::string reason;
};
using DeliveryVerdict = std::variant<Sent, RetryAt, GaveUp>;

// After that nobody wants to hear it (Standard Webhooks 1.0 ends its schedule there too).
constexpr std::chrono::hours owed_for_max{75};

// Decides on attempt number `attempt` (from 1), which ended at `now`, of a delivery owed since
// `owed_since`. `jitter` in [0,1) spreads retries; it is passed in so that this stays a function.
DeliveryVerdict judge(const DeliveryOutcome& outcome, int attempt, Timestamp owed_since,
                      Timestamp now, double jitter);

// Reads a Retry-After header: seconds, or nothing when it is a date or rubbish.
std::optional<Duration> parse_retry_after(std::string_view value);

}  // namespace runnerwatch
