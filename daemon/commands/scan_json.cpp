#include "daemon/commands/scan_json.h"

#include "parsers/fill_fix.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t message_bytes_max = 64 * 1024;
constexpr std::size_t value_bytes_max = 8 * 1024;

Values shown_values(const Values& values) {
    Values safe;
    for (const auto& [name, value] : values) safe[shown(name, 200)] = shown(value, value_bytes_max);
    return safe;
}

json cause_of(const Detection& detection) {
    if (detection.causes.empty()) return nullptr;
    const HeldCause& held = detection.causes.front();
    return {{"id", held.cause->id},
            {"confidence", to_string(held.cause->confidence)},
            {"says", shown(held.says, value_bytes_max)}};
}

json fix_of(const Detection& detection, const Values& values) {
    if (detection.causes.empty()) return nullptr;
    const Fix* known = detection.rule->fix(detection.causes.front().cause->fix);
    if (known == nullptr) return nullptr;
    const Fix fix = fill_fix(*known, values);
    json steps = json::array();
    for (const FixStep& step : fix.steps) {
        json one = {{"says", step.says}};
        if (!step.command.empty()) one["command"] = step.command;
        if (!step.versions.empty()) one["versions"] = step.versions;
        steps.push_back(std::move(one));
    }
    return {
        {"id", fix.id}, {"title", fix.title}, {"steps", std::move(steps)}, {"verify", fix.verify}};
}

}  // namespace

std::string scan_json(const ScanHit& hit) {
    const Detection& detection = hit.detection;
    Values values = shown_values(detection.values);
    for (const auto& [name, value] : detection.identity)
        values.emplace(name, shown(value, value_bytes_max));
    json fields = json::object();
    for (const Field& field : hit.record.fields)
        fields[shown(field.key, 200)] = shown(field.value, value_bytes_max);
    json object = {{"rule", detection.rule->id},
                   {"catalog", detection.rule->catalog},
                   {"also", detection.also},
                   {"severity", to_string(detection.rule->severity)},
                   {"title", fill_template(detection.rule->title, values)},
                   {"source", hit.at.source},
                   {"line", hit.at.line},
                   {"line_end", hit.at.line_end},
                   {"time", nullptr},
                   {"message", shown(hit.record.message, message_bytes_max)},
                   {"fields", std::move(fields)},
                   {"captures", json(shown_values(detection.captures))},
                   {"cause", cause_of(detection)},
                   {"fix", fix_of(detection, values)}};
    if (hit.at.time) object["time"] = format_time(*hit.at.time);
    if (!hit.at.pod.empty()) object["pod"] = hit.at.pod;
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace runnerwatch
