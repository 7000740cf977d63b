#pragma once

#include "storage/rows.h"

#include <string>
#include <vector>

// What was read of each source, what is missing, and how far it is proven: one account for the
// page, the API and the command, made of the rows that a commit wrote. Pure; `now` is our clock.
namespace runnerwatch {

// A source is current when it is proven read up to a moment at most this long ago, unless the
// caller says otherwise: quiet logs are asked every 5 minutes.
constexpr std::chrono::minutes coverage_current_within{10};

// The row of a source's coverage that says what was read has this ordinal and kind; the others are
// its gaps: behind the last line known before them (`from`) and ahead of the next one (`to`, none
// while that has not come).
constexpr std::int64_t read_ordinal = 0;
constexpr const char* read_kind = "read";

enum class CoverageState {
    current,   // proven read up to a short while ago
    behind,    // read, but not proven since
    unknown,   // nothing is proven yet
    complete,  // it has ended and was read to its end, apart from its gaps
    ended      // it has ended, and is not known to be read to its end
};
const char* to_string(CoverageState state);

struct SourceCoverage {
    Place place;
    CoverageState state = CoverageState::unknown;
    std::optional<Timestamp> read_from, read_up_to;  // source time
    std::uint64_t lines = 0;                         // handed over
    std::optional<Duration> lag;                     // of one that goes on: since read_up_to
    std::vector<CoverageRow> gaps;                   // in the order they were noted
};

struct CoverageCount {
    std::size_t current = 0, living = 0;
    std::optional<Timestamp> as_of;  // the current ones are proven at least up to here
    bool files = false;              // not only containers

    void add(const Place& place, std::optional<Timestamp> read_up_to, Timestamp now,
             Duration within);
    // "49 of 50 containers proven current as of 2026-11-30 02:10:03 UTC"
    std::string words() const;
};

struct CoverageReport {
    CoverageCount count;
    std::vector<SourceCoverage> sources;  // by cluster, namespace, pod, container and instance
};

// The rows of a database: all of its sources, positions and coverage.
struct CoverageRows {
    std::vector<SourceRow> sources;
    std::vector<PositionRow> positions;
    std::vector<CoverageRow> coverage;
};

CoverageReport coverage_report(const CoverageRows& rows, Timestamp now,
                               Duration within = coverage_current_within);

// What kind of gap it is and how long, for people: "the log was rotated while nobody read it, from
// 2026-11-30 02:10:03 UTC to 2026-11-30 02:10:09 UTC".
std::string gap_words(const CoverageRow& gap);

}  // namespace runnerwatch
