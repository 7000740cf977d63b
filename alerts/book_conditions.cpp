// What must be before an incident opens: enough records, a whole sequence, a line that did not
// come.
#include "alerts/book_state.h"
#include "parsers/visible_text.h"

#include <algorithm>

namespace runnerwatch {

namespace {

constexpr std::chrono::minutes across_tolerance{2};

// How long what never opened is kept: no window is as long.
constexpr std::chrono::hours pending_kept{48};

// Whether the identity fields that both have are equal.
bool fields_agree(const Observation& a, const Observation& b) {
    for (const auto& [name, value] : a.identity)
        for (const auto& [other, other_value] : b.identity)
            if (name == other && value != other_value) return false;
    return true;
}

bool within(const Observation& first, const Observation& last, Duration limit) {
    return !first.at || !last.at || *last.at - *first.at <= limit;
}

// The hits that make up the first whole sequence; empty when there is none.
std::vector<std::size_t> whole_sequence(const Pending& waiting) {
    const Opening& opening = waiting.rule->open;
    for (std::size_t start = 0; start < waiting.hits.size(); ++start) {
        const Observation& first = waiting.hits[start];
        if (first.step != Observation::detected) continue;
        std::vector<std::size_t> chain{start};
        for (std::size_t at = start + 1; at < waiting.hits.size(); ++at) {
            const Observation& hit = waiting.hits[at];
            if (hit.step != static_cast<int>(chain.size()) - 1 ||
                !same_pod(hit.place, first.place) || !within(first, hit, opening.within))
                continue;
            chain.push_back(at);
            if (chain.size() == opening.sequence.size() + 1) return chain;
        }
    }
    return {};
}

}  // namespace

// Counts within one member, or over the scope, where clocks of several nodes meet.
bool IncidentBook::State::threshold_met(const Pending& waiting) const {
    const Opening& opening = waiting.rule->open;
    if (opening.count <= 1) return true;
    const Duration limit =
        opening.within + (opening.across_members ? Duration(across_tolerance) : Duration(0));
    const Observation& newest = waiting.hits.back();
    for (const auto& end : waiting.hits) {
        int count = 0;
        std::set<std::string> different;
        for (const auto& hit : waiting.hits) {
            if (!opening.across_members && !same_pod(hit.place, end.place)) continue;
            const bool timed = hit.at && end.at && opening.within.count() > 0;
            if (timed && (*hit.at > *end.at || *end.at - *hit.at > limit)) continue;
            ++count;
            if (opening.distinct.empty()) continue;
            // Records that lack the field count as one value.
            const auto value = hit.values.find(opening.distinct);
            different.insert(value == hit.values.end() ? "" : value->second);
        }
        if (!opening.distinct.empty()) count = static_cast<int>(different.size());
        if (count >= opening.count) return true;
        if (!newest.at) break;
    }
    return false;
}

// Puts a record beside those of its identity that wait; false when there is no room.
bool IncidentBook::State::wait(const Observation& seen, const std::string& identity) {
    if (!pending.contains(identity) && pending.size() >= pending_max) {
        ++refused;
        return false;
    }
    Pending& waiting = pending[identity];
    if (waiting.hits.empty()) unsettle_rule(seen.rule->id);
    waiting.rule = seen.rule;
    waiting.hits.push_back(seen);
    std::stable_sort(waiting.hits.begin(), waiting.hits.end(),
                     [](const auto& a, const auto& b) { return a.at && b.at && *a.at < *b.at; });
    if (waiting.hits.size() > pending_hits_max) {
        Pending rest = waiting;
        rest.hits.erase(rest.hits.begin());
        forget_pending(identity);
        pending[identity] = std::move(rest);
    }
    dirty_pending.insert(identity);
    index_pending(identity, pending.at(identity));
    return true;
}

void IncidentBook::State::index_pending(const std::string& identity, const Pending& waiting) {
    for (const auto& hit : waiting.hits)
        if (hit.due) promises[hit.place.instance].insert(identity);
    if (!waiting.rule->open.sequence.empty()) sequences[waiting.rule->id].insert(identity);
}

void IncidentBook::State::forget_pending(const std::string& identity) {
    const auto found = pending.find(identity);
    if (found == pending.end()) return;
    const std::string rule_id = found->second.rule->id;
    const auto drop = [&](auto& index, const std::string& key) {
        const auto entry = index.find(key);
        if (entry == index.end()) return;
        entry->second.erase(identity);
        if (entry->second.empty()) index.erase(entry);
    };
    for (const auto& hit : found->second.hits)
        if (hit.due) drop(promises, hit.place.instance);
    drop(sequences, rule_id);
    pending.erase(found);
    dirty_pending.insert(identity);
    unsettle_rule(rule_id);
}

// A line that promises another one. It becomes a detection when that one is overdue.
EvidenceRef IncidentBook::State::promise(Observation seen, const std::string& identity,
                                         Timestamp now) {
    EvidenceRef ref{identity, seen.place.instance, seen.first_line};
    // The process that wrote the promise before it has ended.
    decide_promises(
        seen.place.instance,
        [&](const Pending& waiting, const Observation& hit) {
            if (waiting.rule != seen.rule) return Fate::waits;
            return hit.or_end ? Fate::broken : Fate::kept;
        },
        now);
    if (!seen.at) return ref;  // what has no time is never overdue
    // A line at the very end of the time is still one within it.
    seen.due = *seen.at + seen.absent->within + Duration(1);
    seen.or_end = seen.absent->or_end;
    seen.absent = nullptr;
    wait(seen, identity);
    return ref;
}

void IncidentBook::State::decide_promises(const std::string& instance, const Decide& decide,
                                          Timestamp now) {
    const auto found = promises.find(instance);
    if (found == promises.end()) return;
    for (const std::string& identity : std::set<std::string>(found->second)) {
        const Pending before = pending.at(identity);
        Pending rest{before.rule, {}};
        std::vector<Observation> broken;
        for (const auto& hit : before.hits) {
            const bool ours = hit.due && hit.place.instance == instance;
            const Fate fate = ours ? decide(before, hit) : Fate::waits;
            if (fate == Fate::waits) rest.hits.push_back(hit);
            if (fate == Fate::broken) broken.push_back(hit);
        }
        if (rest.hits.size() == before.hits.size()) continue;
        forget_pending(identity);
        if (!rest.hits.empty()) {
            index_pending(identity, rest);
            pending[identity] = std::move(rest);
        }
        for (auto& hit : broken) met(identity, {before.rule, {std::move(hit)}}, now);
    }
}

// Nobody can tell any more whether the line came.
void IncidentBook::State::forget_promises(const std::string& instance, Timestamp now) {
    decide_promises(
        instance, [](const Pending&, const Observation&) { return Fate::kept; }, now);
}

// A sequence is whole, or a promise is broken: it joins or opens an incident.
void IncidentBook::State::met(const std::string& identity, const Pending& whole, Timestamp now) {
    Incident* incident = join(whole.hits.front(), identity, now);
    if (!incident) {
        open(identity, whole, now);
        return;
    }
    for (std::size_t i = 1; i < whole.hits.size(); ++i) add(*incident, whole.hits[i], now, true);
}

// A record that earlier detections may wait for.
EvidenceRef IncidentBook::State::follow(const Observation& seen, Timestamp now) {
    EvidenceRef ref{{}, seen.place.instance, seen.first_line};
    if (seen.step == FollowUp::promised) {
        decide_promises(
            seen.place.instance,
            [&](const Pending& waiting, const Observation& hit) {
                if (waiting.rule != seen.rule || !fields_agree(hit, seen)) return Fate::waits;
                return seen.at && *seen.at >= *hit.due ? Fate::broken : Fate::kept;
            },
            now);
        return ref;
    }
    const auto found = sequences.find(seen.rule->id);
    if (found == sequences.end()) return ref;
    for (const std::string& identity : std::set<std::string>(found->second)) {
        const auto& hits = pending.at(identity).hits;
        if (std::none_of(hits.begin(), hits.end(), [&](const Observation& hit) {
                return hit.step == Observation::detected && same_pod(hit.place, seen.place) &&
                       within(hit, seen, seen.rule->open.within) && fields_agree(hit, seen);
            }))
            continue;
        wait(seen, identity);
        ref.identity = identity;
        const Pending before = pending.at(identity);
        const std::vector<std::size_t> chain = whole_sequence(before);
        if (chain.empty()) continue;
        Pending whole{before.rule, {}}, rest{before.rule, {}};
        for (std::size_t i = 0; i < before.hits.size(); ++i) {
            const bool part = std::find(chain.begin(), chain.end(), i) != chain.end();
            (part ? whole : rest).hits.push_back(before.hits[i]);
        }
        // A step without a detection before it waits for nothing.
        const auto waits = std::find_if(rest.hits.begin(), rest.hits.end(), [](const auto& hit) {
            return hit.step == Observation::detected;
        });
        rest.hits.erase(rest.hits.begin(), waits);
        forget_pending(identity);
        if (!rest.hits.empty()) {
            index_pending(identity, rest);
            pending[identity] = std::move(rest);
        }
        met(identity, whole, now);
    }
    return ref;
}

void IncidentBook::State::forget_old_pending(Timestamp now) {
    std::vector<std::string> old;
    for (const auto& [identity, waiting] : pending) {
        const auto& newest = waiting.hits.back().at;
        if (newest && now - *newest > pending_kept) old.push_back(identity);
    }
    for (const auto& identity : old) forget_pending(identity);
}

std::string IncidentBook::State::opened_words(const Pending& waiting,
                                              const std::string& title) const {
    if (waiting.hits.front().due) return "the line that should follow did not come: " + title;
    if (!waiting.rule->open.sequence.empty())
        return "seen with the " + std::to_string(waiting.rule->open.sequence.size()) +
               " lines that must follow: " + title;
    if (waiting.rule->open.count > 1)
        return "seen " + std::to_string(waiting.hits.size()) + " times: " + title;
    return title;
}

}  // namespace runnerwatch
