#include "daemon/sources/pod_log.h"

#include "daemon/container_runs.h"
#include "parsers/digest.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {

namespace {

// Runtimes split lines into records of 16 KiB (containerd) or 8 KiB (conmon); the log API joins
// them, but a tail probe counts records.
constexpr std::size_t record_bytes_min = 8 * 1024;
constexpr std::size_t details_bytes_max = 500;

// No file is rotated so soon after its container's start, which is told in whole seconds.
constexpr std::chrono::seconds first_line{3};

struct TimedLine {
    Timestamp time;
    std::string_view text;
};

// What a kubelet writes into a 200 answer when it cannot go on: without time and newline, right
// behind whatever was sent before (kubernetes server.go getContainerLogs, logs.go:294).
constexpr std::string_view kubelet_errors[] = {
    "failed to create fsnotify watcher: ",
    "failed to try resolving symlinks in path \"",
    "unable to retrieve container logs for ",
    "rpc error: code = ",
    "unexpected stream type ",
};

// Where such an error begins in the end of an answer; npos: nowhere.
std::size_t find_kubelet_error(std::string_view text) {
    std::size_t first = std::string_view::npos;
    for (const std::string_view error : kubelet_errors) first = std::min(first, text.find(error));
    return first;
}

std::optional<TimedLine> split_time(std::string_view line, TimeReader& times) {
    const auto parsed = times.read(line);
    if (!parsed) return std::nullopt;
    line.remove_prefix(parsed->length);
    if (!line.empty() && line.front() != ' ') return std::nullopt;
    return TimedLine{parsed->time, line.substr(std::min<std::size_t>(1, line.size()))};
}

// Kubelets before 1.26 put a time before every 16 KiB of a long line (kubernetes#77603). Returns
// the line without them; empty: there are none.
std::string without_record_times(std::string_view text) {
    constexpr std::size_t record_bytes = 16 * 1024;
    std::string repaired;
    while (text.size() > record_bytes) {
        const auto time = parse_time(text.substr(record_bytes));
        if (!time || !text.substr(record_bytes + time->length).starts_with(' ')) break;
        repaired += text.substr(0, record_bytes);
        text.remove_prefix(record_bytes + time->length + 1);
    }
    if (!repaired.empty()) repaired += text;
    return repaired;
}

bool are_with(const std::vector<Alignment::Line>& lines, const LogTail& tail) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.mark == tail.mark; });
}

}  // namespace

std::optional<LogTail> parse_log_line(std::string_view line) {
    TimeReader times;
    const auto timed = split_time(line, times);
    if (!timed) return std::nullopt;
    return LogTail{{timed->time, line_hash(timed->text)}, std::string(timed->text)};
}

PodLog::PodLog(const std::optional<PositionRow>& position, std::optional<Timestamp> since,
               bool from_now, std::optional<Timestamp> began)
    : ring_(since ? std::optional(std::chrono::floor<std::chrono::seconds>(*since)) : since),
      from_now_(from_now),
      began_(began) {
    if (!position) return;
    lines_ = position->lines;
    // Unreadable bytes (of a newer version, say) are a first contact.
    std::string_view blob = position->blob;
    take_run(blob);
    if (auto ring = AnchorRing::parse(blob)) {
        ring_ = std::move(*ring);
        resumed_ = true;
    }
}

void PodLog::ends_at(const std::optional<LogTail>& tail) {
    if (!resumed_ && answers_ == 0 && ring_.empty()) {
        if (!tail) {
            ring_ = AnchorRing();
        } else {
            was_written_ = true;
            if (from_now_ || (ring_.from() && tail->mark.time < *ring_.from())) {
                ring_ = AnchorRing();
                ring_.push(tail->mark);
                seeded_ = true;
            }
        }
    }
    if (caught_up_) return;
    if (!tail || handed_over(*tail)) return caught_up();
    history_end_ = tail;
}

std::optional<Timestamp> PodLog::start_answer(bool whole, bool stalled) {
    framer_.clear();
    forget_repeat();
    before_answer_ = last_time();
    at_start_ = true;
    replaying_ = false;
    stalled_ = stalled;
    const auto since = whole ? std::nullopt : ring_.resume_from();
    alignment_.emplace(ring_, since);
    return since;
}

void PodLog::bytes(std::string_view bytes) {
    framer_.feed(bytes, [this](const FramedLine& framed) { line(framed); });
}

