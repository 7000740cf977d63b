// How acknowledgements and snoozes end: by our clock, or by what is seen.
#include "alerts/book_state.h"

namespace runnerwatch {

void end_snooze(IncidentRow& row) {
    row.snoozed_by.clear();
    row.snoozed_until.reset();
    row.snoozed_count = 0;
    row.snoozed_until_worse = false;
}

// Who is told of it afterwards learns why. Of what is over nobody wants to hear that.
void IncidentBook::State::wake(Incident& incident, const std::string& why, Timestamp now) {
    IncidentRow& row = incident.row;
    if (row.snoozed_by.empty()) return;
    write_row(incident, now, ClockKind::ours, "snooze_ended", "runnerwatch",
              "the snooze of " + row.snoozed_by + " ended: " + why, {}, "{}");
    end_snooze(row);
    if (!lasts(incident)) return;
    ++row.wakes;
    row.woke_because = why;
}

void IncidentBook::State::wake_if_seen_enough(Incident& incident, Timestamp now) {
    const IncidentRow& row = incident.row;
    if (row.snoozed_count == 0 || row.count < row.snoozed_count) return;
    wake(incident, "it has been seen " + std::to_string(row.count) + " times", now);
}

bool IncidentBook::State::lasts(const Incident& incident) const {
    return !is_over(incident.row.state) || in_living_group(incident.row.key);
}

void IncidentBook::State::expire(Incident& incident, Timestamp now) {
    IncidentRow& row = incident.row;
    if (row.snoozed_until && *row.snoozed_until <= now)
        wake(incident, "it was snoozed until " + format_time_for_people(*row.snoozed_until), now);
    // Who worked on what is over stays on record.
    if (row.acknowledged_until && *row.acknowledged_until <= now && lasts(incident)) {
        write_row(incident, now, ClockKind::ours, "ack_expired", "runnerwatch",
                  row.acknowledged_by + " had acknowledged it until " +
                      format_time_for_people(*row.acknowledged_until),
                  {}, "{}");
        row.acknowledged_by.clear();
        row.acknowledged_until.reset();
    }
}

std::optional<Timestamp> IncidentBook::State::next_expiry(const Incident& incident) const {
    std::optional<Timestamp> next = incident.row.snoozed_until;
    if (const auto& until = incident.row.acknowledged_until; until && lasts(incident))
        next = next ? std::min(*next, *until) : *until;
    return next;
}

}  // namespace runnerwatch
