#pragma once

#include "daemon/commands/scan_report.h"
#include "parsers/line_sieve.h"
#include "parsers/line_unwrapper.h"
#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/record_reader.h"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
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
//
// Lines that nothing is said about are passed over unread (LineSieve).
class ScanPipeline : private LineSieve::Reader {
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

    // Also says which finding a line opened that is no hit itself. Before the first byte.
    using OnOpened = std::function<void(Finding&)>;
    void tell_opened(OnOpened on_opened) { on_opened_ = std::move(on_opened); }

    // Reads every line, as the sieve's results are compared with. Before the first byte.
    void read_every_line() { every_line_ = true; }

    void feed(std::string_view bytes);
    char* room() { return sieve_.room(); }  // as LineSieve's
    void end();

    // Hands over what was detected although its record may go on: the input pauses.
    void flush();
    bool has_pending() const;

    std::uint64_t lines() const { return sieve_.lines(); }
    std::uint64_t lines_read() const { return lines_read_; }  // the others were passed over
    std::uint64_t cut_lines() const { return cut_lines_; }
    // Looked for where pieces begin: holes in a file, and files that are no logs, are full of them.
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
        bool waits_for_lines() const {
            return pending || !promised.empty() || reader.held_lines() > 0;
        }
        std::vector<ScanHit> promised;  // at most one of each rule
        std::uint64_t read_until = 0;   // bytes of the input
        bool busy = false;              // counted in busy_
    };

    bool reads_every_line() const override;
    RawFilter::Selection& selection() override { return selection_; }
    bool wants(const MessageJudgement& says, std::string_view line, std::size_t fields) override;
    std::uint64_t read_until(std::string_view pod, std::string_view container) const override;
    void line(const FramedLine& framed, std::uint64_t number, std::uint64_t end) override;
    bool uses_known() const override;
    void line(const FramedLine& framed, std::uint64_t number, std::uint64_t end,
              const Told& told) override;
    void skipped(std::string_view lines) override;

    void await_lines();
    void unwrapped_line(const UnwrappedLine& unwrapped);
    void count_busy(Lane& lane);
    void note_times(std::string_view lines);
    Lane& lane_of(std::string_view pod, std::string_view container);

    std::string source_;
    const Matcher& matcher_;
    ScanReport& report_;
    OnHit on_hit_;
    OnUnclassified on_unclassified_;
    OnOpened on_opened_;
    AwaitedRecovery& awaited_;
    RawFilter::Selection selection_;
    static constexpr std::uint64_t deselect_bytes = 32 * 1024 * 1024;
    std::set<int> unawaited_;  // recovery lines that are still selected
    std::uint64_t deselected_at_ = 0;
    LineSieve sieve_;
    LineUnwrapper unwrapper_;
    std::list<Lane> lanes_;         // the one used last in front
    std::size_t busy_ = 0;          // lanes that wait for lines
    std::uint64_t gone_until_ = 0;  // what lanes that gave way had read
    std::uint64_t line_end_ = 0;    // of the line in hand, in bytes of the input
    std::uint64_t lines_read_ = 0, cut_lines_ = 0;
    bool every_line_ = false, pods_seen_ = false;
    bool holds_nul_ = false;
};

}  // namespace runnerwatch
