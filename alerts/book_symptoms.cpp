// How a symptom becomes part of its cause's incident, in whichever order they came.
#include "alerts/book_state.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

// The fields both records have; nothing when one of them differs.
std::optional<int> fields_in_common(
    const json& cause, const std::vector<std::pair<std::string, std::string>>& symptom) {
    int common = 0;
    for (const auto& [name, value] : symptom) {
        const auto found = cause.find(name);
        if (found == cause.end()) continue;
        if (*found != value) return std::nullopt;
        ++common;
    }
    return common;
}

}  // namespace

bool IncidentBook::State::shares_scope(
    const Incident& cause, const Rule& symptom, const Place& place,
    const std::vector<std::pair<std::string, std::string>>& fields,
    std::optional<Timestamp> at) const {
    if (!cause.rule || cause.row.state == IncidentState::folded) return false;
    const auto& named = cause.rule->symptoms;
    if (std::find(named.begin(), named.end(), symptom.id) == named.end()) return false;
    if (cause.row.cluster != place.cluster && cause.rule->scope != Scope::host) return false;
    if (cause.rule->scope == Scope::workload &&
        (cause.row.namespace_ != place.namespace_ || cause.row.workload != place.workload))
        return false;
    // An open trouble lasts until it is proven over, so only its beginning bounds it in time.
    if (at && cause.row.first_seen && *at < *cause.row.first_seen - fold_within) return false;
    if (cause.row.state == IncidentState::resolved &&
        (!at || !cause.row.ended_at || *at > *cause.row.ended_at + fold_within))
        return false;
    const auto common = fields_in_common(json::parse(cause.row.fields), fields);
    if (!common) return false;
    if (*common > 0) return true;
    return std::any_of(cause.members.begin(), cause.members.end(), [&](const auto& entry) {
        return entry.second.place.instance == place.instance;
    });
}

Incident* IncidentBook::State::cause_for(const Observation& seen) {
    const auto rules = causes_of.find(seen.rule->id);
    if (rules == causes_of.end()) return nullptr;
    for (auto& [key, incident] : incidents)
        // An earlier occurrence may be held for what people did to it.
        if (rules->second.contains(incident.row.rule) && current.contains(incident.row.identity) &&
            current.at(incident.row.identity) == key &&
            shares_scope(incident, *seen.rule, seen.place, seen.identity, seen.at))
            return &incident;
    return nullptr;
}

void IncidentBook::State::fold_symptom(Incident& cause, const Observation& seen, Timestamp now) {
    json symptoms = json::parse(cause.row.symptoms);
    json& mine = symptoms[seen.rule->id];
    const bool fresh = mine.is_null();
    const std::string at = seen.at ? format_time(*seen.at) : "";
    if (fresh) mine = {{"count", 0}, {"first", at}, {"last", at}, {"title", seen.rule->title}};
    mine["count"] = mine["count"].get<std::int64_t>() + 1;
    mine["first"] = std::min(mine["first"].get<std::string>(), at);
    mine["last"] = std::max(mine["last"].get<std::string>(), at);
    cause.row.symptoms = symptoms.dump(-1, ' ', false, json::error_handler_t::replace);
    if (fresh)
        note(cause, seen.at, seen.clock, "symptom", seen.place.member,
             "symptom: " + fill_template(seen.rule->title, seen.values), evidence_reference(seen));
    raise_severity(cause, seen.rule->severity, seen.rule->title, now);
    add(cause, seen, now, true);
}

// The cause came after its symptom: what the symptom had opened becomes part of it.
void IncidentBook::State::fold_open_symptoms(Incident& cause, Timestamp now) {
    for (const auto& id : cause.rule->symptoms) {
        const auto keys = by_rule.find(id);
        if (keys == by_rule.end()) continue;
        for (const auto& key : std::set<std::string>(keys->second)) {
            Incident& symptom = incidents.at(key);
            if (!symptom.rule || symptom.members.empty()) continue;
            std::vector<std::pair<std::string, std::string>> fields;
            const json stored = json::parse(symptom.row.fields);
            for (const auto& [name, value] : stored.items())
                fields.emplace_back(name, value.get<std::string>());
            const Place& place = symptom.members.begin()->second.place;
            if (!shares_scope(cause, *symptom.rule, place, fields, symptom.row.first_seen) ||
                (symptom.row.last_seen && cause.row.first_seen &&
                 *symptom.row.last_seen < *cause.row.first_seen - fold_within))
                continue;
            json symptoms = json::parse(cause.row.symptoms);
            const auto time = [](auto at) { return at ? format_time(*at) : std::string(); };
            json& mine = symptoms[id];
            if (mine.is_null())
                mine = {{"count", 0},
                        {"first", time(symptom.row.first_seen)},
                        {"last", time(symptom.row.last_seen)},
                        {"title", symptom.rule->title}};
            mine["count"] = mine["count"].get<std::int64_t>() + symptom.row.count;
            mine["first"] =
                std::min(mine["first"].get<std::string>(), time(symptom.row.first_seen));
            mine["last"] = std::max(mine["last"].get<std::string>(), time(symptom.row.last_seen));
            cause.row.symptoms = symptoms.dump(-1, ' ', false, json::error_handler_t::replace);
            note(cause, symptom.row.first_seen, symptom.row.clock, "symptom",
                 symptom.members.begin()->first, "symptom: " + symptom.row.title);
            raise_severity(cause, symptom.row.severity, symptom.rule->title, now);
            symptom.row.folded_into = cause.row.key;
            note(symptom, cause.row.first_seen, cause.row.clock, "folded", "runnerwatch",
                 "is a symptom of: " + cause.row.title);
            put_state(symptom, IncidentState::folded, now);
        }
    }
}

}  // namespace runnerwatch
