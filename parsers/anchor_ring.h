#pragma once

#include "parsers/timestamp.h"

#include <boost/circular_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// What tells one line of a log from another: the log API's time and the text's hash.
struct LineMark {
    Timestamp time{};
    std::uint64_t hash = 0;
    bool operator==(const LineMark&) const = default;
};

// The last lines of a log that were handed over, in the order of the log: what proves, after a
// disconnection, where reading goes on.
//
// A stored position holds the newest `stored_max` of them. `spare_max` more are kept in memory,
// so that a position can be given for a place that many lines back (a record's head that is not
// complete), and whatever is younger than `remembered` (up to `remembered_max`), so that lines that
// come again are known. A value; bounded.
class AnchorRing {
public:
    static constexpr std::size_t stored_max = 64;
    static constexpr std::size_t spare_max = 512;
    static constexpr Duration remembered = std::chrono::seconds(2);
    static constexpr std::size_t remembered_max = 64 * 1024;

    // `from`: where reading began, when it did not begin at the start of the log.
    explicit AnchorRing(std::optional<Timestamp> from = std::nullopt) : from_(from) {}

    void push(LineMark line);

    bool empty() const { return lines_.empty(); }
    std::size_t size() const { return lines_.size(); }
    const LineMark& last() const { return lines_.back(); }
    const LineMark& first() const { return lines_.front(); }  // of those in memory
    Timestamp latest() const { return latest_; }  // of those, which need not be the last
    std::optional<Timestamp> from() const { return from_; }

    // Whether this line is one of those in memory.
    bool contains(const LineMark& line) const;
    std::size_t count(const LineMark& line) const;

    // The lines that end the ring and have one time: how many, and each of them from the first.
    std::size_t run() const { return run_; }
    const LineMark& of_run(std::size_t i) const { return lines_[lines_.size() - run_ + i]; }

    // The line before this one. None: there is no such line in memory, or none before it.
    std::optional<LineMark> before(const LineMark& line) const;

    // The newest `stored_max` lines, oldest first.
    std::vector<LineMark> newest() const;

    // From where the log is to be asked for again: sinceTime counts whole seconds, and a line may
    // be stamped up to a second before its predecessor. None: from its start.
    std::optional<Timestamp> resume_from() const;

    // The ring as it was before its last `held_lines` lines, as bytes; and back. Bytes of another
    // version or shape give nothing.
    std::string blob(std::size_t held_lines) const;
    static std::optional<AnchorRing> parse(std::string_view blob);

private:
    std::optional<Timestamp> from_;
    void make_room();

    boost::circular_buffer<LineMark> lines_;  // its room grows and shrinks with what is in it
    std::size_t run_ = 0;
    Timestamp latest_{};
};

// Decides which lines of a log that is read again were handed over before.
//
// Lines are told apart by their place in the log, never by their time alone: the ring's newest
// lines, as many as can be in the answer, are looked for as one sequence, and what stands behind
// it is new. Until then lines are held. When the sequence cannot come any more (see `wants_end`)
// the caller ends the search: lines may be missing then. Bounded by lines_max and bytes_max.
//
// One ambiguity cannot be resolved: the same text twice with the same nanosecond around a
// rotation. Such lines are handed over again and `repeats` says so.
class Alignment {
public:
    static constexpr std::size_t lines_max = 64 * 1024;
    static constexpr std::size_t bytes_max = 16 * 1024 * 1024;
    static constexpr Duration reorder_max = std::chrono::seconds(2);

    struct Line {
        LineMark mark;
        std::string text;
        bool cut = false;
    };

    // `since`: the time the log was asked from.
    Alignment(const AnchorRing& ring, std::optional<Timestamp> since);

    void add(Line line);
    // Nothing more will come that could hold the sequence: decides with what is there.
    void end();

    bool decided() const { return decided_; }
    // The sequence has not come and is not to be expected: the caller should end().
    bool wants_end() const { return !decided_ && overdue_; }
    bool has_seen(const LineMark& line) const;
    bool empty() const { return lines_.empty(); }
    bool full() const { return lines_.size() >= lines_max || bytes_ >= bytes_max; }

    // Once decided: whether the log goes on where it was left, without a hole.
    bool anchored() const { return anchored_; }
    bool repeats() const { return repeats_; }
    std::size_t known() const { return known_; }  // lines of the answer handed over before
    const Line* last_known() const;
    const LineMark& first() const { return lines_.front().mark; }
    // The ring with all lines that are known, which may be more than it had stored.
    AnchorRing refreshed() const;
    // The lines that are new, in order.
    std::vector<Line> take_new() &&;

private:
    bool ends_with_expected(std::size_t count) const;
    void decide(std::size_t known, bool anchored);
    void find_rotated();

    std::vector<LineMark> expected_;
    Timestamp latest_{};  // of those, which need not be the last one's time
    AnchorRing ring_;
    std::vector<Line> lines_;
    std::size_t bytes_ = 0;
    std::optional<std::size_t> first_match_;  // how many lines are known if this one is it
    bool may_recur_ = false;                  // expected_ may stand in the answer twice
    bool decided_ = false, anchored_ = false, repeats_ = false, overdue_ = false;
    std::size_t known_ = 0;
};

}  // namespace runnerwatch
