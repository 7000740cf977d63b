#include "storage/rows.h"

#include <algorithm>

namespace runnerwatch {

const char* to_string(IncidentState state) {
    switch (state) {
        case IncidentState::open:
            return "open";
        case IncidentState::recovering:
            return "recovering";
        case IncidentState::resolved:
            return "resolved";
        case IncidentState::cannot_tell:
            return "cannot_tell";
        case IncidentState::folded:
            return "folded";
    }
    return "";
}

const char* to_string(MemberState state) {
    switch (state) {
        case MemberState::failing:
            return "failing";
        case MemberState::recovering:
            return "recovering";
        case MemberState::recovered:
            return "recovered";
        case MemberState::gone:
            return "gone";
        case MemberState::replaced:
            return "replaced";
    }
    return "";
}

bool is_over(IncidentState state) {
    return state == IncidentState::resolved || state == IncidentState::folded;
}

std::vector<std::string> tag_list(std::string_view tags) {
    std::vector<std::string> list;
    for (std::size_t at = 0; at < tags.size();) {
        const std::size_t end = std::min(tags.find(' ', at), tags.size());
        list.emplace_back(tags.substr(at, end - at));
        at = end + 1;
    }
    return list;
}

const char* to_string(ClockKind clock) { return clock == ClockKind::ours ? "ours" : "source"; }

std::optional<IncidentState> incident_state_from(std::string_view word) {
    for (const auto state :
         {IncidentState::open, IncidentState::recovering, IncidentState::resolved,
          IncidentState::cannot_tell, IncidentState::folded})
        if (word == to_string(state)) return state;
    return std::nullopt;
}

std::optional<MemberState> member_state_from(std::string_view word) {
    for (const auto state : {MemberState::failing, MemberState::recovering, MemberState::recovered,
                             MemberState::gone, MemberState::replaced})
        if (word == to_string(state)) return state;
    return std::nullopt;
}

}  // namespace runnerwatch
