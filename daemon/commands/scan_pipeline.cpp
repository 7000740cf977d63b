#include "daemon/commands/scan_pipeline.h"

#include "alerts/unclassified.h"

#include <algorithm>
#include <functional>
#include <set>

namespace runnerwatch {

ScanPipeline::ScanPipeline(std::string source, const Matcher& matcher, ScanReport& report,
                           OnHit on_hit)
    : source_(std::move(source)),
      matcher_(matcher),
      report_(report),
      on_hit_(std::move(on_hit)),
      awaited_(report.awaited(source_)),
      selection_(matcher.select_detection()),
      sieve_(matcher, *this) {}

void ScanPipeline::feed(std::string_view bytes) {
    constexpr std::size_t looked_at = 4096;
    holds_nul_ = holds_nul_ || bytes.substr(0, looked_at).find('\0') != std::string_view::npos;
    sieve_.feed(bytes);
}

void ScanPipeline::end() {
    sieve_.end();
    unwrapper_.end([this](const UnwrappedLine& unwrapped) { unwrapped_line(unwrapped); });
    // Back to front: in the order in which they were used last.
    for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) {
        lane->reader.end(*lane);
        lane->end_promises();
    }
    lanes_.clear();
    busy_ = 0;
    if (report_.waits_for_time()) note_times(sieve_.recent());
}

void ScanPipeline::flush() {
    for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) {
        if (lane->pending) lane->on_record_end();
        count_busy(*lane);
    }
}

bool ScanPipeline::has_pending() const {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const Lane& lane) { return lane.pending.has_value(); });
}

bool ScanPipeline::reads_every_line() const {
    return every_line_ || on_unclassified_ || busy_ > 0 || unwrapper_.holds_part();
}

bool ScanPipeline::wants(const MessageJudgement& says, std::string_view line, std::size_t fields) {
    return matcher_.may_detect(says, line) ||
           report_.may_recover(awaited_, says.recovery, line.substr(fields));
}

std::uint64_t ScanPipeline::read_until(std::string_view pod, std::string_view container) const {
    for (const Lane& lane : lanes_)
        if (lane.pod == pod && lane.container == container) return lane.read_until;
    return gone_until_;
}

void ScanPipeline::line(const FramedLine& framed, std::uint64_t number, std::uint64_t end) {
    line_end_ = end;
    ++lines_read_;
    unwrapper_.line(framed, number,
                    [this](const UnwrappedLine& unwrapped) { unwrapped_line(unwrapped); });
    await_lines();
}

bool ScanPipeline::uses_known() const {
    return !every_line_ && !on_unclassified_ && !unwrapper_.holds_part();
}

void ScanPipeline::line(const FramedLine& framed, std::uint64_t number, std::uint64_t end,
                        const Told& told) {
    Lane& lane = lane_of({}, {});
    if (!uses_known() || lane.reader.held_lines() > 0) return line(framed, number, end);
    line_end_ = end;
    ++lines_read_;
    lane.reader.whole_record({framed.text.substr(told.text), told.time, number, framed.cut},
                             told.known.shape, told.known.head, told.fields - told.text, lane);
    lane.read_until = line_end_;
    count_busy(lane);
    await_lines();
}

// What is no longer awaited may be found for a while: a new selection takes longer to make than to
// pass over many lines.
void ScanPipeline::await_lines() {
    const auto select = [this](int recovery, bool wanted) {
        matcher_.raw_filter().select(selection_, static_cast<std::size_t>(recovery), wanted);
    };
    for (const auto& [recovery, wanted] : awaited_.take_changes()) {
        if (wanted) {
            select(recovery, true);
            unawaited_.erase(recovery);
        } else {
            unawaited_.insert(recovery);
        }
    }
    if (unawaited_.empty() || line_end_ - deselected_at_ < deselect_bytes) return;
    deselected_at_ = line_end_;
    for (const int recovery : std::exchange(unawaited_, {})) select(recovery, false);
}

void ScanPipeline::unwrapped_line(const UnwrappedLine& unwrapped) {
    if (unwrapped.cut) ++cut_lines_;
    const PrefixedLine& line = unwrapped.line;
    Lane& lane = lane_of(line.pod, line.container);
    lane.reader.line({line.text, line.time, unwrapped.first, unwrapped.cut, unwrapped.last}, lane);
    lane.read_until = line_end_;
    count_busy(lane);
}

void ScanPipeline::count_busy(Lane& lane) {
    const bool busy = lane.waits_for_lines();
    if (busy == lane.busy) return;
    lane.busy = busy;
    busy ? ++busy_ : --busy_;
}

// Several pods: each has a time of its own.
void ScanPipeline::skipped(std::string_view lines) {
    if (pods_seen_ && report_.waits_for_time()) note_times(lines);
}

// How far whole lines go in time, for each pod in them.
void ScanPipeline::note_times(std::string_view lines) {
    std::set<std::string, std::less<>> noted;
    LineLook look;
    while (!lines.empty()) {
        lines.remove_suffix(1);
        const std::size_t begin = lines.rfind('\n') + 1;
        look_at_line(lines.substr(begin), look);
        lines = lines.substr(0, begin);
        if (noted.contains(look.pod)) continue;
        auto time = look.time;
        if (!time) time = decode_record(look.text).time;
        if (!time) continue;
        report_.seen_until(source_, std::string(look.pod), *time);
        if (!pods_seen_) return;
        noted.emplace(look.pod);
    }
}

