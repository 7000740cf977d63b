// What a reader did not read: gaps that its source tells of, lines that the database had no room
// for, and lines that end this process.
#include "daemon/source_reader.h"

#include "parsers/redaction.h"
#include "storage/coverage.h"

#include <iomanip>
#include <sstream>
#include <utility>

namespace runnerwatch {

namespace {

constexpr const char* overload_kind = "local_overload";
constexpr const char* poison_kind = "poison";

}  // namespace

void SourceReader::drop(std::optional<Timestamp> time) {
    if (dropped_ == 0) {
        // What is half a record now stays half: its end will not be seen.
        records_.end(*this);
        dropped_from_ = time;
        dropped_ordinal_ = ++coverage_ordinal_;
        context_.metrics.gap(overload_kind);
        // From here on nothing can prove itself by having lasted.
        CoverageRow gap;
        gap.kind = overload_kind;
        gap.from = time;
        context_.book.gap(place().instance, time, std::nullopt, gap_words(gap),
                          context_.clock.now());
    }
    dropped_to_ = time;
    ++dropped_;
    context_.metrics.lines_dropped(1);
}

bool SourceReader::is_poison(CrashMark::Line line) const {
    return context_.crash_mark.is_poison(place().instance, line) ||
           context_.crash_mark.is_poison(place().instance, line.end_of_record());
}

// The line, and those held with it, end this process whenever they are handled: nothing looks at
// their bytes any more. What stands in their place is a line of ours, which a rule knows.
void SourceReader::pass_over_poison(std::optional<Timestamp> time, std::uint64_t hash) {
    const std::size_t lines = records_.held_lines() + 1;
    records_ = RecordReader();
    open_evidence_.reset();
    before_.forget_from(lines_ - lines + 1);
    std::ostringstream digits;
    digits << std::hex << std::setfill('0') << std::setw(16) << hash;
    CoverageRow gap;
    gap.kind = poison_kind;
    gap.certainty = "lost";
    gap.from = time ? time : last_time_;
    gap.to = gap.from;
    gap.lines = static_cast<std::int64_t>(lines);
    gap.details = "handling the line ended runnerwatch " + std::to_string(CrashMark::crashes_max) +
                  " times in a row; XXH3 of its bytes: " + digits.str();
    note_gap(std::move(gap));
    const std::string instead =
        "level=error msg=\"runnerwatch passed over a line that ends it\" lines=" +
        std::to_string(lines) + " hash=" + digits.str();
    records_.line(SourceLine{instead, time, lines_}, *this);
}

// The gap so far. It is written with each position behind dropped lines, as one row that grows.
void SourceReader::note_dropped() {
    if (dropped_ == 0) return;
    CoverageRow row;
    row.instance = place().instance;
    row.ordinal = dropped_ordinal_;
    row.kind = overload_kind;
    row.certainty = "lost";
    row.from = dropped_from_;
    row.to = dropped_to_;
    row.lines = static_cast<std::int64_t>(dropped_);
    row.details = "the database could not be written for too long";
    row.noted_at = context_.clock.now();
    coverage_[{row.instance, row.ordinal}] = std::move(row);
}

void SourceReader::end_dropping() {
    note_dropped();
    dropped_ = 0;
}

void SourceReader::on_gap(const SourceGap& gap) {
    CoverageRow row;
    row.kind = gap.kind;
    row.certainty = gap.certainty;
    row.from = gap.from ? gap.from : known_up_to();
    row.to = gap.to;
    row.details = redact(gap.details);
    note_gap(std::move(row));
}

void SourceReader::note_gap(CoverageRow row) {
    row.instance = place().instance;
    row.ordinal = ++coverage_ordinal_;
    row.noted_at = context_.clock.now();
    context_.metrics.gap(row.kind);
    context_.book.gap(row.instance, row.from, row.to, gap_words(row), row.noted_at);
    coverage_[{row.instance, row.ordinal}] = row;
    if (!row.to) open_gaps_.push_back(std::move(row));
    dirty_ = true;
    context_.changed();
}

// A gap without an end would excuse whatever comes: the next line known to be read ends it.
void SourceReader::end_gaps(Timestamp at) {
    for (auto& row : open_gaps_) {
        row.to = at;
        coverage_[{row.instance, row.ordinal}] = std::move(row);
    }
    open_gaps_.clear();
    dirty_ = true;
}

}  // namespace runnerwatch
