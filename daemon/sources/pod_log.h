#pragma once

#include "daemon/sources/log_source.h"
#include "parsers/anchor_ring.h"
#include "parsers/line_framer.h"

#include <boost/container/deque.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// The last line of a log, as a tail probe gives it.
struct LogTail {
    LineMark mark;
    std::string text;
};

// Reads "TIME text", a line as the log API gives it with timestamps=true.
std::optional<LogTail> parse_log_line(std::string_view line);

// An answer that is read beside another one, to take its place: its lines, held. Bounded as an
// Alignment is: what grows beyond is unusable.
class HeldAnswer {
public:
    explicit HeldAnswer(std::optional<Timestamp> since) : since_(since) {}

    std::optional<Timestamp> since() const { return since_; }
    void bytes(std::string_view bytes);
    bool unusable() const { return unusable_; }

private:
    friend class PodLog;
    void line(const FramedLine& line);

    std::optional<Timestamp> since_;  // what it was asked from
    LineFramer framer_;
    TimeReader times_;
    bool at_start_ = true;
    std::vector<Alignment::Line> lines_;
    std::size_t bytes_ = 0;
    bool unusable_ = false;
};

// What was read of one container instance's log: takes the bytes of one answer after another,
// each of which begins with lines of the one before, and hands every line over once.
//
// Confined to the loop. Bounded by LineFramer, AnchorRing and Alignment.
class PodLog {
public:
    // Without a position it is a first contact: reading begins at `since` or, with `from_now`,
    // behind the last line. That is a position, too: what comes and goes before the first line is
    // read does not go unsaid. `began`: nothing was written before.
    PodLog(const std::optional<PositionRow>& position, std::optional<Timestamp> since,
           bool from_now, std::optional<Timestamp> began = std::nullopt);

    // Reading is to begin with the container's first line, and it started in that second.
    void started(Timestamp at) { started_ = at; }

    void hand_to(LineSink& sink) { sink_ = &sink; }

    // Before each answer: the log's last line is `tail`. The first time it tells where the history
    // ends and, in a first contact, where reading begins.
    void ends_at(const std::optional<LogTail>& tail);

    // An answer begins. Its lines are held until their place is known: where the ring has lines, by
    // those, and else by end_alignment(), when the answer is surely that of this instance. `whole`:
    // it is asked for from the log's start. `stalled`: the one before had stopped without an end.
    // Returns the time it is to be asked from, or none.
    std::optional<Timestamp> start_answer(bool whole, bool stalled);
    // It is one: the server gives the log.
    void answer_begun() { answers_ = std::min(answers_ + 1, 2); }
    void bytes(std::string_view bytes);

    // To be asked for beside the answer that is being read.
    HeldAnswer beside() const { return HeldAnswer(ring_.resume_from()); }
    // Whether `answer` surely goes on where this one stands: it has brought the last line that was
    // handed over, and which of its lines that is cannot be mistaken.
    bool goes_on_in(const HeldAnswer& answer) const;
    // From here on the bytes are those of `answer`, which overlaps the one before. Where it does
    // not surely go on there, its place is looked for.
    void go_on_in(HeldAnswer answer);

    // How an answer ended, apart from what the transport says.
    struct Rest {
        bool line = false;    // a line without newline, not handed over
        std::string problem;  // an error of the kubelet as last bytes, never a part of a line
    };
    // `last_line_counts`: nothing more will be written, a last line without newline is one.
    Rest end_answer(bool last_line_counts);

    // While the place in the log is being looked for, no line is handed over.
    bool aligning() const { return alignment_.has_value(); }
    bool alignment_wants_end() const;
    bool alignment_replays() const { return replaying_; }  // within one answer
    // All lines of the last time came again with that time, at once: the log has them twice, or the
    // kubelet has begun a file of no others again. They are held until it is told.
    bool repeating() const { return !again_.empty(); }
    std::optional<Timestamp> repeats_since() const;  // what is to be asked for to tell
    std::size_t repeated() const { return again_.size(); }
    // `log` is what is in the file from there, asked for when `repeated` lines were held. None:
    // it cannot be known, the lines are handed over and a gap says so.
    void settle_repeat(std::optional<std::string_view> log, std::size_t repeated);
    // A log that is not followed is read once.
    void end_repeat();
    bool alignment_empty() const { return alignment_ && alignment_->empty(); }
    bool alignment_has_seen(const LogTail& tail) const;
    // The place cannot be found any more: goes on with what is there, and reports the gap.
    void end_alignment();
    // What is held is not of this log, or of no use.
    void drop_alignment();

    // A line that was not read and is too early for an answer that begins where reading is resumed:
    // the node's clock was set back, and sinceTime hides all lines written since.
    bool is_before_answer(const LogTail& tail) const;

    bool handed_over(const LogTail& tail) const;
    bool ends_with(const LogTail& tail) const;
    bool empty() const { return ring_.empty(); }
    bool is_new() const { return !resumed_ && answers_ <= 1; }
    // No line was read, and none can have been written: a log that is empty proves as much.
    bool surely_empty() const { return ring_.empty() && !resumed_ && answers_ <= 1; }
    std::optional<Timestamp> first_time() const;  // of the lines that are remembered
    std::optional<Timestamp> last_time() const;
    void caught_up();
    bool has_caught_up() const { return caught_up_; }

    std::string blob(std::size_t held_lines) const { return ring_.blob(held_lines); }
    std::uint64_t lines() const { return lines_; }

private:
    void line(const FramedLine& line);
    void take(const LineMark& mark, std::string_view text, bool cut);
    void deliver(const LineMark& mark, std::string_view text, bool cut);
    void conclude();
    bool is_tail_of_last(const LogTail& tail) const;
    bool may_replay(const LineMark& mark) const;
    void report_skip(const LineMark& first);
    bool may_repeat(const LineMark& mark) const;
    bool hold(Alignment::Line line);
    void deliver_held();
    void forget_repeat();

    LineSink* sink_ = nullptr;
    AnchorRing ring_;
    std::uint64_t lines_ = 0;
    bool resumed_ = false;  // from a stored position
    const bool from_now_;
    const std::optional<Timestamp> began_;
    std::optional<Timestamp> started_;
    bool was_written_ = false;   // before it was first asked for
    int answers_ = 0;            // begun, up to 2
    bool start_proven_ = false;  // the answer holds what had been the log's end before all answers
    bool seeded_ = false;    // the ring holds only what a probe gave, perhaps a line's last part
    std::string last_long_;  // the last line when it is so long that a probe gives a part of it
    std::optional<LogTail> history_end_;
    bool caught_up_ = false;

    LineFramer framer_;
    TimeReader times_;
    bool at_start_ = true;  // of an answer
    std::optional<Alignment> alignment_;
    bool replaying_ = false;
    bool stalled_ = false;
    std::optional<Timestamp> before_answer_;  // the last line before the answer, or its first one
    boost::container::deque<Alignment::Line>
        again_;  // the run that ends the ring, or its first lines, again
    std::size_t again_bytes_ = 0;
    std::optional<Timestamp> told_;  // so many lines of that time are in the log
    std::size_t told_lines_ = 0;
};

}  // namespace runnerwatch
