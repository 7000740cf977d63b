#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// Every time in this program: nanoseconds since 1970 in UTC. Which clock it came from (a log's,
// a node's, ours) is said by the name of the variable, never by its type.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

struct ParsedTime {
    Timestamp time;
    std::size_t length;  // bytes of the input that belong to the time
};

// Reads an RFC 3339 time at the start of `text`: "2026-01-02T03:04:05[.1-9
// digits](Z|±hh:mm|±hhmm)". What follows the time is not looked at. Kubelets before 1.26 and CRI-O
// write fewer digits and local offsets (kubernetes logs.go:52), journald writes an offset without
// the colon.
std::optional<ParsedTime> parse_time(std::string_view text);

// As parse_time(), a quarter of its time where the kubelet's nine digits in UTC follow one another
// within a minute: the minute is compared and not read. A value.
class TimeReader {
public:
    std::optional<ParsedTime> read(std::string_view text);

private:
    std::array<char, sizeof "2026-01-02T03:04:" - 1> minute_{};
    Timestamp begin_{};  // of that minute
};

// Reads microseconds since 1970, as the journal writes them. None for anything else.
std::optional<Timestamp> parse_unix_micros(std::string_view text);

// "2026-01-02T03:04:05.678901234Z", always nine digits: sorts as text.
std::string format_time(Timestamp time);

// "2026-01-02 03:04:05 UTC", for people.
std::string format_time_for_people(Timestamp time);

// Reads a duration as Go and our configuration write it: "90s", "5m", "1h0m0s", "250ms", "7d".
// Nothing else may follow. A bare "0" is a duration, a bare "5" is not.
std::optional<Duration> parse_duration(std::string_view text);

// As Go prints it: "1h0m0s", "3s", "1.5s", "250ms", "0s".
std::string format_duration(Duration duration);

}  // namespace runnerwatch
