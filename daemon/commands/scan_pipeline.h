#pragma once

#include "daemon/commands/scan_report.h"
#include "parsers/line_framer.h"
#include "parsers/line_unwrapper.h"
#include "parsers/matcher.h"
#include "parsers/record_reader.h"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// The way of one input's bytes to detections and recovery lines.
//
// `kubectl logs --prefix` mixes the lines of several containers: each has a lane of its own, so
// that records of several lines are joined from one container only. At most `lanes_max` at a
// time; the one that was silent longest gives way. Hands a hit over when its record has ended, or
// at flush().
class ScanPipeline {
public:
    static constexpr std::size_t lanes_max = 64;

    using OnHit = std::function<void(const ScanHit&)>;

    ScanPipeline(std::string source, const Matcher& matcher, ScanReport& report, OnHit on_hit);

    // Also hands over records of warning and worse that no rule takes. Slower: every such record
    // is decoded. Before the first byte.
    using OnUnclassified =
        std::function<void(const Record&, std::string_view raw, const ScanPosition&)>;
    void watch_unclassified(OnUnclassified on_unclassified) {
        on_unclassified_ = std::move(on_unclassified);
    }

    void feed(std::string_view bytes);
    void end();

    // Hands over what was detected although its record may go on: the input pauses.
    void flush();
    bool has_pending() const;

    std::uint64_t lines() const { return lines_; }
    std::uint64_t cut_lines() const { return cut_lines_; }
    // The journal's export format has some in the length of a message.
    bool holds_nul() const { return holds_nul_ && !unwrapper_.is_journal_export(); }

private:
    struct Lane : RecordReader::Handler {
        Lane(ScanPipeline& owner, std::string pod_name, std::string container_name)
            : pipeline(owner), pod(std::move(pod_name)), container(std::move(container_name)) {}
        void on_head(const RecordHead& head) override;
        void on_continuation(const SourceLine& line) override;
        void on_record_end() override;

        // Hands over or forgets what waited for a line that should follow.
        void decide_promises(const std::function<bool(const ScanHit&)>& kept,
                             const std::function<bool(const ScanHit&)>& broken);
        void take_follow_ups(const Match& match, const ScanPosition& at);
        void promise(ScanHit hit);
        void end_promises();

        ScanPipeline& pipeline;
        std::string pod, container;
        RecordReader reader;
        std::optional<ScanHit> pending;
        std::vector<ScanHit> promised;  // at most one of each rule
    };

    void line(const FramedLine& framed);
    void unwrapped_line(const UnwrappedLine& unwrapped);
    Lane& lane_of(std::string_view pod, std::string_view container);

    std::string source_;
    const Matcher& matcher_;
    ScanReport& report_;
    OnHit on_hit_;
    OnUnclassified on_unclassified_;
    LineFramer framer_;
    LineUnwrapper unwrapper_;
    std::list<Lane> lanes_;  // the one used last in front
    std::uint64_t lines_ = 0, cut_lines_ = 0;
    bool holds_nul_ = false;
};

}  // namespace runnerwatch
