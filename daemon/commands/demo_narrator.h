#pragma once

#include "daemon/runtime/clock.h"
#include "storage/rows.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>

namespace runnerwatch {

// Tells a person at a terminal what the demonstration does, one event a block. Confined to the
// loop.
class DemoNarrator {
public:
    DemoNarrator(const Clock& clock, bool colour) : clock_(clock), colour_(colour) {}

    void begin() { began_ = clock_.now(); }
    void say(const std::string& who, const std::string& what);
    void incident(const IncidentRow& row);
    // What the webhook's receiver got.
    void received(const nlohmann::json& body, const std::string& id);

    // Whether an incident of this rule was told as resolved.
    bool resolved(const std::string& rule) const;

private:
    struct Told {
        IncidentState state = IncidentState::open;
        Severity severity = Severity::info;
        std::string rule;
    };

    void opened(const IncidentRow& row);
    void detail(const std::string& name, const std::string& text);
    std::string painted(const std::string& text, const char* code) const;

    const Clock& clock_;
    bool colour_;
    Timestamp began_{};
    std::map<std::string, Told> told_;  // by incident key
};

}  // namespace runnerwatch