void PodLog::line(const FramedLine& framed) {
    const bool first = std::exchange(at_start_, false);
    const auto timed = split_time(framed.text, times_);
    if (!timed) {
        // sinceTime cuts between the records of a long line: its end comes first, and is known.
        if (first) return;
        const auto text = std::string(framed.text.substr(0, details_bytes_max));
        return sink_->on_gap({"in_band_error", "possibly_lost", last_time(), std::nullopt,
                              "the log API gave a line without time: " + text});
    }
    take({timed->time, line_hash(timed->text)}, timed->text, framed.cut);
}

void PodLog::take(const LineMark& mark, std::string_view text, bool cut) {
    if (repeating() || (!alignment_ && may_repeat(mark)))
        if (hold({mark, std::string(text), cut})) return;
    if (!alignment_ && may_replay(mark)) {
        alignment_.emplace(ring_, std::nullopt);
        replaying_ = true;
    }
    if (!alignment_) return deliver(mark, text, cut);
    alignment_->add({mark, std::string(text), cut});
    if (alignment_->decided()) conclude();
}

void HeldAnswer::bytes(std::string_view bytes) {
    framer_.feed(bytes, [this](const FramedLine& framed) { line(framed); });
}

void HeldAnswer::line(const FramedLine& framed) {
    const bool first = std::exchange(at_start_, false);
    const auto timed = split_time(framed.text, times_);
    if (!timed && first) return;  // the end of a long line that is known
    bytes_ += framed.text.size();
    unusable_ = unusable_ || !timed || lines_.size() >= Alignment::lines_max ||
                bytes_ > Alignment::bytes_max;
    if (unusable_) return lines_.clear();
    const LineMark mark{timed->time, line_hash(timed->text)};
    lines_.push_back({mark, std::string(timed->text), framed.cut});
}

bool PodLog::goes_on_in(const HeldAnswer& answer) const {
    if (answer.unusable()) return false;
    if (ring_.empty()) return true;  // all of it is new
    if (answer.lines_.empty()) return false;
    // The clock was set back: sinceTime hides from it what comes now.
    if (answer.since_ && ring_.last().time < *answer.since_) return false;
    Alignment trial(ring_, answer.since_);
    for (const auto& line : answer.lines_) {
        trial.add({line.mark, {}, line.cut});
        if (trial.decided()) return true;
    }
    // It may begin behind what is looked for: the file was rotated before. Then it has to begin
    // with a line that is known, once.
    trial.end();
    return trial.anchored() && !trial.repeats() && trial.known() > 0 &&
           ring_.count(answer.lines_.front().mark) == 1;
}

void PodLog::go_on_in(HeldAnswer answer) {
    const bool surely = goes_on_in(answer);
    framer_ = std::move(answer.framer_);
    at_start_ = answer.at_start_;
    replaying_ = stalled_ = false;
    forget_repeat();
    alignment_.emplace(ring_, answer.since_);
    for (const auto& line : answer.lines_) take(line.mark, line.text, line.cut);
    if (surely) end_alignment();
}

PodLog::Rest PodLog::end_answer(bool last_line_counts) {
    FramedLine rest = framer_.rest();
    Rest result;
    // Behind a line that was not finished. A program that writes such words finishes its line.
    if (const std::size_t error = find_kubelet_error(rest.text);
        error != std::string_view::npos && split_time(rest.text, times_)) {
        result.problem = rest.text.substr(error, details_bytes_max);
        rest.text = rest.text.substr(0, error);
        result.line = true;
    } else if (!rest.text.empty()) {
        if (!split_time(rest.text, times_))
            result.problem = rest.text.substr(0, details_bytes_max);
        else if (last_line_counts)
            line(rest);
        else
            result.line = true;
    }
    framer_.clear();
    return result;
}

bool PodLog::alignment_wants_end() const {
    if (!alignment_ || !alignment_->wants_end()) return false;
    if (ring_.empty() && alignment_->empty()) return false;  // there is nothing to hand over
    // Where earlier answers brought nothing, what the log ended with before them proves its start.
    const bool start_in_doubt = ring_.empty() && !resumed_ && answers_ > 1 && history_end_;
    return !start_in_doubt || alignment_->full() || alignment_->has_seen(history_end_->mark);
}

bool PodLog::alignment_has_seen(const LogTail& tail) const {
    return alignment_ && alignment_->has_seen(tail.mark);
}

void PodLog::end_alignment() {
    if (!alignment_) return;
    alignment_->end();
    conclude();
}

void PodLog::drop_alignment() {
    alignment_.reset();
    forget_repeat();
    framer_.clear();
}

