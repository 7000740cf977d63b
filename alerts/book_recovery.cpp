// What proves that an incident is over. Silence is no proof unless the rule says so.
#include "alerts/book_state.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

using nlohmann::json;

namespace {

int rank(MemberState state) {
    switch (state) {
        case MemberState::failing:
            return 0;
        case MemberState::gone:
            return 1;
        case MemberState::replaced:
            return 2;
        case MemberState::recovering:
            return 3;
        case MemberState::recovered:
            return 4;
    }
    return 0;
}

// The better proof; of two equal ones the earlier, so that the order of reading does not matter.
void keep_better(Verdict& best, Verdict other) {
    best.wants.insert(best.wants.end(), other.wants.begin(), other.wants.end());
    const int difference = rank(other.state) - rank(best.state);
    const bool earlier = other.ended_at && best.ended_at && *other.ended_at < *best.ended_at;
    if (difference > 0 || (difference == 0 && earlier)) {
        other.wants = std::move(best.wants);
        best = std::move(other);
    }
}

std::string time_words(std::optional<Timestamp> at) {
    return at ? " at " + format_time_for_people(*at) : "";
}

}  // namespace

bool IncidentBook::State::shows_one_identity(const std::string& rule_id,
                                             const std::string& instance) const {
    int shown = 0;
    const auto here = [&](const Place& place) { return place.instance == instance; };
    if (const auto keys = by_rule.find(rule_id); keys != by_rule.end())
        for (const auto& key : keys->second)
            for (const auto& [unused, member] : incidents.at(key).members)
                if (here(member.place)) ++shown;
    for (const auto& [unused, waiting] : pending)
        if (waiting.rule->id == rule_id &&
            std::any_of(waiting.hits.begin(), waiting.hits.end(),
                        [&](const auto& hit) { return here(hit.place); }))
            ++shown;
    return shown <= 1;
}

bool IncidentBook::State::same_values(const Incident& incident, const Recovery& pattern,
                                      const RecoveryMarkRow& mark) const {
    const json values = json::parse(mark.values);
    bool lacks = false;
    for (const auto& name : pattern.same) {
        const auto mine = incident.values.find(name);
        const auto theirs = values.find(name);
        if (mine == incident.values.end() || theirs == values.end())
            lacks = true;
        else if (*theirs != mine->second)
            return false;
    }
    return !lacks || shows_one_identity(incident.row.rule, mark.instance);
}

std::optional<Verdict> IncidentBook::State::proof_by(const Incident& incident,
                                                     const SourceRow& source,
                                                     const Recovery& pattern,
                                                     const RecoveryMarkRow& mark,
                                                     bool successor) const {
    // The trouble showed again behind this line.
    const auto shown = incident.members.find(source.place.member);
    if (shown != incident.members.end() && shown->second.place.instance == source.place.instance &&
        shown->second.last_line > mark.line)
        return std::nullopt;
    if (!same_values(incident, pattern, mark)) return std::nullopt;
    Verdict verdict;
    verdict.proof =
        source.place.member + ": \"" + shortened(mark.text, 200) + "\"" + time_words(mark.at);
    if (pattern.hold.count() > 0)
        verdict.proof += ", then " + format_duration(pattern.hold) + " without it";
    verdict.recovered_at = mark.at;
    verdict.state = MemberState::recovered;
    if (successor) verdict.successor = source.place.member;
    if (mark.at) verdict.ended_at = *mark.at + pattern.hold;
    const bool lasted = !verdict.ended_at || pattern.hold.count() == 0 ||
                        (source.watermark && *source.watermark >= *verdict.ended_at);
    if (!lasted) {
        if (source.ended || source.gone) return std::nullopt;  // it can no longer last
        verdict.state = MemberState::recovering;
        verdict.wants = {WatermarkWanted{source.place.instance, *verdict.ended_at}};
    }
    return verdict;
}

std::optional<Verdict> IncidentBook::State::proof_in(const Incident& incident,
                                                     const SourceRow& source,
                                                     bool successor) const {
    const auto found = marks.find(source.place.instance);
    if (found == marks.end() || !incident.rule) return std::nullopt;
    std::optional<Verdict> best;
    for (const Recovery& pattern : incident.rule->recover) {
        found->second.each_of(pattern.line_id(), [&](const RecoveryMarkRow& mark) {
            auto verdict = proof_by(incident, source, pattern, mark, successor);
            if (!verdict) return;
            if (best)
                keep_better(*best, std::move(*verdict));
            else
                best = std::move(verdict);
        });
    }
    return best;
}

