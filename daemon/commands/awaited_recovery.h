#pragma once

#include "parsers/matcher.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace runnerwatch {

// Which recovery lines something waits for in one input, and how such a line can be told from the
// many like it by its raw bytes: a busy log writes one with each job.
//
// Says "maybe" too often rather than "no" once.
class AwaitedRecovery {
public:
    // One member of one finding that waits for a line of recovery.
    struct Waiting {
        int line = 0;                          // number of the recovery line (Matcher)
        const Recovery* recovery = nullptr;    // one of those that the line is
        std::string member;                    // of findings of one rule: what they have in common
        std::vector<const std::string*> same;  // the finding's values of its fields, or nullptr
    };
    void add(const Waiting& waiting) { change(waiting, 1); }
    void remove(const Waiting& waiting) { change(waiting, -1); }

    // Another finding of this member: a line without the field no longer says which is meant.
    void findings_changed() { outdated_ = true; }

    // `lone`: whether a member has but one finding.
    using Lone = std::function<bool(const std::string& member)>;
    bool may_be(int line, std::string_view raw, const Lone& lone);

    // Lines that became, or are no longer, awaited since the last call, with what they are now.
    std::vector<std::pair<int, bool>> take_changes() { return std::exchange(changes_, {}); }

private:
    using Counts = std::unordered_map<std::string, std::int64_t>;
    struct Field {
        std::string name;
        Counts values;
        std::int64_t any = 0;  // who takes any value, or one that formats write differently
    };
    struct Line {
        std::vector<Field> same;
        Counts together;  // the values of all fields, of those whose values are all known
        Counts members;
        std::int64_t count = 0;
        bool outdated = false, lone = false;
    };
    // The field's value in the line where it is awaited; nothing: some other value or none.
    static std::optional<std::string_view> awaited(const Field& field, std::string_view raw);
    void change(const Waiting& waiting, int by);

    std::vector<Line> lines_;  // by number
    std::vector<std::pair<int, bool>> changes_;
    bool outdated_ = false;
};

}  // namespace runnerwatch
