// The book as rows: what it writes, what it loads, and what it says about scope.
#include "alerts/book_state.h"
#include "parsers/digest.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

json time_to_json(const std::optional<Timestamp>& at) {
    return at ? json(at->time_since_epoch().count()) : json();
}

std::optional<Timestamp> time_from_json(const json& value) {
    if (value.is_null()) return std::nullopt;
    return Timestamp(Duration(value.get<std::int64_t>()));
}

json place_to_json(const Place& place) {
    return {{"cluster", place.cluster},
            {"namespace", place.namespace_},
            {"workload", place.workload},
            {"member", place.member},
            {"container", place.container},
            {"node", place.node},
            {"instance", place.instance},
            {"uid", place.member_uid},
            {"created", time_to_json(place.member_created)},
            {"version", place.version}};
}

Place place_from_json(const json& value) {
    Place place;
    place.cluster = value.at("cluster");
    place.namespace_ = value.at("namespace");
    place.workload = value.at("workload");
    place.member = value.at("member");
    place.container = value.at("container");
    place.node = value.at("node");
    place.instance = value.at("instance");
    place.member_uid = value.at("uid");
    place.member_created = time_from_json(value.at("created"));
    place.version = value.value("version", "");  // absent: written by an older program
    return place;
}

}  // namespace

std::string workload_key(const Place& place) {
    return place.cluster + "\n" + place.namespace_ + "\n" + place.workload;
}

std::string new_ulid(Timestamp at, const std::string& key) {
    static constexpr char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
    auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0));
    std::string ulid(26, '0');
    for (std::size_t i = 10; i-- > 0; time /= 32) ulid[i] = digits[time % 32];
    // 80 bits of the key: 20 hex digits are 16 digits of base 32.
    unsigned bits = 0, held = 0;
    std::size_t out = 10;
    for (std::size_t i = 0; i < 20 && out < 26; ++i) {
        const char digit = key[i];
        const int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        held = held << 4 | static_cast<unsigned>(value);
        bits += 4;
        if (bits < 5) continue;
        bits -= 5;
        ulid[out++] = digits[held >> bits & 31];
        held &= (1u << bits) - 1;
    }
    return ulid;
}

std::string pending_to_json(const Pending& pending) {
    json hits = json::array();
    for (const auto& hit : pending.hits) {
        json causes = json::array();
        for (const auto& held : hit.causes)
            causes.push_back({{"id", held.cause->id}, {"says", held.says}});
        json identity = json::array();
        for (const auto& [name, value] : hit.identity) identity.push_back({name, value});
        hits.push_back({{"place", place_to_json(hit.place)},
                        {"at", time_to_json(hit.at)},
                        {"clock", to_string(hit.clock)},
                        {"lines", {hit.first_line, hit.last_line}},
                        {"values", hit.values},
                        {"identity", identity},
                        {"causes", causes},
                        {"also", hit.also},
                        {"headline", hit.headline},
                        {"text", hit.text},
                        {"before", hit.context_before},
                        {"step", hit.step},
                        {"due", time_to_json(hit.due)},
                        {"or_end", hit.or_end}});
    }
    return hits.dump(-1, ' ', false, json::error_handler_t::replace);
}

Pending pending_from_json(const PendingRow& row, const RulePack& pack) {
    Pending pending;
    pending.rule = pack.find(row.rule);
    if (!pending.rule) return pending;
    for (const auto& value : json::parse(row.hits)) {
        Observation hit;
        hit.rule = pending.rule;
        hit.place = place_from_json(value.at("place"));
        hit.at = time_from_json(value.at("at"));
        hit.clock = value.at("clock") == "ours" ? ClockKind::ours : ClockKind::source;
        hit.first_line = value.at("lines").at(0);
        hit.last_line = value.at("lines").at(1);
        hit.values = value.at("values").get<Values>();
        for (const auto& field : value.at("identity"))
            hit.identity.emplace_back(field.at(0), field.at(1));
        for (const auto& held : value.at("causes"))
            for (const auto& cause : pending.rule->causes)
                if (held.at("id") == cause.id) hit.causes.push_back({&cause, held.at("says")});
        hit.also = value.at("also").get<std::vector<std::string>>();
        hit.headline = value.at("headline");
        hit.text = value.at("text");
        hit.context_before = value.at("before");
        // Absent in what a version before wrote.
        hit.step = value.value("step", Observation::detected);
        hit.due = time_from_json(value.value("due", json()));
        hit.or_end = value.value("or_end", false);
        pending.hits.push_back(std::move(hit));
    }
    return pending;
}

