#include "daemon/commands/scan_pipeline.h"

#include "alerts/unclassified.h"

#include <algorithm>

namespace runnerwatch {

ScanPipeline::ScanPipeline(std::string source, const Matcher& matcher, ScanReport& report,
                           OnHit on_hit)
    : source_(std::move(source)), matcher_(matcher), report_(report), on_hit_(std::move(on_hit)) {}

void ScanPipeline::feed(std::string_view bytes) {
    holds_nul_ = holds_nul_ || bytes.find('\0') != std::string_view::npos;
    framer_.feed(bytes, [this](const FramedLine& framed) { line(framed); });
}

void ScanPipeline::end() {
    if (framer_.rest().bytes > 0) line(framer_.rest());
    framer_.clear();
    unwrapper_.end([this](const UnwrappedLine& unwrapped) { unwrapped_line(unwrapped); });
    // Back to front: in the order in which they were used last.
    for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) {
        lane->reader.end(*lane);
        lane->end_promises();
    }
    lanes_.clear();
}

void ScanPipeline::flush() {
    for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane)
        if (lane->pending) lane->on_record_end();
}

bool ScanPipeline::has_pending() const {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const Lane& lane) { return lane.pending.has_value(); });
}

void ScanPipeline::line(const FramedLine& framed) {
    ++lines_;
    unwrapper_.line(framed, lines_,
                    [this](const UnwrappedLine& unwrapped) { unwrapped_line(unwrapped); });
}

void ScanPipeline::unwrapped_line(const UnwrappedLine& unwrapped) {
    if (unwrapped.cut) ++cut_lines_;
    const PrefixedLine& line = unwrapped.line;
    Lane& lane = lane_of(line.pod, line.container);
    lane.reader.line({line.text, line.time, unwrapped.first, unwrapped.cut, unwrapped.last}, lane);
}

ScanPipeline::Lane& ScanPipeline::lane_of(std::string_view pod, std::string_view container) {
    const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const Lane& lane) {
        return lane.pod == pod && lane.container == container;
    });
    if (found != lanes_.end()) {
        lanes_.splice(lanes_.begin(), lanes_, found);
    } else {
        if (lanes_.size() == lanes_max) {
            lanes_.back().reader.end(lanes_.back());
            lanes_.pop_back();
        }
        lanes_.emplace_front(*this, std::string(pod), std::string(container));
    }
    return lanes_.front();
}

void ScanPipeline::Lane::on_head(const RecordHead& head) {
    const bool may_match = pipeline.matcher_.may_match(head.raw);
    const bool warns = pipeline.on_unclassified_ && UnclassifiedBook::may_concern(head.raw);
    if (!may_match && !warns && !pipeline.report_.waits_for_time() && promised.empty()) return;
    Record record = decode_record(head.raw);
    ScanPosition at{pipeline.source_, pod, head.first_line, head.last_line,
                    head.time ? head.time : record.time};
    if (at.time) pipeline.report_.seen_until(at.source, at.pod, *at.time);
    const Match nothing;
    if (!may_match && !warns) return take_follow_ups(nothing, at);
    Match match = pipeline.matcher_.match(record);
    take_follow_ups(match, at);
    if (warns && match.detections.empty() && match.recoveries.empty() && match.follow_ups.empty() &&
        !match.notice && UnclassifiedBook::concerns(record))
        pipeline.on_unclassified_(record, head.raw, at);
    for (const RecoveryHit& hit : match.recoveries) pipeline.report_.recover(hit, record, at);
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
}

void ScanPipeline::Lane::on_record_end() {
    if (!pending) return;
    const ScanHit hit = *std::move(pending);
    pending.reset();
    pipeline.on_hit_(hit);
}

}  // namespace runnerwatch
