#pragma once

#include "daemon/commands/awaited_recovery.h"
#include "parsers/matcher.h"
#include "parsers/record.h"
#include "parsers/timestamp.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace runnerwatch {

// Where in the input a record stands.
struct ScanPosition {
    std::string source;                    // the argument: a file, or "-"
    std::string pod;                       // of `kubectl logs --prefix`, or empty
    std::uint64_t line = 0, line_end = 0;  // physical lines, from 1
    std::optional<Timestamp> time;
};

// One detection in the input.
struct ScanHit {
    Detection detection;
    Record record;
    ScanPosition at;
};

// One who shows a trouble: a pod, or a file that is of one process.
struct ScanMember {
    std::string source, pod;
    std::uint64_t count = 0;
    ScanPosition first, last;
    std::deque<std::optional<Timestamp>> recent;  // as many as the rule's threshold asks for
    std::optional<ScanPosition> recovered;        // the line that says so
    Recovery recovery;                            // what that line proves
    std::optional<std::size_t> step;              // of the rule's sequence, that is waited for
    std::optional<Timestamp> step_from;
    enum class Awaits { nothing, better_proof, any_proof } awaits = Awaits::nothing;
    std::string recovery_text;
};

// Detections of one identity. Its texts are those of the first one, safe to be shown.
struct Finding {
    const Rule* rule = nullptr;
    Severity severity = Severity::info;  // the rule's, or that of a symptom that is worse
    std::string workload;                // or the source; empty where the scope is wider
    std::vector<std::pair<std::string, std::string>> identity;
    std::string title, impact, fact, line;
    std::vector<std::string> also;  // catalogue ids
    std::vector<HeldCause> causes;
    Values values;
    std::map<std::pair<std::string, std::string>, ScanMember> members;
    std::uint64_t count = 0;
    ScanPosition first, last;
    bool open = false;                              // its threshold has been met
    bool told = false;                              // its block has been printed
    std::deque<std::optional<Timestamp>> recent;    // of all members
    const Finding* part_of = nullptr;               // the trouble this is a symptom of
    std::map<std::string, std::uint64_t> symptoms;  // their titles and counts

    const Cause* top_cause() const { return causes.empty() ? nullptr : causes.front().cause; }
};

// How far one member has recovered, as far as the input goes.
enum class ScanRecovery { none, waiting, proven };

// What was found in the input, by identity.
//
// Pure: hits and recovery lines in, findings out. At most `findings_max` findings of
// `members_max` members; what is beyond them is counted.
class ScanReport {
public:
    static constexpr std::size_t findings_max = 1'000;
    static constexpr std::size_t members_max = 1'000;
    static constexpr std::size_t value_bytes_max = 500;  // of a value, as it is shown and compared

    // Of the matcher whose hits it is given; refers to it.
    explicit ScanReport(const Matcher& matcher);
    ScanReport(const ScanReport&) = delete;
    ScanReport& operator=(const ScanReport&) = delete;

    // What a hit changed: `opened` when it met the rule's threshold. No finding past the limit.
    struct Added {
        Finding* finding = nullptr;
        bool opened = false;
    };
    Added add(const ScanHit& hit);
    void recover(const std::vector<RecoveryHit>& hits, const Record& record,
                 const ScanPosition& at);

    // A line that a sequence may wait for; the finding that it opens, or nullptr.
    Finding* follow(const FollowUp& line, const ScanPosition& at);

    // The time of the last line of a source: what hold-downs and silence are measured by.
    void seen_until(const std::string& source, const std::string& pod, Timestamp time);

    // Whether a line's time is worth decoding: something waits for it.
    bool waits_for_time() const { return waiting_; }

    // What is awaited in a source, and whether a line that is one of the matcher's recovery lines
    // `lines`, going by its message, may be it.
    bool may_recover(AwaitedRecovery& awaited, const std::vector<int>& lines,
                     std::string_view raw) const;
    AwaitedRecovery& awaited(const std::string& source) { return awaited_[source]; }

    // Makes symptoms a part of their causes. Call it after the last hit.
    void fold();

    // The trouble that this one is a symptom of, if that was found already.
    Finding* cause_of(const Finding& symptom);

    // What is to be told: not folded, worst first.
    std::vector<const Finding*> worst_first() const;

    ScanRecovery recovery_of(const Finding& finding, const ScanMember& member) const;

    std::uint64_t beyond() const { return beyond_; }
    bool empty() const { return findings_.empty(); }
    Severity worst() const { return worst_; }  // of all detections

private:
    void await(Finding& finding, ScanMember& member, ScanMember::Awaits awaits);
    static std::string recovery_member(const Rule& rule, const std::string& source,
                                       const std::string& pod);
    bool is_lone(const std::string& member) const;
    const AwaitedRecovery::Lone lone_ = [this](const std::string& member) {
        return is_lone(member);
    };
    bool same_values(const Finding& finding, const ScanMember& member, const Recovery& recovery,
                     const Values& values) const;

    std::map<std::string, std::unique_ptr<Finding>> findings_;
    std::map<const Rule*, std::vector<Finding*>> by_rule_;
    // The findings that wait for one kind of recovery line in one place: a busy log has many such
    // lines, and many findings.
    struct Recoverable {
        struct One {
            Finding* finding;
            std::size_t index;  // into its rule's recover
            bool operator==(const One&) const = default;
        };
        void add(const One& one, const std::string& values);
        void remove(const One& one, const std::string& values);

        std::unordered_map<std::string, std::vector<One>> by_values;  // of `same`; "": one lacks
        std::map<const Rule*, std::vector<One>> by_rule;
    };
    struct SafeTexts;
    void recover(const RecoveryHit& hit, const Recoverable& here, const ScanPosition& at,
                 SafeTexts& safe);
    std::vector<Recoverable::One> meant_by(const std::string& values, const Recoverable& here,
                                           const ScanPosition& at) const;
    void recover(Finding& finding, std::size_t index, const Values& same, const ScanPosition& at,
                 SafeTexts& safe);
    std::unordered_map<std::string, Recoverable> recoverable_;
    std::unordered_map<std::string, int> alike_;  // findings by rule and member
    std::map<std::pair<std::string, std::string>, Timestamp> until_;
    std::map<const Rule*, std::vector<int>> recovery_lines_;  // of each rule's recoveries
    std::map<std::string, AwaitedRecovery> awaited_;          // by source
    std::uint64_t beyond_ = 0;
    Severity worst_ = Severity::info;
    bool waiting_ = false;
};

// The controller's name of a pod: "gitlab-runner" of "gitlab-runner-5d9c8b7f6d-x2x8z".
std::string workload_of_pod(std::string_view pod);

// Log text as it may be shown: redacted, made visible, at most `bytes_max` bytes.
std::string shown(std::string_view text, std::size_t bytes_max);

}  // namespace runnerwatch
