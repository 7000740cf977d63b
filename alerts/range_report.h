#pragma once

#include "alerts/document.h"
#include "alerts/statistics.h"
#include "storage/coverage.h"
#include "storage/history.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

// What a span of time was like, for a weekly review: incidents by rule and workload with how long
// they took, what was new, what came again, what nobody was told of, whom we told how often, and
// what was not read. Pure: the same rows give the same bytes.
namespace runnerwatch {

// What receivers were told in a span: counted as it is read, however much it was.
class DeliverySums {
public:
    struct Load {
        std::size_t sent = 0, retries = 0, given_up = 0;
        std::set<std::string> incidents;  // keys
    };
    void add(const DeliveryAttemptRow& attempt);
    const std::map<std::string, Load>& by_receiver() const { return loads_; }

private:
    std::map<std::string, Load> loads_;
};

struct RangeRows {
    static constexpr std::size_t incidents_max = 1'000;

    Timestamp since{}, until{};
    StatisticsSums sums;                 // of those that began in the span
    std::vector<IncidentRow> incidents;  // going on in the span, newest first
    bool more_incidents = false;         // than incidents_max
    std::set<std::string> known_rules;   // of incidents that began before the span
    DeliverySums told;                   // in the span
    std::vector<TemplateRow> templates;  // messages that no rule takes
    CoverageRows coverage;
};

Document range_report(const RangeRows& rows);

}  // namespace runnerwatch
