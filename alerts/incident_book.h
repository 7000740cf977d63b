#pragma once

#include "alerts/incident_act.h"
#include "parsers/matcher.h"
#include "parsers/result.h"
#include "storage/change_set.h"
#include "storage/history.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace runnerwatch {

// A record that matched a rule, as the book takes it. All text is redacted.
struct Observation {
    const Rule* rule = nullptr;
    Place place;
    std::optional<Timestamp> at;  // source time of the record's first line
    ClockKind clock = ClockKind::source;
    std::uint64_t first_line = 0, last_line = 0;  // numbers within the instance
    Values values;                                // captures and fields
    std::vector<std::pair<std::string, std::string>> identity;
    std::vector<HeldCause> causes;
    std::vector<std::string> also;
    std::string headline;        // the record as one readable line
    std::string text;            // physical lines of the head
    std::string context_before;  // lines before it

    // A detection that is none until a line fails to come, or nullptr.
    const Absence* absent = nullptr;
    // What is pending keeps of it: when the line is overdue, and whether an end before breaks it.
    std::optional<Timestamp> due;
    bool or_end = false;

    // A record that an earlier detection waits for is observed too: FollowUp::promised, or its
    // place in the rule's sequence. It counts for nothing where no detection waits.
    static constexpr int detected = -2;
    int step = detected;
};

// A line that is recovery evidence.
struct RecoveryObservation {
    const RecoveryLine* kind = nullptr;
    Place place;
    std::optional<Timestamp> at;
    std::uint64_t line = 0;
    Values values;
    std::string text;
};

enum class LifecycleKind {
    started,  // this container instance runs (or has run: it is readable)
    ended,    // this container instance has ended
    gone      // its pod no longer exists
};

struct Lifecycle {
    LifecycleKind kind = LifecycleKind::started;
    Place place;
    std::optional<Timestamp> at;  // the API's time
    std::string revision{};       // started: of the workload's template; or empty
    std::string before{};         // started: how the instance before it ended; or empty
};

// Which evidence a counted record became, so that later raw lines can extend it.
struct EvidenceRef {
    std::string identity;
    std::string instance;
    std::uint64_t first_line = 0;
    bool operator==(const EvidenceRef&) const = default;
};

// A source whose watermark decides something: it is wanted as soon as it can be `due`.
struct WatermarkWanted {
    std::string instance;
    Timestamp due;  // source time
};

// The incidents, and the rules by which they open, grow, recover and end (design: the life of an
// incident).
//
// Pure bookkeeping: no I/O, no clock, no thread. `now` is our clock and drives nothing but what
// people set and how long a proof may stay out; windows and hold-downs are driven by source time.
// The same log, live or replayed, in any chunks, gives the same incidents. What it changes is
// fetched with take_changes(), what it holds comes back with load(). Bounded by the constants
// below; what goes beyond is counted.
class IncidentBook {
public:
    static constexpr std::size_t open_max = 10'000;
    static constexpr std::size_t members_max = 1'000;
    static constexpr std::size_t pending_max = 10'000;  // identities
    static constexpr std::size_t pending_hits_max = Opening::count_max;
    static constexpr std::size_t evidence_bytes_max = 32 * 1024;
    static constexpr std::int64_t timeline_max = 5'000;
    static constexpr std::chrono::minutes fold_within{10};
    static constexpr std::chrono::minutes late_tolerance{2};
    static constexpr std::chrono::minutes cannot_tell_after{5};
    static constexpr std::int64_t act_rows_max = 1'000;  // of the timeline, beyond timeline_max
    static constexpr std::size_t merged_max = 100;       // incidents told as one
    static constexpr std::chrono::minutes recalled_for{10}, recalled_for_least{1};
    static constexpr std::size_t recalled_max = 1'000;  // incidents that had left memory
    static constexpr std::chrono::hours flapping_within{1};
    static constexpr std::size_t flapping_openings = 3;

    // `pack` must live until the book is gone or has got another: incidents point to its rules.
    IncidentBook(const RulePack& pack, std::string database_id);
    ~IncidentBook();
    IncidentBook(const IncidentBook&) = delete;
    IncidentBook& operator=(const IncidentBook&) = delete;

    // Before the first input. Incidents of rules the pack no longer has stay as they are.
    void load(const StoredState& state);

    // Goes on with another version of the rules; the old pack may go when this returns. Incidents
    // and what is pending stay, bound to the rules of their ids; conditions that changed hold from
    // now on. Incidents of rules that are no more stay as they are.
    void use_pack(const RulePack& pack, Timestamp now);

    // The seven inputs.
    EvidenceRef observe(const Observation& seen, Timestamp now);
    // Whether an incident that is not over has a rule that such a line may end.
    bool recover(const RecoveryObservation& seen, Timestamp now);
    void lifecycle(const Lifecycle& event, Timestamp now);
    void watermark(const std::string& instance, Timestamp read_up_to, Timestamp now);
    void gap(const std::string& instance, std::optional<Timestamp> from,
             std::optional<Timestamp> to, const std::string& why, Timestamp now);
    // All of it or, refused, nothing. What was so already changes nothing.
    Result<ActDone, ActRefusal> act(const ActRequest& request, Timestamp now);
    void tick(Timestamp now);

    // Takes an incident back in that had left memory, so that it can be acted on: with nothing of
    // it unwritten. It stays for `recalled_for`, or where others want its place for
    // `recalled_for_least`. No change to one that is held. False: there are `recalled_max`, all of
    // them so new.
    [[nodiscard]] bool recall(const IncidentDetail& stored, Timestamp now);
    std::size_t recalled() const;  // how many are held that had left memory

    // A raw line that belongs to a record already counted.
    void extend(const EvidenceRef& ref, const std::string& line);

    // Rows that became dirty since the last call, whole.
    ChangeSet take_changes();

    // Incidents whose state, severity, members or fate changed since the last call.
    std::vector<std::string> take_changed();

    // What a commit gave: numbers of new incidents.
    void set_numbers(const std::map<std::string, std::int64_t>& numbers);

    const IncidentRow* find(const std::string& key) const;
    // By number ("12" or "#12"), ULID or key; empty where it holds none like that.
    std::string key_of(std::string_view id) const;

    // The incident as people are told it: of merged ones the first speaks for all (open as long as
    // any is, as severe as the worst), the others say `folded` into it. None: it is not held.
    std::optional<IncidentRow> as_told(const std::string& key) const;
    // The incident as lists show it: the one that speaks for others sums them up (as_whole), a part
    // is as it is by itself. None: it is not held.
    std::optional<IncidentRow> as_shown(const std::string& key) const;
    // The key of the incident that speaks for it: its own where it is merged into nothing.
    std::string whole_of(const std::string& key) const;
    bool is_merged(const std::string& key) const;
    // All incidents as they are told, by key. Those that had to be put together stand in `made`,
    // which must outlive the answer.
    std::vector<const IncidentRow*> told(std::deque<IncidentRow>& made) const;
    std::vector<const IncidentRow*> incidents() const;  // by key; ended ones a line may still join
    std::vector<const MemberRow*> members(const std::string& key) const;
    std::vector<WatermarkWanted> wanted() const;
    std::optional<Timestamp> next_tick() const;  // our clock

    // Events refused because a limit was reached.
    std::uint64_t refused() const;

    // All it holds as text, to compare a book with one that was loaded.
    std::string snapshot() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// The canonical text that makes two detections the same trouble: rule, scope parts, fields.
std::string identity_of(const Observation& seen);

}  // namespace runnerwatch
