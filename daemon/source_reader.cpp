#include "daemon/source_reader.h"

#include "daemon/open_record_json.h"
#include "parsers/digest.h"
#include "parsers/line_prefix.h"
#include "parsers/visible_text.h"
#include "storage/coverage.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace runnerwatch {

namespace {

constexpr const char* overload_kind = "local_overload";
constexpr const char* poison_kind = "poison";

Values redacted(const Values& values) {
    Values safe;
    for (const auto& [name, value] : values) safe[name] = shortened(redact(value), 2'000);
    return safe;
}

// The record as people read it: level, first line of the message, fields.
std::string headline(const Record& record) {
    std::string line;
    if (record.level >= Level::warning) {
        line = to_string(record.level);
        for (auto& c : line) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        line += ": ";
    }
    line += record.message.substr(0, record.message.find('\n'));
    for (const auto& field : record.fields) line += " " + field.key + "=" + field.value;
    return shortened(redact(line), 1'000);
}

// The end of a record, which a line or the quiet behind it shows, is another thing to do with its
// last line than taking it: each is tried on its own.
CrashMark::Line end_of_record(CrashMark::Line last_line) {
    return {last_line.number, ~last_line.hash};
}

}  // namespace

SourceReader::SourceReader(LogSource& source, ReaderContext& context, Before before)
    : source_(source),
      context_(context),
      read_up_to_(before.watermark),
      coverage_ordinal_(before.ordinal) {
    for (auto& row : before.coverage) {
        if (row.ordinal != read_ordinal) {
            open_gaps_.push_back(std::move(row));
            continue;
        }
        read_from_ = row.from;
        if (row.to && (!read_up_to_ || *read_up_to_ < *row.to)) read_up_to_ = row.to;
    }
    const auto& stored = before.position;
    if (!stored) return;
    lines_ = stored->lines;
    if (stored->open_record.empty()) return;
    auto [record, evidence] = open_record_from_json(stored->open_record);
    records_.resume(record);
    open_evidence_ = std::move(evidence);
}

void SourceReader::on_line(std::string_view text, std::optional<Timestamp> time, bool cut) {
    context_.metrics.lines_read(1, text.size() + 1);
    ++lines_;
    dirty_ = true;
    last_line_ = {lines_, line_hash(text)};
    if (is_poison(last_line_)) return pass_over_poison(time, last_line_.hash);
    const CrashMark::InHand in_hand(context_.crash_mark, place().instance, last_line_);
    // What most lines say is known and of no interest, wherever they come from.
    const bool of_interest = !time || !says_nothing(text);
    if (of_interest && place().member_uid.empty()) {  // a file may hold what collectors put there
        const PrefixedLine line = split_prefix(text);
        if (!time) time = line.time;
        text = line.text;
    }
    if (time) {
        if (!open_gaps_.empty()) end_gaps(*time);
        if (!read_from_) read_from_ = time;
        last_time_ = time;
        if (!read_up_to_ || *time > *read_up_to_) read_up_to_ = time;
    }
    if (context_.dropping()) return drop(time);
    keep_for_context(text, lines_);
    if (!of_interest) return records_.pass_over(*this);
    records_.line(SourceLine{text, time, lines_, cut}, *this);
}

// Whether a line is a record that no rule asks for and that warns of nothing.
bool SourceReader::says_nothing(std::string_view text) const {
    if (records_.held_lines() > 0) return false;
    const auto head = runner_head(text);
    const KnownHeads::Known* known = head ? context_.heads.of(text, *head, true) : nullptr;
    return known != nullptr && known->shape.level < Level::warning && known->silent();
}

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
           context_.crash_mark.is_poison(place().instance, end_of_record(line));
}

// The line, and those held with it, end this process whenever they are handled: nothing looks at
// their bytes any more. What stands in their place is a line of ours, which a rule knows.
void SourceReader::pass_over_poison(std::optional<Timestamp> time, std::uint64_t hash) {
    const std::size_t lines = records_.held_lines() + 1;
    records_ = RecordReader();
    open_evidence_.reset();
    while (!before_.empty() && before_.back().number > lines_ - lines) {
        before_bytes_ -= before_.back().text.size();
        before_.pop_back();
    }
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

void SourceReader::keep_for_context(std::string_view text, std::uint64_t number) {
    // Keys are redacted while they pass; everything else only when it is shown.
    const bool key = keys_.inside_key() || text.find("PRIVATE KEY") != std::string_view::npos;
    before_.push_back({number, key ? keys_.line(text) : std::string(text), key});
    before_bytes_ += before_.back().text.size();
    while (before_bytes_ > context_bytes_max && before_.size() > 1) {
        before_bytes_ -= before_.front().text.size();
        before_.pop_front();
    }
}

std::string SourceReader::context_before(std::uint64_t line) const {
    std::string text;
    std::size_t shown = 0;
    for (auto at = before_.rbegin(); at != before_.rend() && shown < context_lines_shown; ++at) {
        if (at->number >= line) continue;
        const std::string safe = at->redacted ? at->text : redact(at->text);
        text = shortened(safe, 1'000) + (text.empty() ? "" : "\n") + text;
        ++shown;
    }
    return text;
}

void SourceReader::on_head(const RecordHead& head) {
    open_evidence_.reset();
    const bool may_match = context_.matcher.may_match(head.raw);
    // What warns and is known to no rule is wanted too.
    if (!may_match && !UnclassifiedBook::may_concern(head.raw)) return;
    const Record record = decode_record(head.raw);
    const Match match = may_match ? context_.matcher.match(record) : Match{};
    if (match.detections.empty() && match.recoveries.empty() && match.follow_ups.empty()) {
        if (!match.notice && UnclassifiedBook::concerns(record)) count_unclassified(head, record);
        return;
    }
    report(head, record, match);
}

void SourceReader::count_unclassified(const RecordHead& head, const Record& record) {
    const Timestamp now = context_.clock.now();
    if (context_.exceptions.takes_template(template_id(template_text(record)), now)) return;
    const std::string where =
        place().namespace_.empty() ? place().member : place().namespace_ + "/" + place().member;
    context_.unclassified.observe(record, head.raw, where, head.time ? head.time : record.time,
                                  now);
    context_.metrics.unclassified(to_string(record.level));
}

void SourceReader::report(const RecordHead& head, const Record& record, const Match& match) {
    const std::optional<Timestamp> at = head.time ? head.time : record.time;
    const Timestamp when = at ? *at : context_.clock.now();
    // Whatever a hold-down waits for before this line is decided before it.
    context_.book.watermark(place().instance, when, context_.clock.now());
    if (!read_up_to_ || when > *read_up_to_) read_up_to_ = when;
    if (!match.recoveries.empty()) report_recoveries(head, record, match, when);
    if (match.detections.empty() && match.follow_ups.empty()) return;
    report_failure(head, record, match, when);
    context_.changed();
}

void SourceReader::report_recoveries(const RecordHead& head, const Record& record,
                                     const Match& match, Timestamp at) {
    RecoveryObservation seen;
    seen.place = place();
    seen.at = at;
    seen.line = head.last_line;
    seen.text = redact(record.message);
    bool awaited = false;
    for (const auto& hit : match.recoveries) {
        seen.kind = hit.line;
        seen.values = redacted(hit.values);
        awaited = context_.book.recover(seen, context_.clock.now()) || awaited;
    }
    if (awaited) context_.changed();
}

void SourceReader::report_failure(const RecordHead& head, const Record& record, const Match& match,
                                  Timestamp at) {
    const Timestamp now = context_.clock.now();
    Observation seen;
    seen.place = place();
    seen.at = at;
    seen.clock = head.time || record.time ? ClockKind::source : ClockKind::ours;
    seen.first_line = head.first_line;
    seen.last_line = head.last_line;
    seen.headline = headline(record);
    seen.text = redact(head.raw);
    seen.context_before = context_before(head.first_line);
    const auto identity = [](const auto& parts) {
        std::vector<std::pair<std::string, std::string>> safe;
        safe.reserve(parts.size());
        for (const auto& [name, value] : parts)
            safe.emplace_back(name, shortened(redact(value), 500));
        return safe;
    };
    // What earlier lines wait for comes before what this one begins.
    for (const auto& follow_up : match.follow_ups) {
        seen.rule = follow_up.rule;
        seen.step = follow_up.step;
        seen.values = redacted(follow_up.values);
        seen.identity = identity(follow_up.identity);
        EvidenceRef ref = context_.book.observe(seen, now);
        if (!ref.identity.empty()) open_evidence_ = std::move(ref);
    }
    for (const auto& detection : match.detections) {
        if (context_.exceptions.takes(detection, record, now)) continue;
        seen.rule = detection.rule;
        seen.step = Observation::detected;
        seen.absent = detection.absent;
        seen.values = redacted(detection.values);
        seen.identity = identity(detection.identity);
        for (const auto& held : detection.causes)
            seen.causes.push_back({held.cause, redact(held.says)});
        seen.also = detection.also;
        open_evidence_ = context_.book.observe(seen, now);
        // A promise is no match yet.
        if (!detection.absent) context_.metrics.record_matched(detection.rule->id);
    }
}

void SourceReader::on_continuation(const SourceLine& line) {
    if (!open_evidence_) return;
    const bool key = !before_.empty() && before_.back().redacted;
    context_.book.extend(*open_evidence_, key ? before_.back().text : redact(line.text));
    context_.changed();
}

void SourceReader::on_record_end() { open_evidence_.reset(); }

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

void SourceReader::on_opened() {
    dirty_ = true;
    context_.changed();
}

void SourceReader::on_caught_up() {
    if (std::exchange(caught_up_, true)) return;
    context_.caught_up(place().instance);
}

void SourceReader::on_watermark(Timestamp watermark) {
    if (!read_up_to_ || watermark > *read_up_to_) read_up_to_ = watermark;
    {
        const CrashMark::InHand in_hand(context_.crash_mark, place().instance,
                                        end_of_record(last_line_));
        records_.quiet(watermark, *this);
    }
    context_.book.watermark(place().instance, watermark, context_.clock.now());
    dirty_ = true;
    context_.changed();
}

void SourceReader::on_complete() {
    if (std::exchange(complete_, true)) return;
    {
        const CrashMark::InHand in_hand(context_.crash_mark, place().instance,
                                        end_of_record(last_line_));
        records_.end(*this);
    }
    end_gaps(context_.clock.now());
    dirty_ = true;
    on_caught_up();
    context_.completed(place().instance);
}

void SourceReader::take_changes(ChangeSet& changes) {
    if (!dirty_) return;
    dirty_ = false;
    const Timestamp now = context_.clock.now();
    PositionRow row = source_.position(records_.held_lines());
    row.instance = place().instance;
    row.lines = lines_ - records_.held_lines();
    row.complete = complete_;
    row.updated_at = now;
    if (records_.open_record())
        row.open_record = open_record_to_json(*records_.open_record(), open_evidence_);
    if (read_up_to_) context_.book.watermark(row.instance, *read_up_to_, now);
    if (read_up_to_) {
        if (!read_from_) read_from_ = read_up_to_;
        CoverageRow read;
        read.instance = row.instance;
        read.kind = read_kind;
        read.certainty = "proven";
        read.from = read_from_;
        read.to = read_up_to_;
        read.lines = static_cast<std::int64_t>(row.lines);
        read.noted_at = now;
        coverage_[{row.instance, read_ordinal}] = read;
    }
    note_dropped();
    changes.positions[row.instance] = row;
    for (auto& [key, written] : std::exchange(coverage_, {}))
        changes.coverage[key] = std::move(written);
}

}  // namespace runnerwatch