void PodLog::conclude() {
    Alignment alignment = std::move(*alignment_);
    alignment_.reset();
    const bool replayed = std::exchange(replaying_, false);
    const std::size_t known = alignment.known();
    const Alignment::Line* last = alignment.last_known();
    if (last && last->text.size() >= record_bytes_min) last_long_ = last->text;
    const LineMark begun_again = replayed ? alignment.first() : LineMark{};
    const bool anchored = alignment.anchored(), repeats = alignment.repeats();
    if (!replayed) ring_ = alignment.refreshed();
    const auto lines = std::move(alignment).take_new();
    start_proven_ = history_end_ && !resumed_ && are_with(lines, *history_end_);
    const auto to = lines.empty() ? std::nullopt : std::optional(lines.front().mark.time);
    if (repeats)
        sink_->on_gap({"replay_unproven", "possibly_duplicated", last_time(), to,
                       "identical lines with one time cannot be told apart"});
    else if (replayed && anchored)
        report_skip(begun_again);
    else if (!anchored && replayed && known > 0)
        sink_->on_gap({"kubelet_skip", "possibly_lost", last_time(), to,
                       "the log went back in time, to lines that were only partly known"});
    else if (!anchored && !replayed && !ring_.empty() && !seeded_)
        sink_->on_gap({stalled_ ? "stalled" : "rotated_while_disconnected", "possibly_lost",
                       last_time(), to, "the last line read before is no longer in the log"});
    // The first one is new, whatever its time. Behind it the file may have been begun again.
    bool first = true;
    for (const auto& line : lines)
        if (std::exchange(first, false))
            deliver(line.mark, line.text, line.cut);
        else
            take(line.mark, line.text, line.cut);
}

// Whether the kubelet may have begun the same file again (kubernetes/kubernetes#122928).
bool PodLog::may_replay(const LineMark& mark) const {
    if (ring_.empty() || mark.time == ring_.last().time) return false;
    if (mark.time > ring_.last().time)  // behind a line whose time had gone back
        return mark.time <= ring_.latest() && ring_.contains(mark);
    return mark.time < ring_.last().time - Alignment::reorder_max ||
           mark.time < ring_.first().time || ring_.contains(mark);
}

void PodLog::deliver(const LineMark& mark, std::string_view text, bool cut) {
    // What was written when the log was first asked for may have been rotated before, however
    // early.
    const bool late = started_ && was_written_ && lines_ == 0 && mark.time > *started_ + first_line;
    if (ring_.empty() && (late || ((resumed_ || answers_ > 1) && !start_proven_))) {
        auto from = ring_.from();
        if (from && began_) from = std::min(std::max(*from, *began_), mark.time);
        if (late) from = started_;
        sink_->on_gap({"start_unproven", "possibly_lost", from, mark.time,
                       "no line had been read before, and the log may have been rotated"});
    }
    ring_.push(mark);
    if (!before_answer_) before_answer_ = mark.time;
    seeded_ = false;
    ++lines_;
    last_long_.clear();
    if (text.size() >= record_bytes_min) last_long_ = text;
    const std::string repaired = without_record_times(text);
    if (repaired.empty())
        sink_->on_line(text, mark.time, cut, mark.hash);
    else
        sink_->on_line(repaired, mark.time, cut, line_hash(repaired));
    if (history_end_ && (mark.time > history_end_->mark.time || ends_with(*history_end_)))
        caught_up();
}

void PodLog::caught_up() {
    history_end_.reset();
    if (!std::exchange(caught_up_, true)) sink_->on_caught_up();
}

// A probe gives the last record of a long line, with that record's own time.
bool PodLog::is_tail_of_last(const LogTail& tail) const {
    return !last_long_.empty() && !tail.text.empty() && tail.mark.time >= ring_.last().time &&
           std::string_view(last_long_).ends_with(tail.text);
}

bool PodLog::is_before_answer(const LogTail& tail) const {
    const auto since = ring_.resume_from();
    return since && tail.mark.time < *since && !handed_over(tail);
}

bool PodLog::handed_over(const LogTail& tail) const {
    return ring_.contains(tail.mark) || is_tail_of_last(tail);
}

bool PodLog::ends_with(const LogTail& tail) const {
    return !ring_.empty() && (ring_.last() == tail.mark || is_tail_of_last(tail));
}

std::optional<Timestamp> PodLog::first_time() const {
    return ring_.empty() ? std::nullopt : std::optional(ring_.first().time);
}

std::optional<Timestamp> PodLog::last_time() const {
    return ring_.empty() ? std::nullopt : std::optional(ring_.last().time);
}

}  // namespace runnerwatch
