#pragma once

#include "alerts/incident_book.h"
#include "alerts/recovery_marks.h"

#include <functional>
#include <set>

// The inside of the incident book, shared by its .cpp files and by nobody else.
namespace runnerwatch {

// Detections of one identity whose threshold is not met yet.
struct Pending {
    const Rule* rule = nullptr;
    std::vector<Observation> hits;  // oldest first
};

struct Incident {
    IncidentRow row;
    const Rule* rule = nullptr;  // nullptr: the pack no longer has it
    Values values;               // of the first record
    std::map<std::string, MemberRow> members;
    std::map<int, EvidenceRow> evidence;  // by slot
    std::optional<Timestamp> kept_until;  // it was recalled
};

// How long an ended incident stays in memory, for lines that are read late.
constexpr std::chrono::hours ended_kept{48};

bool ended_long_ago(const IncidentRow& row, Timestamp now);

// The incident as people name it: "#12", before it has a number its title.
std::string name_for_people(const IncidentRow& row);

// What is known about the recovery of one member.
struct Verdict {
    MemberState state = MemberState::failing;
    std::string proof;
    std::optional<Timestamp> recovered_at;  // of the line
    std::optional<Timestamp> ended_at;      // when its hold-down had passed
    std::string successor;
    std::vector<WatermarkWanted> wants;  // any of these may prove it
};

struct IncidentBook::State {
    State(const RulePack& rules, std::string id);

    const RulePack* pack;
    std::string database_id;
    std::map<std::string, std::set<std::string>> causes_of;  // symptom rule -> rules
    std::map<std::string, Duration>
        holds;  // id of a kind of recovery line -> how long it must last

    std::map<std::string, Incident> incidents;             // by key
    std::map<std::string, std::string> current;            // identity -> key of its latest incident
    std::map<std::string, std::set<std::string>> by_rule;  // rule -> keys not ended
    std::map<std::string, IdentityRow> identities;
    std::map<std::string, Pending> pending;  // by identity
    // What of it waits for a line that was promised (by instance) or for the next line of a
    // sequence (by rule): identities. Follow from `pending`.
    std::map<std::string, std::set<std::string>> promises, sequences;
    std::map<std::string, SourceRow> sources;
    std::map<std::string, std::set<std::string>> workload_sources;   // workload_key -> instances
    std::map<std::string, RecoveryMarks> marks;                      // by instance
    std::map<std::string, std::map<std::string, Timestamp>> wanted;  // key -> instance -> due
    std::map<std::string, std::set<std::string>> wanted_of;          // instance -> keys

    std::set<std::string> recalled;  // keys of those that had left memory and were taken back

    // Incidents held, by the one they are merged into, which may not be held itself.
    std::map<std::string, std::set<std::string>> merged;

    // Incidents whose members are to be judged again before the input in hand is done with: what
    // proves recovery in one depends on which others a container shows.
    std::set<std::string> unsettled;

    ChangeSet changes;  // timeline rows, deletions and rows of incidents that left memory
    std::set<std::string> dirty_incidents, dirty_pending, dirty_sources, dirty_identities;
    std::set<std::pair<std::string, std::string>> dirty_members;
    std::set<std::pair<std::string, int>> dirty_evidence;
    std::set<std::string> dirty_marks;  // instances
    std::set<std::string> changed;      // for whoever tells people
    std::uint64_t refused = 0;

    // book_life.cpp: opening, growing, folding
    EvidenceRef count_hit(const Observation& seen, const std::string& identity, Timestamp now);
    Incident* join(const Observation& seen, const std::string& identity, Timestamp now);
    Incident* open(const std::string& identity, const Pending& waiting, Timestamp now);
    Incident& new_incident(IdentityRow& known, const Pending& waiting, Timestamp now);
    Incident& reopen_flapping(Incident& last, Timestamp now);
    void add(Incident& incident, const Observation& seen, Timestamp now, bool uncounted);
    void add_evidence(Incident& incident, const Observation& seen);
    void extend_evidence(EvidenceRow& row, const std::string& line);

    // book_conditions.cpp: what must be before an incident opens
    enum class Fate { waits, kept, broken };
    using Decide = std::function<Fate(const Pending&, const Observation&)>;
    bool threshold_met(const Pending& waiting) const;
    bool wait(const Observation& seen, const std::string& identity);
    void forget_pending(const std::string& identity);
    void index_pending(const std::string& identity, const Pending& waiting);
    EvidenceRef promise(Observation seen, const std::string& identity, Timestamp now);
    void decide_promises(const std::string& instance, const Decide& decide, Timestamp now);
    void forget_promises(const std::string& instance, Timestamp now);
    void met(const std::string& identity, const Pending& whole, Timestamp now);
    EvidenceRef follow(const Observation& seen, Timestamp now);
    void forget_old_pending(Timestamp now);
    std::string opened_words(const Pending& waiting, const std::string& title) const;

    // book_symptoms.cpp
    Incident* cause_for(const Observation& seen);
    void fold_symptom(Incident& cause, const Observation& seen, Timestamp now);
    void fold_open_symptoms(Incident& cause, Timestamp now);
    bool shares_scope(const Incident& cause, const Rule& symptom, const Place& place,
                      const std::vector<std::pair<std::string, std::string>>& fields,
                      std::optional<Timestamp> at) const;
    void raise_severity(Incident& incident, Severity to, const std::string& why, Timestamp now);
    void raise_if_all_members(Incident& incident, Timestamp now);
    void seen_again(Incident& incident, const Observation& seen, Timestamp now);

