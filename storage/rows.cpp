#include "storage/rows.h"

#include <algorithm>

namespace runnerwatch {

namespace {

// What of several states is said of all together: the highest.
int rank(IncidentState state) {
    switch (state) {
        case IncidentState::open:
            return 4;
        case IncidentState::cannot_tell:
            return 3;
        case IncidentState::recovering:
            return 2;
        case IncidentState::resolved:
        case IncidentState::folded:
            return 1;
    }
    return 0;
}

}  // namespace

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

IncidentRow as_whole(const std::vector<IncidentRow>& merged) {
    IncidentRow row = merged.front();
    for (std::size_t i = 1; i < merged.size(); ++i) {
        const IncidentRow& other = merged[i];
        if (!is_over(other.state)) row.severity = std::max(row.severity, other.severity);
        if (rank(other.state) > rank(row.state)) row.state = other.state;
        row.count += other.count;
        row.reopened += other.reopened;
        if (other.first_seen && (!row.first_seen || *other.first_seen < *row.first_seen))
            row.first_seen = other.first_seen;
        row.last_seen = std::max(row.last_seen, other.last_seen);
        if (other.ended_at > row.ended_at) row.proof = other.proof;
        row.ended_at = std::max(row.ended_at, other.ended_at);
        if (row.waiting_for.empty() && !is_over(other.state)) row.waiting_for = other.waiting_for;
    }
    if (!is_over(row.state)) {
        row.ended_at.reset();
        row.proof.clear();
    }
    return row;
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
