#pragma once

#include "alerts/incident_book.h"
#include "alerts/unclassified.h"
#include "daemon/crash_mark.h"
#include "daemon/exception_book.h"
#include "daemon/lines_before.h"
#include "daemon/metrics.h"
#include "daemon/runtime/clock.h"
#include "daemon/sources/log_source.h"
#include "parsers/known_heads.h"
#include "parsers/matcher.h"
#include "parsers/record_reader.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace runnerwatch {

// What all readers share.
struct ReaderContext {
    const Matcher& matcher;
    KnownHeads& heads;  // of that matcher
    IncidentBook& book;
    ExceptionBook& exceptions;
    UnclassifiedBook& unclassified;
    const Clock& clock;
    Metrics& metrics;
    CrashMark& crash_mark;
    std::function<void()> changed;   // something that cannot wait 5 s became dirty
    std::function<bool()> dropping;  // true: the database cannot take more
    std::function<void(const std::string&instance)> caught_up, completed;
};

// The way of a line of one source: line -> record -> match -> redaction -> incident book, and the
// position that goes with it.
//
// Confined to the loop. Everything handed to the book has been redacted.
class SourceReader : public LineSink, private RecordReader::Handler {
public:
    // What is known of the source from before.
    struct Before {
        std::optional<PositionRow> position;  // where reading goes on from
        std::int64_t ordinal = 0;             // of the last coverage row
        std::vector<CoverageRow> coverage{};  // the span that was read, gaps without an end
        std::optional<Timestamp> watermark{};
        std::string version{};  // of the runner, as its log said it
    };
    SourceReader(LogSource& source, ReaderContext& context, Before before);

    void on_line(std::string_view text, std::optional<Timestamp> time, bool cut,
                 std::uint64_t hash) override;
    void on_gap(const SourceGap& gap) override;
    void on_opened() override;
    void on_caught_up() override;
    void on_watermark(Timestamp watermark) override;
    void on_complete() override;

    // Lays what became dirty (position, coverage) into `changes`.
    void take_changes(ChangeSet& changes);

    // Writing works again: what was dropped until now is one gap, what may be dropped later is
    // another.
    void end_dropping();

    bool caught_up() const { return caught_up_; }
    bool complete() const { return complete_; }
    // It is proven read up to here.
    std::optional<Timestamp> read_up_to() const { return read_up_to_; }
    // Its last line, or else that: behind it a gap lies.
    std::optional<Timestamp> known_up_to() const { return last_time_ ? last_time_ : read_up_to_; }
    // With the version that the runner names in its log, where it does.
    const Place& place() const { return place_; }
    LogSource& source() { return source_; }

private:
    void on_head(const RecordHead& head) override;
    void on_continuation(const SourceLine& line) override;
    void on_record_end() override;
    bool says_nothing(std::string_view text) const;
    void drop(std::optional<Timestamp> time);
    bool is_poison(CrashMark::Line line) const;
    void pass_over_poison(std::optional<Timestamp> time, std::uint64_t hash);
    void note_gap(CoverageRow row);
    void end_gaps(Timestamp at);
    void note_dropped();
    void report(const RecordHead& head, const Record& record, const Match& match);
    void report_recoveries(const RecordHead& head, const Record& record, const Match& match,
                           Timestamp at);
    void report_failure(const RecordHead& head, const Record& record, const Match& match,
                        Timestamp at);
    void count_unclassified(const RecordHead& head, const Record& record);

    LogSource& source_;
    Place place_;
    ReaderContext& context_;
    RecordReader records_;
    LinesBefore before_;
    std::uint64_t lines_ = 0;  // handed over so far
    CrashMark::Line last_line_;
    std::optional<EvidenceRef> open_evidence_;
    std::optional<Timestamp> read_from_, last_time_, read_up_to_;
    std::int64_t coverage_ordinal_;
    std::vector<CoverageRow> open_gaps_;  // until the next line
    std::uint64_t dropped_ = 0;
    std::optional<Timestamp> dropped_from_, dropped_to_;
    std::int64_t dropped_ordinal_ = 0;
    decltype(ChangeSet::coverage) coverage_;  // rows that are to be written
    bool dirty_ = false;
    bool caught_up_ = false;
    bool complete_ = false;
};

}  // namespace runnerwatch
