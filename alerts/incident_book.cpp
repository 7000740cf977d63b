#include "alerts/incident_book.h"

#include "alerts/book_state.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

// The values of these names as a JSON object. Most lines have one value, of plain characters.
std::string json_of(const std::vector<std::string>& names, const Values& values) {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
    if (names.empty()) return "{}";
    if (names.size() == 1) {
        const auto value = values.find(names.front());
        if (value == values.end()) return "{}";
        if (std::all_of(value->second.begin(), value->second.end(), is_plain))
            return "{\"" + names.front() + "\":\"" + value->second + "\"}";
    }
    json object = json::object();
    for (const auto& name : names)
        if (const auto value = values.find(name); value != values.end())
            object[name] = value->second;
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

IncidentBook::State::State(const RulePack& rules, std::string id) : database_id(std::move(id)) {
    follow(rules);
}

void IncidentBook::State::follow(const RulePack& rules) {
    pack = &rules;
    causes_of.clear();
    holds.clear();
    for (const auto& rule : rules.rules) {
        for (const auto& symptom : rule.symptoms) causes_of[symptom].insert(rule.id);
        for (const auto& recovery : rule.recover) holds[recovery.line_id()] = recovery.hold;
    }
}

IncidentBook::IncidentBook(const RulePack& pack, std::string database_id)
    : state_(std::make_unique<State>(pack, std::move(database_id))) {}

IncidentBook::~IncidentBook() = default;

EvidenceRef IncidentBook::observe(const Observation& seen, Timestamp now) {
    state_->source_of_line(seen.place);
    EvidenceRef ref = seen.step == Observation::detected
                          ? state_->count_hit(seen, identity_of(seen), now)
                          : state_->follow(seen, now);
    state_->settle_unsettled(now);
    return ref;
}

bool IncidentBook::recover(const RecoveryObservation& seen, Timestamp now) {
    const std::string& instance = state_->source_of_line(seen.place).place.instance;
    RecoveryMarkRow& mark =
        state_->marks[instance].put(instance, seen.kind->id, json_of(seen.kind->same, seen.values));
    mark.at = seen.at;
    mark.line = seen.line;
    mark.text = shortened(seen.text, 300);
    state_->dirty_marks.insert(instance);
    const auto rules = state_->open_rules_ended_by(*seen.kind);
    for (const std::string& rule : rules) state_->settle_rule(rule, now);
    state_->settle_unsettled(now);
    return !rules.empty();
}

void IncidentBook::lifecycle(const Lifecycle& event, Timestamp now) {
    if (event.kind == LifecycleKind::started) state_->note_start(event);
    SourceRow& source = state_->source(event.place);
    const SourceRow before = source;
    switch (event.kind) {
        case LifecycleKind::started:
            source.place = event.place;
            // An instance runs one version: what its log said before a restart of ours holds.
            if (!before.place.version.empty()) source.place.version = before.place.version;
            source.revision = event.revision;
            if (event.at) source.started_at = event.at;
            break;
        case LifecycleKind::ended:
            source.ended = true;
            state_->decide_promises(
                event.place.instance,
                [](const Pending&, const Observation& hit) {
                    return hit.or_end ? State::Fate::broken : State::Fate::kept;
                },
                now);
            break;
        case LifecycleKind::gone:
            for (const auto& instance : state_->workload_sources[workload_key(event.place)]) {
                SourceRow& other = state_->sources.at(instance);
                if (!same_pod(other.place, event.place) || other.gone) continue;
                other.gone = other.ended = true;
                state_->dirty_sources.insert(instance);
                state_->forget_promises(instance, now);
            }
            break;
    }
    if (before == source) return;
    state_->dirty_sources.insert(event.place.instance);
    state_->settle_place(event.place, now);
    state_->settle_unsettled(now);
}

void IncidentBook::watermark(const std::string& instance, Timestamp read_up_to, Timestamp now) {
    const auto source = state_->sources.find(instance);
    if (source == state_->sources.end()) return;
    if (source->second.watermark && *source->second.watermark >= read_up_to) return;
    source->second.watermark = read_up_to;
    state_->dirty_sources.insert(instance);
    state_->decide_promises(
        instance,
        [&](const Pending&, const Observation& hit) {
            return *hit.due <= read_up_to ? State::Fate::broken : State::Fate::waits;
        },
        now);
    if (const auto keys = state_->wanted_of.find(instance); keys != state_->wanted_of.end())
        for (const auto& key : std::set<std::string>(keys->second)) {
            const auto wanted = state_->wanted.find(key);
            if (wanted == state_->wanted.end()) continue;
            const auto due = wanted->second.find(instance);
            if (due != wanted->second.end() && due->second <= read_up_to)
                state_->settle(state_->incidents.at(key), now);
        }
    state_->settle_unsettled(now);
}

void IncidentBook::gap(const std::string& instance, std::optional<Timestamp> from,
                       std::optional<Timestamp> to, const std::string& why, Timestamp now) {
    const auto source = state_->sources.find(instance);
    if (source == state_->sources.end()) return;
    // A line that did not come may have come where nobody looked.
    state_->forget_promises(instance, now);
    // What had to last and may have been broken where nobody looked proves nothing any more.
    state_->marks[instance].forget_if([&](const RecoveryMarkRow& mark) {
        const auto pattern = state_->holds.find(mark.pattern);
        const Duration hold = pattern == state_->holds.end() ? Duration(0) : pattern->second;
        const bool before_gap = !mark.at || !to || *mark.at <= *to;
        const bool lasts_into = !mark.at || !from || *mark.at + hold >= *from;
        return hold.count() > 0 && before_gap && lasts_into;
    });
    state_->dirty_marks.insert(instance);
    for (auto& [unused, incident] : state_->incidents) {
        if (is_over(incident.row.state)) continue;
        const auto member = incident.members.find(source->second.place.member);
        if (member == incident.members.end()) continue;
        state_->note(incident, from, ClockKind::source, "gap", source->second.place.member,
                     "a gap in what was read of this log: " + why);
    }
    state_->settle_place(source->second.place, now);
    state_->settle_unsettled(now);
}

void IncidentBook::tick(Timestamp now) {
    for (auto& [key, incident] : state_->incidents) {
        state_->expire(incident, now);
        if (is_over(incident.row.state)) continue;
        const bool waits =
            std::any_of(incident.members.begin(), incident.members.end(),
                        [](const auto& entry) { return entry.second.waits_since.has_value(); });
        if (waits) state_->unsettled.insert(key);
    }
    state_->settle_unsettled(now);
    state_->forget_old(now);
    state_->forget_old_pending(now);
    state_->settle_unsettled(now);
}

std::optional<Timestamp> IncidentBook::next_tick() const {
    std::optional<Timestamp> next;
    for (const auto& [unused, incident] : state_->incidents) {
        const auto expiry = state_->next_expiry(incident);
        if (expiry && (!next || *expiry < *next)) next = expiry;
        if (incident.row.state != IncidentState::open &&
            incident.row.state != IncidentState::recovering)
            continue;
        for (const auto& [name, member] : incident.members) {
            if (!member.waits_since) continue;
            const Timestamp due = *member.waits_since + cannot_tell_after;
            if (!next || due < *next) next = due;
        }
    }
    return next;
}

void IncidentBook::extend(const EvidenceRef& ref, const std::string& line) {
    if (const auto key = state_->current.find(ref.identity); key != state_->current.end()) {
        Incident& incident = state_->incidents.at(key->second);
        for (auto& [slot, row] : incident.evidence) {
            if (row.instance != ref.instance || row.first_line != ref.first_line) continue;
            state_->extend_evidence(row, line);
            return;
        }
    }
    const auto waiting = state_->pending.find(ref.identity);
    if (waiting == state_->pending.end()) return;
    for (auto& hit : waiting->second.hits) {
        if (hit.place.instance != ref.instance || hit.first_line != ref.first_line) continue;
        if (hit.text.size() + line.size() < evidence_bytes_max) hit.text += "\n" + line;
        ++hit.last_line;
        state_->dirty_pending.insert(ref.identity);
    }
}

std::vector<std::string> IncidentBook::take_changed() {
    std::set<std::string> changed = state_->changed;
    for (const auto& key : state_->changed) changed.insert(state_->root_of(key));
    std::vector<std::string> keys(changed.begin(), changed.end());
    state_->changed.clear();
    return keys;
}

void IncidentBook::set_numbers(const std::map<std::string, std::int64_t>& numbers) {
    for (const auto& [key, number] : numbers)
        if (const auto found = state_->incidents.find(key); found != state_->incidents.end())
            found->second.row.number = number;
}

const IncidentRow* IncidentBook::find(const std::string& key) const {
    const auto found = state_->incidents.find(key);
    return found == state_->incidents.end() ? nullptr : &found->second.row;
}

std::vector<const IncidentRow*> IncidentBook::incidents() const {
    std::vector<const IncidentRow*> rows;
    for (const auto& [unused, incident] : state_->incidents) rows.push_back(&incident.row);
    return rows;
}

std::vector<const MemberRow*> IncidentBook::members(const std::string& key) const {
    std::vector<const MemberRow*> rows;
    if (const auto found = state_->incidents.find(key); found != state_->incidents.end())
        for (const auto& [unused, member] : found->second.members) rows.push_back(&member);
    return rows;
}

std::vector<WatermarkWanted> IncidentBook::wanted() const {
    std::map<std::string, Timestamp> earliest;
    for (const auto& [unused, instances] : state_->wanted)
        for (const auto& [instance, due] : instances) {
            const auto [found, fresh] = earliest.emplace(instance, due);
            if (!fresh) found->second = std::min(found->second, due);
        }
    for (const auto& [instance, identities] : state_->promises)
        for (const auto& identity : identities)
            for (const auto& hit : state_->pending.at(identity).hits) {
                if (!hit.due || hit.place.instance != instance) continue;
                const auto [found, fresh] = earliest.emplace(instance, *hit.due);
                if (!fresh) found->second = std::min(found->second, *hit.due);
            }
    std::vector<WatermarkWanted> list;
    list.reserve(earliest.size());
    for (const auto& [instance, due] : earliest) list.push_back({instance, due});
    return list;
}

std::uint64_t IncidentBook::refused() const { return state_->refused; }

}  // namespace runnerwatch
