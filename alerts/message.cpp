#include "alerts/message.h"

#include "parsers/fill_fix.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

std::string number_of(const IncidentRow& row) {
    return row.number > 0 ? "#" + std::to_string(row.number) : "";
}

std::string upper(std::string_view word) {
    std::string text(word);
    for (auto& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string since_words(const IncidentRow& row) {
    std::string words;
    if (row.first_seen) words = "since " + format_time_for_people(*row.first_seen);
    if (row.state == IncidentState::resolved && row.first_seen && row.ended_at)
        words = "open " + format_time_for_people(*row.first_seen) + " to " +
                format_time_for_people(*row.ended_at);
    if (row.clock == ClockKind::ours) words += " (our clock: the log has no times)";
    words += (words.empty() ? "" : " · ") + std::to_string(row.count) +
             (row.count == 1 ? " time" : " times");
    return row.scope_words.empty() ? words : words + " · " + row.scope_words;
}

std::string incident_text(const MessageIncident& incident) {
    const IncidentRow& row = incident.row;
    std::string text = upper(to_string(row.severity)) + "  " + row.title;
    if (row.number > 0) text += "  " + number_of(row);
    text += std::string("  [") + to_string(incident.reason) + "]\n";
    text += since_words(row) + "\n";
    if (incident.reason == Reason::was_open)
        text += "It began and ended before you could be reached.\n";
    if (!row.woke_because.empty() &&
        (incident.reason == Reason::snooze_ended || incident.reason == Reason::opened))
        text += "its snooze ended: " + row.woke_because + "\n";
    if (!row.proof.empty()) text += "proof: " + row.proof + "\n";
    if (is_over(row.state) || incident.reason == Reason::part_of) return text;
    if (!row.impact.empty()) text += "impact: " + row.impact + "\n";
    if (const auto cause = top_cause(row)) {
        text += "why (" + cause->confidence + "): " + cause->says + "\n";
        if (!cause->disproved_by.empty()) text += "disproved by: " + cause->disproved_by + "\n";
    }
    text += "line: " + row.headline + "\n";
    const json symptoms = json::parse(row.symptoms.empty() ? "{}" : row.symptoms);
    for (const auto& [unused, symptom] : symptoms.items())
        text += "also: " + symptom.value("title", "") + " ×" +
                std::to_string(symptom.value("count", 0)) + "\n";
    if (!incident.fix_title.empty()) text += "fix: " + incident.fix_title + "\n";
    int step = 0;
    for (const auto& fix : incident.fix_steps) {
        text += "  " + std::to_string(++step) + ". " + step_words(fix.says, fix.versions) + "\n";
        if (!fix.command.empty()) {
            std::string command = fix.command;
            while (!command.empty() && command.back() == '\n') command.pop_back();
            for (std::size_t at = 0; (at = command.find('\n', at)) != std::string::npos; at += 7)
                command.replace(at, 1, "\n      ");
            text += "      " + command + "\n";
        }
    }
    if (!row.waiting_for.empty()) text += "over when: " + row.waiting_for + "\n";
    return text;
}

}  // namespace

const char* to_string(Reason reason) {
    switch (reason) {
        case Reason::opened:
            return "opened";
        case Reason::was_open:
            return "was_open";
        case Reason::severity_raised:
            return "severity_raised";
        case Reason::reopened:
            return "reopened";
        case Reason::resolved:
            return "resolved";
        case Reason::part_of:
            return "part_of";
        case Reason::cannot_tell:
            return "cannot_tell";
        case Reason::flapping:
            return "flapping";
        case Reason::snooze_ended:
            return "snooze_ended";
        case Reason::reminder:
            return "reminder";
        case Reason::found_at_start:
            return "found_at_start";
    }
    return "";
}

Reason reason_for(const DueMessage& message, const DueMessage::Entry& entry) {
    if (message.reminder) return Reason::reminder;
    if (entry.owed == "flapping") return Reason::flapping;
    if (entry.owed == "resolved") return entry.told.empty() ? Reason::was_open : Reason::resolved;
    if (entry.owed == "folded") return Reason::part_of;
    if (entry.owed == "cannot_tell") return Reason::cannot_tell;
    if (message.kind == "start") return Reason::found_at_start;
    if (entry.told.empty()) return Reason::opened;
    // open:severity:reopened, and :wakes behind that.
    const auto part = [](const std::string& state, int number) {
        std::size_t from = 0;
        for (; number > 0 && from != std::string::npos; --number) {
            from = state.find(':', from);
            if (from != std::string::npos) ++from;
        }
        return from == std::string::npos ? "" : state.substr(from, state.find(':', from) - from);
    };
    if (part(entry.told, 3) != part(entry.owed, 3)) return Reason::snooze_ended;
    if (entry.told.rfind("open:", 0) == 0 && part(entry.told, 2) == part(entry.owed, 2))
        return entry.told == entry.owed ? Reason::snooze_ended : Reason::severity_raised;
    return Reason::reopened;
}

std::optional<TopCause> top_cause(const IncidentRow& incident) {
    if (incident.causes.empty()) return std::nullopt;
    const json causes = json::parse(incident.causes);
    if (causes.empty()) return std::nullopt;
    const json& first = causes.front();
    return TopCause{first.value("id", ""),           first.value("catalog", ""),
                    first.value("confidence", ""),   first.value("says", ""),
                    first.value("disproved_by", ""), first.value("fix", "")};
}

std::optional<Fix> fix_for(const IncidentRow& incident, const std::vector<MemberRow>& members,
                           const RulePack& pack) {
    const auto cause = top_cause(incident);
    const Rule* rule = pack.find(incident.rule);
    const Fix* fix = rule && cause ? rule->fix(cause->fix) : nullptr;
    if (rule && !fix && !rule->fixes.empty()) fix = &rule->fixes.front();
    if (!fix) return std::nullopt;
    const Values values = json::parse(incident.values).get<Values>();
    if (members.empty()) return fill_fix(*fix, values, {incident.namespace_, incident.workload});
    const auto first =
        std::min_element(members.begin(), members.end(),
                         [](const auto& a, const auto& b) { return a.first_seen < b.first_seen; });
    return fill_fix(*fix, values, {first->place.namespace_, first->place.workload});
}

Message compose(const DueMessage& due, const std::vector<IncidentDetail>& details,
                const RulePack& pack, Timestamp now) {
    Message message;
    message.receiver = due.receiver;
    message.delivery_key = due.delivery_key;
    message.kind = due.kind;
    message.labels = due.labels;
    message.note = due.note;
    message.at = now;
    for (const auto& entry : due.entries) {
        const auto detail = std::find_if(
            details.begin(), details.end(),
            [&](const auto& candidate) { return candidate.incident.key == entry.incident; });
        if (detail == details.end()) continue;
        MessageIncident incident;
        incident.reason = reason_for(due, entry);
        incident.row = detail->incident;
        incident.members = detail->members;
        if (incident.members.size() > MessageIncident::members_max)
            incident.members.resize(MessageIncident::members_max);
        if (auto fix = fix_for(incident.row, detail->members, pack)) {
            incident.fix_title = std::move(fix->title);
            incident.fix_steps = std::move(fix->steps);
            incident.fix_verify = std::move(fix->verify);
        }
        message.incidents.push_back(std::move(incident));
    }
    std::stable_sort(message.incidents.begin(), message.incidents.end(),
                     [](const auto& a, const auto& b) { return a.row.severity > b.row.severity; });
    if (message.incidents.size() > Message::incidents_max) {
        message.beyond = message.incidents.size() - Message::incidents_max;
        message.incidents.resize(Message::incidents_max);
    }
    return message;
}

std::string subject_of(const Message& message) {
    const std::size_t count = message.incidents.size() + message.beyond;
    if (count == 0) return message.note.empty() ? "nothing to report" : message.note;
    const IncidentRow& worst = message.incidents.front().row;
    if (message.kind == "start") {
        std::optional<Timestamp> oldest;
        for (const auto& incident : message.incidents)
            if (incident.row.first_seen && (!oldest || *incident.row.first_seen < *oldest))
                oldest = incident.row.first_seen;
        return "found at start: " + std::to_string(count) + " open" +
               (oldest ? ", the oldest since " + format_time_for_people(*oldest) : "");
    }
    const Reason reason = message.incidents.front().reason;
    std::string subject = std::string("[") +
                          (reason == Reason::resolved ? "resolved" : to_string(worst.severity)) +
                          "] " + worst.title;
    if (!worst.scope_words.empty() && reason != Reason::resolved)
        subject += ": " + worst.scope_words;
    if (count > 1) subject += " (and " + std::to_string(count - 1) + " more)";
    return visible_text(subject);
}

std::string text_of(const Message& message) {
    std::string text;
    if (!message.note.empty()) text += message.note + "\n\n";
    for (const auto& incident : message.incidents) text += incident_text(incident) + "\n";
    if (message.beyond > 0) text += "and " + std::to_string(message.beyond) + " more\n";
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return visible_text(text, Newlines::keep);
}

}  // namespace runnerwatch
