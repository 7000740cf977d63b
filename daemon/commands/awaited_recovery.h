#pragma once

#include "parsers/matcher.h"

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

    bool awaits(int line) const {
        const auto number = static_cast<std::size_t>(line);
        return number < lines_.size() && lines_[number].count > 0;
    }

    // Whether a member has but one finding.
    using Lone = std::function<bool(const std::string& member)>;
    // Whether a line, going by its message one of `lines`, may be awaited. `raw`: all of it.
    bool may_be_any(const std::vector<int>& lines, std::string_view raw, const Lone& lone);

    // Lines that became, or are no longer, awaited since the last call, with what they are now.
    std::vector<std::pair<int, bool>> take_changes() { return std::exchange(changes_, {}); }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };
    template <class Value>
    using ByText = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
    using Counts = ByText<std::int64_t>;
    // How many await a line, by its number; few lines are awaited with one value.
    using LineCounts = std::vector<std::pair<int, std::int64_t>>;
    // A field by which lines are told apart.
    struct Name {
        struct Found {
            std::string_view value;
            const LineCounts* awaited;
        };
        std::string text;
        ByText<LineCounts> values;  // that some line is awaited with
        static constexpr int slot_bits = 15;
        std::bitset<1u << slot_bits> kept;  // of all that ever were: most need not be looked up
        std::vector<Found> found;           // those of them that stand in the line in hand
        // By its last bytes: names and numbers begin alike.
        static std::size_t slot(std::string_view value) {
            std::uint64_t last = 0;
            const std::size_t size = std::min(sizeof last, value.size());
            std::memcpy(&last, value.data() + value.size() - size, size);
            return (last + value.size()) * 0x9e3779b97f4a7c15u >> (64 - slot_bits);
        }
        bool told = false;           // the line has the field, with one plain value
        std::uint64_t searched = 0;  // the line in hand when they were looked for
    };
    struct Field {
        std::size_t name = 0;      // into names_
        std::int64_t any = 0;      // who takes any value, or one that formats write differently
        std::int64_t lacking = 0;  // findings without a value
    };
    struct Line {
        std::vector<Field> same;
        Counts together;  // the values of all fields, of those whose values are all known
        Counts members;
        std::int64_t count = 0;
        bool outdated = false;  // what follows
        bool lone = false;
        // The first field of which a line must show an awaited value; nullptr: there is none.
        const Field* asked = nullptr;
    };
    static void count(Counts& counts, std::string_view key, int by);
    static void count(Name& name, const std::string& value, int line, int by);
    std::size_t number_of(const std::string& name);
    void change(const Waiting& waiting, int by);
    bool may_be(int number, std::string_view raw, const Lone& lone);
    static void renew(Line& line, const Lone& lone);
    // With the field's values in the line, which is searched for them once.
    Name& searched(const Field& field, std::string_view raw);
    // Such a value that the line is awaited with; nothing: some other value or none.
    static std::optional<std::string_view> awaited(const Name& name, int number);
    static void find_values(Name& name, std::string_view raw);

    std::vector<Name> names_;
    std::vector<Line> lines_;          // by number
    std::uint64_t lines_in_hand_ = 0;  // counted
    std::vector<std::pair<int, bool>> changes_;
    bool outdated_ = false;
};

}  // namespace runnerwatch
