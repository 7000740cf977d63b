// What an incident says about itself: how wide it is and what would end it.
#include "alerts/book_state.h"

namespace runnerwatch {

namespace {

// A pattern as people read it: without the escapes of regular expressions.
std::string plain_words(const std::string& pattern) {
    std::string words;
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (pattern[i] != '\\' || i + 1 == pattern.size()) words += pattern[i];
    return words;
}

}  // namespace

std::set<std::string> IncidentBook::State::running_members(const Place& place) const {
    std::set<std::string> running;
    if (place.member_uid.empty()) return running;  // only pods are counted by a watch
    const auto found = workload_sources.find(workload_key(place));
    if (found == workload_sources.end()) return running;
    for (const auto& instance : found->second) {
        const SourceRow& source = sources.at(instance);
        if (!source.ended && !source.gone) running.insert(source.place.member);
    }
    return running;
}

std::string IncidentBook::State::scope_words(const Incident& incident) const {
    if (incident.members.empty()) return "";
    std::set<std::string> workloads, failing;
    for (const auto& [name, member] : incident.members) {
        workloads.insert(workload_key(member.place));
        if (member.state == MemberState::failing) failing.insert(name);
    }
    const Place& place = incident.members.begin()->second.place;
    const std::size_t count = incident.members.size();
    if (place.member_uid.empty())
        return count == 1 ? place.member : std::to_string(count) + " sources";
    if (workloads.size() > 1)
        return std::to_string(count) + " pods of " + std::to_string(workloads.size()) +
               " workloads";
    const auto running = running_members(place);
    std::size_t shown = 0;
    for (const auto& name : running) shown += failing.contains(name) ? 1U : 0U;
    const std::string where = place.workload + " in namespace " + place.namespace_ +
                              (place.cluster.empty() ? "" : " (" + place.cluster + ")");
    if (running.empty() || shown == 0)
        return std::to_string(count) + (count == 1 ? " pod of " : " pods of ") + where;
    return std::to_string(shown) + " of " + std::to_string(running.size()) +
           (running.size() == 1 ? " running pod of " : " running pods of ") + where;
}

std::string IncidentBook::State::waiting_words(const Incident& incident) const {
    for (const auto& [name, member] : incident.members) {
        switch (member.state) {
            case MemberState::recovered:
                continue;
            case MemberState::recovering:
                return "the recovery in " + (member.successor.empty() ? name : member.successor) +
                       " to last";
            case MemberState::gone:
                return name + " is gone; a newer pod of " + member.place.workload +
                       " to be read would settle it";
            case MemberState::replaced:
                return "evidence in " + member.successor + ", which replaces " + name;
            case MemberState::failing: {
                std::string words;
                if (incident.rule)
                    for (const auto& pattern : incident.rule->recover) {
                        words +=
                            (words.empty() ? "\"" : " or \"") + plain_words(pattern.message) + "\"";
                        if (pattern.hold.count() > 0)
                            words += " and " + format_duration(pattern.hold) + " without it";
                    }
                if (incident.rule && incident.rule->silence)
                    words += (words.empty() ? "" : " or ") +
                             format_duration(*incident.rule->silence) + " without it";
                return words.empty() ? "a person to resolve it: no line proves recovery"
                                     : "in " + name + ": " + words;
            }
        }
    }
    return "";
}

}  // namespace runnerwatch
