// How incidents open, grow and take in their symptoms.
#include "alerts/book_state.h"
#include "parsers/digest.h"
#include "parsers/identity.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

namespace runnerwatch {

using nlohmann::json;

namespace {

std::optional<Timestamp> earlier(std::optional<Timestamp> a, std::optional<Timestamp> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

std::optional<Timestamp> later(std::optional<Timestamp> a, std::optional<Timestamp> b) {
    if (!a || !b) return a ? a : b;
    return std::max(*a, *b);
}

json causes_to_json(const std::vector<HeldCause>& causes) {
    json list = json::array();
    for (const auto& held : causes)
        list.push_back({{"id", held.cause->id},
                        {"catalog", held.cause->catalog},
                        {"confidence", to_string(held.cause->confidence)},
                        {"says", held.says},
                        {"disproved_by", held.cause->disproved_by},
                        {"fix", held.cause->fix}});
    return list;
}

}  // namespace

std::string identity_of(const Observation& seen) {
    json fields = json::object();
    for (const auto& [name, value] : seen.identity) fields[name] = value;
    json parts = json::array({seen.rule->id, to_string(seen.rule->scope)});
    std::string host;
    if (seen.rule->scope == Scope::host) {
        if (const auto named = fields.find("host"); named != fields.end())
            host = named->get<std::string>();
        else if (const auto url = seen.values.find("url"); url != seen.values.end())
            host = host_of_url(url->second);
    }
    if (!host.empty()) {
        fields["host"] = host;
    } else {
        // A host-wide trouble whose record names no host can only be told by where it shows.
        parts.push_back(seen.place.cluster);
        if (seen.rule->scope != Scope::cluster) {
            parts.push_back(seen.place.namespace_);
            parts.push_back(seen.place.workload);
        }
    }
    parts.push_back(fields);
    return parts.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool same_pod(const Place& a, const Place& b) {
    return a.member == b.member && a.member_uid == b.member_uid && same_workload(a, b);
}

bool same_workload(const Place& a, const Place& b) {
    return a.workload == b.workload && a.namespace_ == b.namespace_ && a.cluster == b.cluster;
}

std::string evidence_reference(const Observation& seen) {
    return seen.place.instance + ":" + std::to_string(seen.first_line);
}

// The incident that has taken the record because it is the same trouble or the cause of it;
// nullptr when the record may open one.
Incident* IncidentBook::State::join(const Observation& seen, const std::string& identity,
                                    Timestamp now) {
    if (const auto found = current.find(identity); found != current.end()) {
        Incident& last = incidents.at(found->second);
        const bool ended = last.row.state == IncidentState::resolved;
        const bool late = ended && seen.at && last.row.ended_at &&
                          *seen.at <= *last.row.ended_at + late_tolerance;
        // What was folded stays with its cause, as long as that is there.
        if (last.row.state != IncidentState::folded && (!ended || late)) {
            add(last, seen, now, false);
            return &last;
        }
    }
    Incident* cause = cause_for(seen);
    if (cause) fold_symptom(*cause, seen, now);
    return cause;
}

EvidenceRef IncidentBook::State::count_hit(const Observation& seen, const std::string& identity,
                                           Timestamp now) {
    EvidenceRef ref{identity, seen.place.instance, seen.first_line};
    // No probe has been asked yet, so nothing says that this is a failure.
    if (!seen.rule->open.probe.empty()) return ref;
    if (seen.absent) return promise(seen, identity, now);
    if (seen.rule->open.sequence.empty()) {
        if (const Incident* taken = join(seen, identity, now))
            return {taken->row.identity, ref.instance, ref.first_line};
    }
    if (!wait(seen, identity) || !seen.rule->open.sequence.empty()) return ref;
    const Pending& waiting = pending.at(identity);
    if (threshold_met(waiting) && open(identity, waiting, now)) forget_pending(identity);
    return ref;
}

// The next occurrence of an identity, with nothing counted yet.
Incident& IncidentBook::State::new_incident(IdentityRow& known, const Pending& waiting,
                                            Timestamp now) {
    const Observation& first = waiting.hits.front();
    const std::string& identity = known.identity;
    const std::string previous = known.last_incident;
    ++known.occurrences;
    IncidentRow row;
    row.identity = identity;
    row.occurrence = known.occurrences;
    row.previous = previous;
    row.key = sha256_hex(database_id + "\n" + identity + "\n" + std::to_string(row.occurrence))
                  .substr(0, 32);
    row.ulid = new_ulid(first.at.value_or(now), row.key);
    const Rule& opened = *waiting.rule;
    row.rule = opened.id;
    row.catalog = opened.catalog;
    row.title = fill_template(opened.title, first.values);
    row.impact = fill_template(opened.impact, first.values);
    row.severity = row.opened_severity = opened.severity;
    row.response = opened.response;
    json fields = json::object();
    for (const auto& [name, value] : first.identity) fields[name] = value;
    row.fields = fields.dump(-1, ' ', false, json::error_handler_t::replace);
    row.values = json(first.values).dump(-1, ' ', false, json::error_handler_t::replace);
    row.cluster = first.place.cluster;
    if (opened.scope == Scope::workload) {
        row.namespace_ = first.place.namespace_;
        row.workload = first.place.workload;
    }
    row.headline = first.headline;
    row.clock = first.clock;
    row.noted_at = now;
    row.symptoms = "{}";
    row.causes = causes_to_json(first.causes).dump(-1, ' ', false, json::error_handler_t::replace);
    row.also = json(first.also).dump();
    std::optional<IncidentRow> before;
    if (const auto held = incidents.find(previous); held != incidents.end()) {
        before = held->second.row;
        if (!is_merged(previous)) forget_incident(previous);
    }
    known.last_incident = row.key;
    current[identity] = row.key;
    by_rule[row.rule].insert(row.key);
    Incident& incident = incidents[row.key];
    incident.rule = waiting.rule;
    incident.values = first.values;
    incident.row = std::move(row);
    const Observation& last = waiting.hits.back();
    note(incident, last.due ? last.due : last.at, first.clock, "opened", first.place.member,
         opened_words(waiting, incident.row.title), evidence_reference(first));
    if (before) carry_over(*before, incident, now);
    return incident;
}

Incident* IncidentBook::State::open(const std::string& identity, const Pending& waiting,
                                    Timestamp now) {
    std::size_t open_now = 0;
    for (const auto& [unused, keys] : by_rule) open_now += keys.size();
    if (open_now >= open_max) {
        ++refused;
        return nullptr;
    }
    IdentityRow& known = identities[identity];
    known.identity = identity;
    json openings =
        known.recent_openings.empty() ? json::array() : json::parse(known.recent_openings);
    const std::string opened_at = format_time(waiting.hits.back().at.value_or(now));
    json recent = json::array();
    for (const auto& at : openings) {
        const auto parsed = parse_time(at.get<std::string>());
        const auto opening = parse_time(opened_at);
        if (parsed && opening && opening->time - parsed->time <= flapping_within)
            recent.push_back(at);
    }
    const auto last = current.find(identity);
    const bool flapping = recent.size() >= flapping_openings && last != current.end();
    recent.push_back(opened_at);
    known.recent_openings = recent.dump();
    dirty_identities.insert(identity);
    Incident* incident = nullptr;
    if (flapping) {
        incident = &reopen_flapping(incidents.at(last->second), now);
    } else {
        incident = &new_incident(known, waiting, now);
    }
    // The lines of a sequence are evidence; what counts is how often it was seen.
    for (const auto& hit : waiting.hits)
        add(*incident, hit, now, hit.step != Observation::detected);
    return incident;
}

Incident& IncidentBook::State::reopen_flapping(Incident& last, Timestamp now) {
    if (!last.row.flapping) {
        last.row.flapping = true;
        note(last, now, ClockKind::ours, "flapping", "runnerwatch",
             "opened more than " + std::to_string(flapping_openings) +
                 " times within an hour: kept as one incident");
    }
    by_rule[last.row.rule].insert(last.row.key);
    put_state(last, IncidentState::open, now);
    return last;
}

// Counts one record of the incident itself.
void IncidentBook::State::add(Incident& incident, const Observation& seen, Timestamp now,
                              bool uncounted) {
    IncidentRow& row = incident.row;
    if (!uncounted) ++row.count;
    row.first_seen = earlier(row.first_seen, seen.at);
    row.last_seen = later(row.last_seen, seen.at);
    bool unfolded = false;  // a new member may bring symptoms that came before it
    auto found = incident.members.find(seen.place.member);
    if (found == incident.members.end() && incident.members.size() >= members_max) {
        ++row.members_beyond;
    } else {
        const bool fresh = found == incident.members.end();
        MemberRow& member = incident.members[seen.place.member];
        if (fresh) {
            member.incident = row.key;
            member.place = seen.place;
            unfolded = true;
            if (incident.members.size() > 1)
                note(incident, seen.at, seen.clock, "grew", seen.place.member,
                     "also in " + seen.place.member, evidence_reference(seen));
        }
        if (!uncounted) ++member.count;
        member.first_seen = earlier(member.first_seen, seen.at);
        member.last_seen = later(member.last_seen, seen.at);
        // A line of an older instance that is read late says nothing about the newer one.
        const bool newer = member.place.instance == seen.place.instance || !member.last_seen ||
                           !seen.at || *seen.at >= *member.last_seen;
        if (newer) {
            member.place = seen.place;
            member.last_line = seen.first_line;
        }
        dirty_members.insert({row.key, seen.place.member});
    }
    add_evidence(incident, seen);
    touch(incident);
    // What this line takes back may have been the proof for a member before it.
    if (std::any_of(incident.members.begin(), incident.members.end(),
                    [](const auto& entry) { return entry.second.waits_since.has_value(); }))
        unsettled.insert(row.key);
    seen_again(incident, seen, now);
    raise_if_all_members(incident, now);
    if (unfolded && incident.rule) fold_open_symptoms(incident, now);
    incident.row.scope_words = scope_words(incident);
    if (!uncounted) wake_if_seen_enough(incident, now);
}

// A line behind a recovery takes it back; a late one before it does not.
void IncidentBook::State::seen_again(Incident& incident, const Observation& seen, Timestamp now) {
    auto member = incident.members.find(seen.place.member);
    if (member == incident.members.end()) return;
    // The first line of a member may have been read after its recovery, or after its pod's end.
    const bool first = member->second.count <= 1;
    const bool nothing_to_take_back = !first && incident.row.state == IncidentState::open &&
                                      member->second.state == MemberState::failing;
    const bool silence_counts = incident.rule && incident.rule->silence;
    if (nothing_to_take_back && !silence_counts) return;
    const MemberState was = member->second.state;
    if (silence_counts) want_nothing(incident.row.key);
    settle_member(incident, member->second, judge(incident, member->second), now);
    if (was != MemberState::failing && member->second.state == MemberState::failing)
        note(incident, seen.at, seen.clock, "seen_again", seen.place.member,
             "seen again in " + seen.place.member, evidence_reference(seen));
    settle(incident, now);
}

namespace {

// Which of the kept records, and `fresh`, is neither one of the first nor one of the last; nullptr:
// there is room for all. By their times, so that it does not matter in which order sources are
// read: what is left out once would be left out later too.
const EvidenceRow* in_between(const std::map<int, EvidenceRow>& kept, const EvidenceRow& fresh) {
    constexpr std::size_t first = EvidenceRow::first_max;
    if (kept.size() < first + EvidenceRow::last_max) return nullptr;
    std::vector<const EvidenceRow*> all{&fresh};
    for (const auto& [slot, row] : kept) all.push_back(&row);
    const auto earlier = [](const EvidenceRow* a, const EvidenceRow* b) {
        return std::tie(a->at, a->instance, a->first_line, a->ordinal) <
               std::tie(b->at, b->instance, b->first_line, b->ordinal);
    };
    std::nth_element(all.begin(), all.begin() + first, all.end(), earlier);
    return all[first];
}

}  // namespace

void IncidentBook::State::add_evidence(Incident& incident, const Observation& seen) {
    EvidenceRow row;
    row.incident = incident.row.key;
    row.ordinal = ++incident.row.evidence_count;
    row.rule = seen.rule->id;
    row.instance = seen.place.instance;
    row.member = seen.place.member;
    row.at = seen.at;
    row.first_line = seen.first_line;
    row.last_line = seen.last_line;
    row.slot = static_cast<int>(incident.evidence.size());
    if (const EvidenceRow* left_out = in_between(incident.evidence, row)) {
        if (left_out == &row) return;
        row.slot = left_out->slot;
    }
    row.text = shortened(seen.text, evidence_bytes_max);
    row.context_before = seen.context_before;
    row.hash = sha256_hex(row.text);
    dirty_evidence.insert({incident.row.key, row.slot});
    incident.evidence[row.slot] = std::move(row);
}

void IncidentBook::State::raise_severity(Incident& incident, Severity to, const std::string& why,
                                         Timestamp now) {
    if (to <= incident.row.severity) return;
    incident.row.severity = to;
    note(incident, incident.row.last_seen, incident.row.clock, "severity", "runnerwatch",
         std::string("severity raised to ") + to_string(to) + ": " + why);
    touch(incident);
    Incident& whole = incidents.at(root_of(incident.row.key));
    if (whole.row.snoozed_until_worse && (&whole == &incident || to > whole.row.severity))
        wake(whole, std::string("its severity rose to ") + to_string(to), now);
}

void IncidentBook::State::raise_if_all_members(Incident& incident, Timestamp now) {
    if (!incident.rule || !incident.rule->raise_to || incident.members.empty()) return;
    if (*incident.rule->raise_to <= incident.row.severity) return;
    const auto running = running_members(incident.members.begin()->second.place);
    if (running.empty()) return;
    for (const auto& name : running) {
        const auto member = incident.members.find(name);
        if (member == incident.members.end() || member->second.state != MemberState::failing)
            return;
    }
    raise_severity(incident, *incident.rule->raise_to,
                   running.size() == 1
                       ? "the only pod of the workload shows it"
                       : "all " + std::to_string(running.size()) + " pods of the workload show it",
                   now);
}

}  // namespace runnerwatch