    // book_recovery.cpp: proofs and ends
    Verdict judge(const Incident& incident, const MemberRow& member) const;
    std::optional<Verdict> proof_in(const Incident& incident, const SourceRow& source,
                                    bool successor) const;
    std::optional<Verdict> proof_by(const Incident& incident, const SourceRow& source,
                                    const Recovery& pattern, const RecoveryMarkRow& mark,
                                    bool successor) const;
    bool same_values(const Incident& incident, const Recovery& pattern,
                     const RecoveryMarkRow& mark) const;
    bool shows_one_identity(const std::string& rule, const std::string& instance) const;
    std::optional<Verdict> silence_proof(const Incident& incident, const MemberRow& member) const;
    std::vector<const SourceRow*> newer_pods(const Place& place) const;
    void settle(Incident& incident, Timestamp now);
    std::vector<std::string> open_rules_ended_by(const RecoveryLine& line) const;
    void settle_rule(const std::string& rule, Timestamp now);
    void unsettle_rule(const std::string& rule);
    void settle_unsettled(Timestamp now);
    void settle_place(const Place& place, Timestamp now);
    bool settle_member(Incident& incident, MemberRow& member, const Verdict& verdict,
                       Timestamp now);
    void end(Incident& incident, std::optional<Timestamp> at, const std::string& proof,
             Timestamp now);
    void put_state(Incident& incident, IncidentState state, Timestamp now);
    bool overdue(const Incident& incident, const MemberRow& member, Timestamp now) const;
    void want(const std::string& key, const WatermarkWanted& watermark);
    void want_nothing(const std::string& key);

    // book_acts.cpp: what people do
    Result<ActDone, ActRefusal> act(Incident& incident, const ActRequest& request, Timestamp now);
    void note_act(Incident& incident, const ActRequest& request, const std::string& text,
                  const std::string& details, Timestamp now);
    Result<ActDone, ActRefusal> snooze(Incident& incident, const ActRequest& request,
                                       Timestamp now);
    Result<ActDone, ActRefusal> change_tags(Incident& incident, const ActRequest& request,
                                            Timestamp now);
    Result<ActDone, ActRefusal> resolve(Incident& incident, const ActRequest& request,
                                        Timestamp now);

    // book_snooze.cpp: what ends by our clock or by what is seen
    void wake(Incident& incident, const std::string& why, Timestamp now);
    void wake_if_seen_enough(Incident& incident, Timestamp now);
    bool lasts(const Incident& incident) const;  // it, or what it is merged with
    void expire(Incident& incident, Timestamp now);
    std::optional<Timestamp> next_expiry(const Incident& incident) const;

    // book_merges.cpp
    std::string root_of(const std::string& key) const;
    std::vector<const Incident*> group_of(const std::string& root) const;  // itself first
    bool is_merged(const std::string& key) const;
    bool in_living_group(const std::string& key) const;
    void leave_if_alone(const std::string& key);
    Result<ActDone, ActRefusal> merge(Incident& incident, const ActRequest& request,
                                      const std::string& into, Timestamp now);
    Result<ActDone, ActRefusal> split(Incident& incident, const ActRequest& request, Timestamp now);
    void put_merged(Incident& incident, const std::string& into);
    void carry_over(const IncidentRow& before, Incident& incident, Timestamp now);
    bool must_stay(const Incident& incident, Timestamp now) const;

    // book_words.cpp
    std::string waiting_words(const Incident& incident) const;
    std::string scope_words(const Incident& incident) const;
    std::set<std::string> running_members(const Place& place) const;

    // book_starts.cpp
    void note_start(const Lifecycle& event);
    std::string start_words(const Lifecycle& event, std::string& kind) const;

    // book_rows.cpp: rows and loading
    SourceRow& source(const Place& place);
    // A line knows the runner's version better than the object that told of the source.
    SourceRow& source_of_line(const Place& place);
    void forget_old(Timestamp now);
    void forget_recalled(Timestamp now);
    void note(Incident& incident, std::optional<Timestamp> at, ClockKind clock,
              const std::string& kind, const std::string& actor, const std::string& text,
              const std::string& evidence_ref = {}, const std::string& details = "{}");
    std::int64_t write_row(Incident& incident, std::optional<Timestamp> at, ClockKind clock,
                           const std::string& kind, const std::string& actor,
                           const std::string& text, const std::string& evidence_ref,
                           const std::string& details);
    void touch(Incident& incident);
    void forget_incident(const std::string& key);
    void materialise_incident(const std::string& key);
    const Rule* rule(const std::string& id) const { return pack->find(id); }
    void follow(const RulePack& rules);  // points to them from now on
};

std::string pending_to_json(const Pending& pending);
Pending pending_from_json(const PendingRow& row, const RulePack& pack);
std::string new_ulid(Timestamp at, const std::string& key);
std::string workload_key(const Place& place);
std::string evidence_reference(const Observation& seen);
bool same_pod(const Place& a, const Place& b);
bool same_workload(const Place& a, const Place& b);

// Nobody is kept from being told any more.
void end_snooze(IncidentRow& row);

}  // namespace runnerwatch