SourceRow& IncidentBook::State::source(const Place& place) {
    const auto [found, fresh] = sources.try_emplace(place.instance);
    if (fresh) {
        found->second.place = place;
        workload_sources[workload_key(place)].insert(place.instance);
        dirty_sources.insert(place.instance);
    }
    return found->second;
}

SourceRow& IncidentBook::State::source_of_line(const Place& place) {
    SourceRow& row = source(place);
    if (!place.version.empty() && place.version != row.place.version) {
        row.place.version = place.version;
        dirty_sources.insert(place.instance);
    }
    return row;
}

void IncidentBook::State::note(Incident& incident, std::optional<Timestamp> at, ClockKind clock,
                               const std::string& kind, const std::string& actor,
                               const std::string& text, const std::string& evidence_ref,
                               const std::string& details) {
    if (incident.row.changes >= timeline_max) {
        ++refused;
        return;
    }
    write_row(incident, at, clock, kind, actor, text, evidence_ref, details);
}

std::int64_t IncidentBook::State::write_row(Incident& incident, std::optional<Timestamp> at,
                                            ClockKind clock, const std::string& kind,
                                            const std::string& actor, const std::string& text,
                                            const std::string& evidence_ref,
                                            const std::string& details) {
    const std::int64_t change = ++incident.row.changes;
    changes.timeline[{incident.row.key, change}] =
        TimelineRow{incident.row.key,       change,  at,          clock, kind, actor,
                    shortened(text, 2'000), details, evidence_ref};
    touch(incident);
    return change;
}

void IncidentBook::State::touch(Incident& incident) {
    dirty_incidents.insert(incident.row.key);
    changed.insert(incident.row.key);
}

void IncidentBook::State::extend_evidence(EvidenceRow& row, const std::string& line) {
    if (row.text.size() + line.size() < evidence_bytes_max) row.text += "\n" + line;
    ++row.last_line;
    row.hash = sha256_hex(row.text);
    dirty_evidence.insert({row.incident, row.slot});
}

// Moves the dirty rows of an incident to `changes`, so that it may leave memory.
void IncidentBook::State::materialise_incident(const std::string& key) {
    const Incident& incident = incidents.at(key);
    if (dirty_incidents.erase(key) > 0) changes.incidents[key] = incident.row;
    for (const auto& [name, member] : incident.members)
        if (dirty_members.erase({key, name}) > 0) changes.members[{key, name}] = member;
    for (const auto& [slot, row] : incident.evidence)
        if (dirty_evidence.erase({key, slot}) > 0) changes.evidence[{key, slot}] = row;
}

void IncidentBook::State::forget_incident(const std::string& key) {
    const auto found = incidents.find(key);
    if (found == incidents.end()) return;
    materialise_incident(key);
    want_nothing(key);
    by_rule[found->second.row.rule].erase(key);
    if (const auto latest = current.find(found->second.row.identity);
        latest != current.end() && latest->second == key)
        current.erase(latest);
    if (const auto& into = found->second.row.merged_into; !into.empty()) {
        const auto siblings = merged.find(into);
        siblings->second.erase(key);
        if (siblings->second.empty()) merged.erase(siblings);
    }
    recalled.erase(key);
    incidents.erase(found);
}

// Makes room among what was recalled.
void IncidentBook::State::forget_recalled(Timestamp now) {
    for (const auto& key : std::set(recalled)) {
        Incident& incident = incidents.at(key);
        if (incident.kept_until && *incident.kept_until > now + recalled_for - recalled_for_least)
            continue;
        incident.kept_until.reset();
        if (ended_long_ago(incident.row, now) && !must_stay(incident, now)) forget_incident(key);
    }
}

void IncidentBook::State::forget_old(Timestamp now) {
    std::vector<std::string> old;
    for (const auto& [key, incident] : incidents) {
        if (ended_long_ago(incident.row, now) && !must_stay(incident, now)) old.push_back(key);
    }
    for (const auto& key : old) forget_incident(key);
    std::set<std::string> in_use;
    for (const auto& [unused, incident] : incidents)
        if (incident.row.state != IncidentState::resolved)
            for (const auto& [name, member] : incident.members)
                in_use.insert(workload_key(member.place));
    for (auto source = sources.begin(); source != sources.end();) {
        const bool unneeded = source->second.gone && source->second.watermark &&
                              now - *source->second.watermark > ended_kept &&
                              !in_use.contains(workload_key(source->second.place));
        if (!unneeded) {
            ++source;
            continue;
        }
        marks[source->first].forget_if([](const RecoveryMarkRow&) { return true; });
        marks[source->first].take_changes(source->first, changes);
        marks.erase(source->first);
        workload_sources[workload_key(source->second.place)].erase(source->first);
        dirty_sources.insert(source->first);
        source = sources.erase(source);
    }
}

void IncidentBook::load(const StoredState& stored) {
    State& state = *state_;
    for (const auto& row : stored.identities) state.identities[row.identity] = row;
    for (const auto& row : stored.sources) {
        state.sources[row.place.instance] = row;
        state.workload_sources[workload_key(row.place)].insert(row.place.instance);
    }
    for (const auto& row : stored.recovery_marks) state.marks[row.instance].load(row);
    std::set<std::string> merged_somewhere;
    for (const auto& row : stored.incidents) merged_somewhere.insert(row.merged_into);
    for (const auto& row : stored.incidents) {
        const auto known = state.identities.find(row.identity);
        // Only the latest of an identity can still be joined by a line; others may have a part in
        // what is told.
        const bool latest =
            known == state.identities.end() || known->second.last_incident == row.key;
        if (!latest && row.merged_into.empty() && !merged_somewhere.contains(row.key)) continue;
        Incident& incident = state.incidents[row.key];
        incident.row = row;
        incident.rule = state.rule(row.rule);
        if (!row.values.empty()) incident.values = json::parse(row.values).get<Values>();
        if (latest) state.current[row.identity] = row.key;
        if (!row.merged_into.empty()) state.merged[row.merged_into].insert(row.key);
        if (!is_over(row.state)) state.by_rule[row.rule].insert(row.key);
    }
    for (const auto& row : stored.members)
        if (const auto found = state.incidents.find(row.incident); found != state.incidents.end())
            found->second.members[row.place.member] = row;
    for (const auto& row : stored.evidence)
        if (const auto found = state.incidents.find(row.incident); found != state.incidents.end())
            found->second.evidence[row.slot] = row;
    for (const auto& row : stored.pending) {
        Pending pending = pending_from_json(row, *state.pack);
        if (!pending.rule || pending.hits.empty()) continue;
        state.index_pending(row.identity, pending);
        state.pending[row.identity] = std::move(pending);
    }
    // What is waited for follows from the rows; judging again changes none of them.
    for (auto& [key, incident] : state.incidents) {
        if (is_over(incident.row.state)) continue;
        for (const auto& [unused, member] : incident.members)
            if (member.state != MemberState::recovered)
                for (const auto& watermark : state.judge(incident, member).wants)
                    state.want(key, watermark);
    }
}

ChangeSet IncidentBook::take_changes() {
    State& state = *state_;
    const auto keys = state.dirty_incidents;
    for (const auto& key : keys)
        if (state.incidents.contains(key)) state.materialise_incident(key);
    for (const auto& [key, name] : std::set(state.dirty_members))
        if (state.incidents.contains(key)) state.materialise_incident(key);
    for (const auto& [key, slot] : std::set(state.dirty_evidence))
        if (state.incidents.contains(key)) state.materialise_incident(key);
    state.dirty_incidents.clear();
    state.dirty_members.clear();
    state.dirty_evidence.clear();
    const auto put = [](auto& rows, const auto& key, const auto& held) {
        const auto found = held.find(key);
        if (found == held.end())
            rows[key] = std::nullopt;
        else
            rows[key] = found->second;
    };
    for (const auto& identity : state.dirty_identities)
        put(state.changes.identities, identity, state.identities);
    for (const auto& instance : state.dirty_sources)
        put(state.changes.sources, instance, state.sources);
    for (const auto& identity : state.dirty_pending) {
        const auto found = state.pending.find(identity);
        if (found == state.pending.end())
            state.changes.pending[identity] = std::nullopt;
        else
            state.changes.pending[identity] =
                PendingRow{identity, found->second.rule->id, pending_to_json(found->second)};
    }
    for (const auto& instance : state.dirty_marks)
        if (const auto marks = state.marks.find(instance); marks != state.marks.end())
            marks->second.take_changes(instance, state.changes);
    state.dirty_identities.clear();
    state.dirty_sources.clear();
    state.dirty_pending.clear();
    state.dirty_marks.clear();
    return std::exchange(state.changes, ChangeSet{});
}

}  // namespace runnerwatch
