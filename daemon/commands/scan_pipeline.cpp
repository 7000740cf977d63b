#include "daemon/commands/scan_pipeline.h"

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
    for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) lane->reader.end(*lane);
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
    if (!may_match && !pipeline.report_.waits_for_time()) return;
    Record record = decode_record(head.raw);
    ScanPosition at{pipeline.source_, pod, head.first_line, head.last_line,
                    head.time ? head.time : record.time};
    if (at.time) pipeline.report_.seen_until(at.source, at.pod, *at.time);
    if (!may_match) return;
    Match match = pipeline.matcher_.match(record);
    for (const RecoveryHit& hit : match.recoveries) pipeline.report_.recover(hit, record, at);
    if (match.detections.empty()) return;
    pending = ScanHit{std::move(match.detections.front()), std::move(record), std::move(at)};
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
