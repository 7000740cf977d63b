#pragma once

#include "storage/history.h"

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

// How long it took to notice, to tell, to take up, to stop and to end incidents, and how many came
// again. Pure.
namespace runnerwatch {

// Of some incidents: the middle one and the one that nine of ten do not exceed (the smallest value
// that at least so many do not exceed), or none where none was measured.
struct Percentiles {
    std::size_t n = 0;
    std::optional<Duration> p50, p90;
};
Percentiles percentiles(std::vector<Duration> values);

struct IncidentStatistics {
    static constexpr std::array<int, 3> recurrence_days{7, 30, 90};

    std::size_t incidents = 0;
    std::size_t going_on = 0;          // neither ended nor known to be
    std::size_t snoozed = 0;           // kept quiet by people: counted here and in nothing else
    std::size_t drills = 0;            // tagged `drill`: so, too
    std::size_t found_afterwards = 0;  // over before we first read of them: in no figure but two
    Percentiles detect;                // MTTD: first line to detection
    Percentiles notify;                // MTTN: detection to the first accepted delivery
    Percentiles acknowledge;           // MTTA: that delivery to the first acknowledgement
    Percentiles mitigate;              // MTTM: first line to the last recovery line
    Percentiles resolve;               // MTTR: first line to proven recovery
    // How many had an earlier occurrence that ended at most so many days before them.
    std::array<std::size_t, 3> recurred{};
};

// Sums incidents up as they come, all of them and by rule. Keeps the measured times (8 bytes each),
// nothing else of them.
//
// Times of the log and times of ours are compared for detection alone; where a node's clock is
// ahead of ours that counts as at once. Incidents dated by our clock, for want of one in the log,
// have no time of detection. One found afterwards counts for mitigation and resolution.
class StatisticsSums {
public:
    void add(const IncidentMoments& incident);

    IncidentStatistics all() const;
    // Those with most incidents first.
    std::vector<std::pair<std::string, IncidentStatistics>> by_rule() const;
    // "namespace Deployment/name"; empty: what concerns a host or a whole cluster.
    std::vector<std::pair<std::string, IncidentStatistics>> by_workload() const;
    // By version of the runner, where that is known.
    std::vector<std::pair<std::string, IncidentStatistics>> by_release() const;

private:
    struct Times {
        IncidentStatistics counts;
        std::vector<Duration> detect, notify, acknowledge, mitigate, resolve;

        void add(const IncidentMoments& incident);
        IncidentStatistics sums() const;
    };
    Times all_;
    using Sums = std::map<std::string, Times>;
    static std::vector<std::pair<std::string, IncidentStatistics>> listed(const Sums& sums);

    Sums rules_, workloads_, releases_;
};

}  // namespace runnerwatch