ScanPipeline::Lane& ScanPipeline::lane_of(std::string_view pod, std::string_view container) {
    const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const Lane& lane) {
        return lane.pod == pod && lane.container == container;
    });
    if (found != lanes_.end()) {
        lanes_.splice(lanes_.begin(), lanes_, found);
    } else {
        if (lanes_.size() == lanes_max) {
            Lane& last = lanes_.back();
            last.reader.end(last);
            gone_until_ = std::max(gone_until_, last.read_until);
            if (last.busy) --busy_;
            lanes_.pop_back();
        }
        lanes_.emplace_front(*this, std::string(pod), std::string(container));
        pods_seen_ = pods_seen_ || !pod.empty();
    }
    return lanes_.front();
}

void ScanPipeline::Lane::on_head(const RecordHead& head) {
    const bool may_match = head.says != nullptr || pipeline.matcher_.may_match(head.raw);
    const bool warns = pipeline.on_unclassified_ && UnclassifiedBook::may_concern(head.raw);
    if (!may_match && !warns && !pipeline.report_.waits_for_time() && promised.empty()) return;
    Record record;
    RecordView view;
    if (head.says != nullptr)
        view.refer_to(head.raw, *head.says, head.fields);
    else
        view.refer_to(record = decode_record(head.raw));
    ScanPosition at{pipeline.source_, pod, head.first_line, head.last_line,
                    head.time ? head.time : record.time};
    if (pipeline.report_.waits_for_time())
        if (const auto time = head.last_time ? head.last_time : record.time)
            pipeline.report_.seen_until(at.source, at.pod, *time);
    const Match nothing;
    if (!may_match && !warns) return take_follow_ups(nothing, at);
    Match match = pipeline.matcher_.match(view);
    take_follow_ups(match, at);
    if (match.detections.empty() && match.recoveries.empty() && match.follow_ups.empty() && !warns)
        return;
    if (head.says != nullptr) record = view.copied();
    if (warns && match.detections.empty() && match.recoveries.empty() && match.follow_ups.empty() &&
        !match.notice && UnclassifiedBook::concerns(record))
        pipeline.on_unclassified_(record, head.raw, at);
    pipeline.report_.recover(match.recoveries, record, at);
    for (const FollowUp& line : match.follow_ups)
        if (line.step != FollowUp::promised)
            if (Finding* opened = pipeline.report_.follow(line, at); opened && pipeline.on_opened_)
                pipeline.on_opened_(*opened);
    if (match.detections.empty()) return;
    Detection& detection = match.detections.front();
    ScanHit hit{std::move(detection), std::move(record), std::move(at)};
    if (hit.detection.absent != nullptr) return promise(std::move(hit));
    pending = std::move(hit);
}

void ScanPipeline::Lane::decide_promises(const std::function<bool(const ScanHit&)>& kept,
                                         const std::function<bool(const ScanHit&)>& broken) {
    std::vector<ScanHit> rest;
    for (ScanHit& hit : std::exchange(promised, {})) {
        if (broken(hit)) {
            pipeline.on_hit_(hit);
        } else if (!kept(hit)) {
            rest.push_back(std::move(hit));
        }
    }
    promised = std::move(rest);
}

void ScanPipeline::Lane::take_follow_ups(const Match& match, const ScanPosition& at) {
    if (promised.empty()) return;
    decide_promises(
        [&](const ScanHit& hit) {
            return std::any_of(
                match.follow_ups.begin(), match.follow_ups.end(), [&](const FollowUp& one) {
                    return one.step == FollowUp::promised && one.rule == hit.detection.rule;
                });
        },
        [&](const ScanHit& hit) {
            return at.time && hit.at.time && *at.time - *hit.at.time > hit.detection.absent->within;
        });
}

void ScanPipeline::Lane::promise(ScanHit hit) {
    // Whatever wrote the promise before has ended.
    const Rule* rule = hit.detection.rule;
    decide_promises([&](const ScanHit& earlier) { return earlier.detection.rule == rule; },
                    [&](const ScanHit& earlier) {
                        return earlier.detection.rule == rule && earlier.detection.absent->or_end;
                    });
    promised.push_back(std::move(hit));
}

// Without times the order decides: no such line follows.
void ScanPipeline::Lane::end_promises() {
    decide_promises(
        [](const ScanHit&) { return true; },
        [](const ScanHit& hit) { return hit.detection.absent->or_end || !hit.at.time; });
}

void ScanPipeline::Lane::on_continuation(const SourceLine& line) {
    if (pending) pending->at.line_end = line.last_number();
    if (line.time && pipeline.report_.waits_for_time())
        pipeline.report_.seen_until(pipeline.source_, pod, *line.time);
}

void ScanPipeline::Lane::on_record_end() {
    if (!pending) return;
    const ScanHit hit = *std::move(pending);
    pending.reset();
    pipeline.on_hit_(hit);
}

}  // namespace runnerwatch
