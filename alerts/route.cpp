#include "alerts/route.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

namespace {

using Labels = std::map<std::string, std::string>;

bool matches(const Route& route, const Labels& labels) {
    return std::all_of(route.match.begin(), route.match.end(), [&](const auto& wanted) {
        const auto label = labels.find(wanted.first);
        const auto& values = wanted.second;
        return label != labels.end() &&
               std::find(values.begin(), values.end(), label->second) != values.end();
    });
}

void collect(const Route& route, const Labels& labels, std::vector<const Route*>& taken) {
    const std::size_t before = taken.size();
    for (const auto& child : route.routes) {
        if (!matches(child, labels)) continue;
        collect(child, labels, taken);
        if (!child.continue_after) break;
    }
    if (taken.size() == before) taken.push_back(&route);
}

}  // namespace

std::map<std::string, std::string> labels_of(const IncidentRow& incident) {
    Labels labels{{"rule", incident.rule},
                  {"severity", to_string(incident.severity)},
                  {"response", to_string(incident.response)},
                  {"cluster", incident.cluster},
                  {"namespace", incident.namespace_},
                  {"workload", incident.workload}};
    if (!incident.fields.empty())
        labels["host"] = nlohmann::json::parse(incident.fields).value("host", "");
    std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
    return labels;
}

std::vector<const Route*> routes_for(const Route& root, const IncidentRow& incident) {
    std::vector<const Route*> taken;
    collect(root, labels_of(incident), taken);
    return taken;
}

}  // namespace runnerwatch
