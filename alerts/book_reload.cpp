// The rules change while incidents are open.

#include "alerts/book_state.h"

#include <algorithm>

namespace runnerwatch {

namespace {

bool same_recovery(const Recovery& a, const Recovery& b) {
    return a.kind == b.kind && a.message == b.message && a.same == b.same && a.hold == b.hold;
}

// Whether what proves recovery is the same in two versions of a rule.
bool same_proofs(const Rule* a, const Rule* b) {
    if (a == nullptr || b == nullptr) return a == b;
    return a->silence == b->silence &&
           std::equal(a->recover.begin(), a->recover.end(), b->recover.begin(), b->recover.end(),
                      same_recovery);
}

}  // namespace

// Recovery lines are kept by their pattern, so those of a pattern that is no more prove nothing.
void IncidentBook::use_pack(const RulePack& pack, Timestamp now) {
    State& state = *state_;
    const RulePack& before = *state.pack;
    const auto changed = [&](const std::string& rule) {
        return !same_proofs(before.find(rule), pack.find(rule));
    };
    std::set<std::string> judged_anew;
    for (const auto& [rule, unused] : state.by_rule)
        if (changed(rule) && pack.find(rule) != nullptr) judged_anew.insert(rule);

    // What is half an incident goes on under the new conditions; of a rule that is no more nothing
    // can open.
    std::map<std::string, Pending> pending;
    for (const auto& [identity, waiting] : state.pending)
        pending[identity] =
            pending_from_json({identity, waiting.rule->id, pending_to_json(waiting)}, pack);
    for (auto& [identity, waiting] : pending) {
        state.forget_pending(identity);
        if (waiting.rule == nullptr || waiting.hits.empty()) continue;
        state.index_pending(identity, waiting);
        state.pending[identity] = std::move(waiting);
    }
    for (auto& [unused, incident] : state.incidents) incident.rule = pack.find(incident.row.rule);
    state.follow(pack);
    for (const std::string& rule : judged_anew) state.settle_rule(rule, now);
    state.settle_unsettled(now);
}

}  // namespace runnerwatch
