#include "alerts/delivery.h"

#include <algorithm>
#include <charconv>

namespace runnerwatch {

namespace {

constexpr std::chrono::seconds first_delay{5};
constexpr std::chrono::hours delay_max{2};

// Refusals that another try may cure. 408, 425 and 429 say so; 5xx are the receiver's trouble.
bool worth_repeating(int status) {
    return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

Duration delay_after(int attempt, double jitter) {
    Duration delay = first_delay;
    for (int i = 1; i < attempt && delay < delay_max; ++i) delay *= 3;
    delay = std::min<Duration>(delay, delay_max);
    return delay +
           Duration(static_cast<Duration::rep>(static_cast<double>(delay.count()) * jitter / 4));
}

}  // namespace

DeliveryVerdict judge(const DeliveryOutcome& outcome, int attempt, Timestamp owed_since,
                      Timestamp now, double jitter) {
    if (outcome.status / 100 == 2) return Sent{};
    if (!worth_repeating(outcome.status))
        return GaveUp{"the receiver refused the request with status " +
                      std::to_string(outcome.status)};
    Duration delay = delay_after(attempt, jitter);
    if (outcome.retry_after) delay = std::max(delay, *outcome.retry_after);
    if (now + delay > owed_since + owed_for_max) return GaveUp{"not delivered in 75 hours"};
    return RetryAt{now + delay};
}

std::optional<Duration> parse_retry_after(std::string_view value) {
    long long seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error != std::errc{} || end != value.data() + value.size()) return std::nullopt;
    if (seconds < 0 || seconds > std::chrono::seconds(owed_for_max).count()) return std::nullopt;
    return std::chrono::seconds(seconds);
}

}  // namespace runnerwatch