std::optional<Verdict> IncidentBook::State::silence_proof(const Incident& incident,
                                                          const MemberRow& member) const {
    if (!incident.rule || !incident.rule->silence || !member.last_seen) return std::nullopt;
    const auto source = sources.find(member.place.instance);
    if (source == sources.end()) return std::nullopt;
    Verdict verdict;
    verdict.recovered_at = member.last_seen;
    verdict.ended_at = *member.last_seen + *incident.rule->silence;
    verdict.proof = member.place.member + ": read without a gap for " +
                    format_duration(*incident.rule->silence) + " after the last one";
    verdict.state = MemberState::recovered;
    if (!source->second.watermark || *source->second.watermark < *verdict.ended_at) {
        if (source->second.ended || source->second.gone) return std::nullopt;
        // A quiet minute is no sign of recovery yet: the member stays failing until it is proof.
        verdict.state = MemberState::failing;
        verdict.proof.clear();
        verdict.wants = {WatermarkWanted{member.place.instance, *verdict.ended_at}};
    }
    return verdict;
}

std::vector<const SourceRow*> IncidentBook::State::newer_pods(const Place& place) const {
    std::vector<const SourceRow*> newer;
    const auto found = workload_sources.find(workload_key(place));
    if (found == workload_sources.end()) return newer;
    for (const auto& instance : found->second) {
        const SourceRow& source = sources.at(instance);
        if (same_pod(source.place, place) || !source.place.member_created ||
            !place.member_created || *source.place.member_created <= *place.member_created)
            continue;
        newer.push_back(&source);
    }
    return newer;
}

Verdict IncidentBook::State::judge(const Incident& incident, const MemberRow& member) const {
    Verdict best;
    if (const auto proof = silence_proof(incident, member)) best = *proof;
    const auto own = sources.find(member.place.instance);
    std::optional<Timestamp> own_start;
    if (own != sources.end()) own_start = own->second.started_at;
    bool pod_is_gone = false;
    if (const auto found = workload_sources.find(workload_key(member.place));
        found != workload_sources.end()) {
        for (const auto& instance : found->second) {
            const SourceRow& source = sources.at(instance);
            if (!same_pod(source.place, member.place)) continue;
            if (source.gone) pod_is_gone = true;
            const bool newer = own_start && source.started_at && *source.started_at > *own_start;
            if (instance != member.place.instance && !newer) continue;
            if (auto proof = proof_in(incident, source, false))
                keep_better(best, std::move(*proof));
        }
    }
    if (best.state == MemberState::recovered || !pod_is_gone) return best;

    Verdict gone;
    gone.state = MemberState::gone;
    for (const SourceRow* source : newer_pods(member.place)) {
        if (!source->gone) {
            gone.state = MemberState::replaced;
            gone.successor = source->place.member;
        }
        if (auto proof = proof_in(incident, *source, true)) keep_better(best, std::move(*proof));
    }
    keep_better(best, std::move(gone));
    return best;
}

bool IncidentBook::State::settle_member(Incident& incident, MemberRow& member,
                                        const Verdict& verdict, Timestamp now) {
    if (verdict.state != MemberState::recovered)
        for (const auto& watermark : verdict.wants) want(incident.row.key, watermark);
    if (member.state == verdict.state && member.successor == verdict.successor) return false;
    const MemberState before = member.state;
    member.state = verdict.state;
    member.successor = verdict.successor;
    member.proof = verdict.proof;
    member.recovered_at = verdict.state == MemberState::recovered ? verdict.ended_at : std::nullopt;
    const bool waits =
        verdict.state != MemberState::failing && verdict.state != MemberState::recovered;
    // A recovery that begins has all of its time, however long it was waited for.
    const bool begins =
        verdict.state == MemberState::recovering && before != MemberState::recovering;
    if (!waits)
        member.waits_since.reset();
    else if (begins || !member.waits_since)
        member.waits_since = now;
    dirty_members.insert({incident.row.key, member.place.member});
    touch(incident);
    const std::string& name = member.place.member;
    switch (verdict.state) {
        case MemberState::failing:
            break;
        case MemberState::recovering:
            note(incident, verdict.recovered_at, incident.row.clock, "member_recovering", name,
                 "recovering: " + verdict.proof);
            break;
        case MemberState::recovered:
            note(incident, verdict.ended_at, incident.row.clock, "member_recovered", name,
                 "recovered: " + verdict.proof);
            break;
        case MemberState::gone:
            note(incident, now, ClockKind::ours, "member_gone", name,
                 name + " is gone; no newer pod of " + member.place.workload + " yet");
            break;
        case MemberState::replaced:
            if (before != MemberState::recovering)
                note(incident, now, ClockKind::ours, "member_replaced", name,
                     name + " is replaced by " + verdict.successor);
            break;
    }
    return true;
}

