#pragma once

#include "daemon/sources/log_source.h"
#include "parsers/anchor_ring.h"
#include "parsers/line_framer.h"

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

// What was read of one container instance's log: takes the bytes of one answer after another,
// each of which begins with lines of the one before, and hands every line over once.
//
// Confined to the loop. Bounded by LineFramer, AnchorRing and Alignment.
class PodLog {
public:
    explicit PodLog(const std::optional<PositionRow>& position);

    void hand_to(LineSink& sink) { sink_ = &sink; }

    // First contact: reading begins at `since`, or behind `tail` when that is older.
    void begin(std::optional<LogTail> tail, std::optional<Timestamp> since);
    // Again after a restart: the history ends at `tail`.
    void resume(std::optional<LogTail> tail);

    // An answer begins. `same_instance`: it is surely that of this container instance. `whole`: it
    // is asked for from the log's start. Returns the time it is to be asked from, or none.
    std::optional<Timestamp> start_answer(bool same_instance, bool whole);
    void bytes(std::string_view bytes);

    // How an answer ended, apart from what the transport says.
    struct Rest {
        bool line = false;    // a line without newline, not handed over
        std::string problem;  // an error of the kubelet as last bytes, never a part of a line
    };
    // `last_line_counts`: nothing more will be written, a last line without newline is one.
    Rest end_answer(bool last_line_counts);

    // While the place in the log is being looked for, no line is handed over.
    bool aligning() const { return alignment_.has_value(); }
    bool alignment_wants_end() const { return alignment_ && alignment_->wants_end(); }
    bool alignment_replays() const { return replaying_; }  // within one answer
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
    bool resumed() const { return resumed_; }
    std::optional<Timestamp> last_time() const;
    void caught_up();

    std::string blob(std::size_t held_lines) const { return ring_.blob(held_lines); }
    std::uint64_t lines() const { return lines_; }

private:
    void line(const FramedLine& line);
    void deliver(const LineMark& mark, std::string_view text, bool cut);
    void conclude();
    bool is_tail_of_last(const LogTail& tail) const;

    LineSink* sink_ = nullptr;
    AnchorRing ring_;
    std::uint64_t lines_ = 0;
    bool resumed_ = false;
    bool seeded_ = false;    // the ring holds only what a probe gave, perhaps a line's last part
    std::string last_long_;  // the last line when it is so long that a probe gives a part of it
    std::optional<LogTail> history_end_;
    bool caught_up_ = false;

    LineFramer framer_;
    bool at_start_ = true;  // of an answer
    std::optional<Alignment> alignment_;
    bool replaying_ = false;
};

}  // namespace runnerwatch
