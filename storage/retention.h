#pragma once

#include "parsers/timestamp.h"

#include <cstdint>

namespace runnerwatch {

// What a database may forget. Only incidents that are over, and what is told of those; never one
// that is open, on legal hold, still owed to a receiver, or whose cause or symptom is one of these.
// Identities stay: they hold the number of occurrences.
struct RetentionRules {
    // Late lines join an incident and receivers are told of it for less than this long.
    static constexpr std::chrono::hours kept_at_least{72};
    // Of bytes_max: forgetting begins above the first and goes on down to the second.
    static constexpr std::uint64_t begin_percent = 80, end_percent = 75;

    Timestamp now{};                                  // our clock
    Duration age_max = std::chrono::hours(24 * 180);  // since it ended and we knew of it
    std::uint64_t bytes_max = 0;                      // 0: any size
};

// What one slice of forgetting removed.
struct Forgotten {
    std::uint64_t aged = 0;     // incidents older than the rules allow
    std::uint64_t crowded = 0;  // incidents that went for room, the least severe and oldest first
    std::uint64_t deliveries = 0, gaps = 0, positions = 0, templates = 0, audits = 0;
    bool more = false;       // there may be more to do: ask again
    bool too_large = false;  // above bytes_max, and nothing is left that may be forgotten
    std::uint64_t bytes_used = 0, bytes_free = 0;  // of the file; the free ones are used again

    std::uint64_t incidents() const { return aged + crowded; }
    bool nothing() const {
        return incidents() + deliveries + gaps + positions + templates + audits == 0;
    }
    // Adds what a later slice removed; the rest is that slice's.
    void add(const Forgotten& later);
};

}  // namespace runnerwatch