bool IncidentBook::State::overdue(const Incident& incident, const MemberRow& member,
                                  Timestamp now) const {
    if (!member.waits_since || member.state == MemberState::recovered) return false;
    Duration patience = cannot_tell_after;
    if (member.state == MemberState::replaced) {
        // A successor that can be read may take as long as it needs to prove itself.
        for (const SourceRow* source : newer_pods(member.place))
            if (!source->gone && source->watermark) return false;
    }
    if (member.state == MemberState::recovering && incident.rule)
        for (const auto& pattern : incident.rule->recover)
            patience = std::max(patience, pattern.hold + Duration(cannot_tell_after));
    return now - *member.waits_since >= patience;
}

void IncidentBook::State::want(const std::string& key, const WatermarkWanted& watermark) {
    const auto [found, fresh] = wanted[key].emplace(watermark.instance, watermark.due);
    if (!fresh) found->second = std::min(found->second, watermark.due);
    wanted_of[watermark.instance].insert(key);
}

void IncidentBook::State::want_nothing(const std::string& key) {
    const auto mine = wanted.find(key);
    if (mine == wanted.end()) return;
    for (const auto& [instance, unused] : mine->second) {
        const auto keys = wanted_of.find(instance);
        keys->second.erase(key);
        if (keys->second.empty()) wanted_of.erase(keys);
    }
    wanted.erase(mine);
}

void IncidentBook::State::settle(Incident& incident, Timestamp now) {
    if (incident.row.state == IncidentState::folded) return;
    want_nothing(incident.row.key);
    bool all_over = true, all_on_the_way = true, someone_waits_too_long = false;
    std::optional<Timestamp> ended;
    std::string proof;
    for (auto& [unused, member] : incident.members) {
        if (member.state != MemberState::recovered)
            settle_member(incident, member, judge(incident, member), now);
        if (member.state == MemberState::recovered) {
            if (member.recovered_at && (!ended || *member.recovered_at > *ended))
                ended = member.recovered_at;
            if (proof.size() < 1000 && proof.find(member.proof) == std::string::npos)
                proof += (proof.empty() ? "" : "; ") + member.proof;
            continue;
        }
        all_over = false;
        if (member.state != MemberState::recovering) all_on_the_way = false;
        if (overdue(incident, member, now)) someone_waits_too_long = true;
    }
    if (incident.row.state == IncidentState::resolved) {
        if (!all_over) put_state(incident, IncidentState::open, now);
        return;
    }
    if (all_over) return end(incident, ended, proof, now);
    put_state(incident,
              someone_waits_too_long ? IncidentState::cannot_tell
              : all_on_the_way       ? IncidentState::recovering
                                     : IncidentState::open,
              now);
    const std::string waits = waiting_words(incident);
    if (waits != incident.row.waiting_for) {
        incident.row.waiting_for = waits;
        dirty_incidents.insert(incident.row.key);
    }
}

void IncidentBook::State::end(Incident& incident, std::optional<Timestamp> at,
                              const std::string& proof, Timestamp now) {
    incident.row.ended_at = at;
    incident.row.proof = proof;
    incident.row.waiting_for.clear();
    put_state(incident, IncidentState::resolved, now);
}

void IncidentBook::State::put_state(Incident& incident, IncidentState state, Timestamp now) {
    IncidentRow& row = incident.row;
    if (row.state == state) return;
    const IncidentState before = row.state;
    row.state = state;
    touch(incident);
    if (is_over(before) != is_over(state)) unsettle_rule(row.rule);
    auto& not_ended = by_rule[row.rule];
    switch (state) {
        case IncidentState::open:
            not_ended.insert(row.key);
            if (before == IncidentState::resolved) {
                ++row.reopened;
                row.ended_at.reset();
                row.proof.clear();
                row.resolved_by.clear();
                note(incident, row.last_seen, row.clock, "reopened", "runnerwatch", "open again");
            }
            break;
        case IncidentState::recovering:
            note(incident, now, ClockKind::ours, "recovering", "runnerwatch",
                 "every member shows signs of recovery; they must last");
            break;
        case IncidentState::resolved:
            not_ended.erase(row.key);
            want_nothing(row.key);
            note(incident, row.ended_at, row.clock, "resolved", "runnerwatch",
                 "resolved: " + row.proof);
            break;
        case IncidentState::cannot_tell:
            note(incident, now, ClockKind::ours, "cannot_tell", "runnerwatch",
                 "cannot tell whether it is over: " + waiting_words(incident));
            break;
        case IncidentState::folded:
            not_ended.erase(row.key);
            want_nothing(row.key);
            break;
    }
}

}  // namespace runnerwatch
