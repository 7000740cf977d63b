// Lines of one time that come again: whether a file has them twice or was begun again.
//
// A runtime that stamps whole buffers (conmon) writes many lines of one time, and a buffer may hold
// the same lines twice. A kubelet that begins a file again (kubernetes/kubernetes#122928) gives its
// first lines again, which no time tells where the file holds no others. The file itself tells: it
// holds them once or twice.
#include "daemon/sources/pod_log.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {

namespace {

// How many lines of a time are among these, the last of which may be cut.
std::size_t lines_of(Timestamp time, std::string_view log) {
    std::size_t count = 0;
    for (std::size_t end = 0; (end = log.find('\n')) != log.npos; log.remove_prefix(end + 1))
        if (const auto at = parse_time(log.substr(0, end)); at && at->time == time) ++count;
    return count;
}

}  // namespace

// A file whose lines all have one time may have been begun again: no time tells, as those of
// may_replay() do. Only from its first line on it can have been.
bool PodLog::may_repeat(const LineMark& mark) const {
    if (ring_.empty() || mark.time != ring_.last().time || mark != ring_.of_run(0)) return false;
    return told_ != mark.time || ring_.run() >= told_lines_;
}

// Whether the line is held: it is one of those that came again, or stands behind all of them.
bool PodLog::hold(Alignment::Line line) {
    const auto fits = [this](std::size_t i) {
        return i >= ring_.run() || again_[i].mark == ring_.of_run(i);
    };
    // Nothing else comes in the middle of a file that is begun again.
    if (again_.size() < ring_.run() && line.mark.time != ring_.last().time) {
        end_repeat();
        return false;
    }
    again_.push_back(std::move(line));
    again_bytes_ += again_.back().text.size();
    if (again_.size() >= Alignment::lines_max || again_bytes_ >= Alignment::bytes_max) {
        settle_repeat(std::nullopt, again_.size());
        return true;
    }
    if (fits(again_.size() - 1)) return true;
    while (!again_.empty()) {
        deliver_held();
        std::size_t fit = 0;
        while (fit < again_.size() && fits(fit)) ++fit;
        if (fit == again_.size()) break;
    }
    return true;
}

void PodLog::deliver_held() {
    const Alignment::Line line = std::move(again_.front());
    again_.pop_front();
    again_bytes_ -= line.text.size();
    deliver(line.mark, line.text, line.cut);
}

void PodLog::forget_repeat() {
    again_.clear();
    again_bytes_ = 0;
}

// A kubelet begins a file again when it finds two rotations at once: it has passed over the file
// between (logs.go waitLogs), whose lines belong before the first one of the file begun again.
void PodLog::report_skip(const LineMark& first) {
    const bool all_in_memory = !resumed_ && ring_.size() == lines_;
    if (all_in_memory && ring_.first() == first) return;  // nothing is before it
    const auto before = ring_.before(first);
    const auto from = before ? before->time : before_answer_.value_or(first.time);
    sink_->on_gap({"kubelet_skip", "possibly_lost", std::min(from, first.time), first.time,
                   "the kubelet began a file again, as it does when it has passed over one"});
}

std::optional<Timestamp> PodLog::repeats_since() const {
    return repeating() ? std::optional(ring_.last().time) : std::nullopt;
}

void PodLog::end_repeat() {
    while (repeating()) deliver_held();
}

void PodLog::settle_repeat(std::optional<std::string_view> log, std::size_t repeated) {
    if (!repeating()) return;
    const Timestamp time = ring_.last().time;
    const std::size_t run = ring_.run();
    const auto of_that_time = [&](const auto& line) { return line.mark.time == time; };
    const auto held = static_cast<std::size_t>(std::count_if(
        again_.begin(),
        again_.begin() + static_cast<std::ptrdiff_t>(std::min(repeated, again_.size())),
        of_that_time));
    const std::size_t in_log = log ? lines_of(time, *log) : 0;
    if (in_log == run && held < run) return;  // the rest of them comes
    auto lines = std::exchange(again_, {});
    again_bytes_ = 0;
    if (in_log == run) {
        report_skip(lines.front().mark);
        lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(run));
    } else {
        told_ = time;
        told_lines_ = std::max(in_log, run + held);
        if (in_log < run + held)
            sink_->on_gap({"replay_unproven", "possibly_duplicated", time - Duration(1),
                           time + Duration(1),
                           "identical lines with one time cannot be told apart"});
    }
    for (const auto& line : lines) take(line.mark, line.text, line.cut);
}

}  // namespace runnerwatch
