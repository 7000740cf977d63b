#pragma once

#include "parsers/matcher.h"
#include "parsers/rule_trace.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// A record and all that the rules make of it. Points into the matcher's pack.
struct Explained {
    std::uint64_t line = 0, line_end = 0;  // physical lines, from 1
    std::optional<Timestamp> prefix_time;
    std::string pod, container;  // of the prefix
    bool cut = false;
    Record record;
    std::optional<Detection> detection;
    std::vector<WayTrace> ways;          // of the detection's rule
    std::vector<ConditionTrace> causes;  // one for each of the rule's causes; `what` is empty
                                         // where it has no condition
    std::vector<const Rule*> others;     // that match too and lose
    std::vector<RecoveryLine::Use> recoveries;  // in the order of the pack
    std::vector<NearMiss> near_misses;
};

// The records of a text, at most `most`; how many more there are goes to `beyond`.
std::vector<Explained> explain_text(const Matcher& matcher, const std::string& text,
                                    std::size_t most, std::size_t nearest, std::size_t& beyond);

nlohmann::ordered_json explained_json(const Explained& one);

}  // namespace runnerwatch
