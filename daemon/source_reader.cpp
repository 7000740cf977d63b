#include "daemon/source_reader.h"

#include "daemon/open_record_json.h"
#include "parsers/line_prefix.h"
#include "parsers/redaction.h"
#include "parsers/runner_version.h"
#include "parsers/visible_text.h"
#include "storage/coverage.h"

#include <algorithm>

namespace runnerwatch {

namespace {

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

}  // namespace

SourceReader::SourceReader(LogSource& source, ReaderContext& context, Before before)
    : source_(source),
      place_(source.place()),
      context_(context),
      read_up_to_(before.watermark),
      coverage_ordinal_(before.ordinal) {
    if (!before.version.empty()) place_.version = before.version;
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

void SourceReader::on_line(std::string_view text, std::optional<Timestamp> time, bool cut,
                           std::uint64_t hash) {
    context_.metrics.line_read(text.size() + 1);
    ++lines_;
    dirty_ = true;
    last_line_ = {lines_, hash};
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
    before_.add(lines_, text);
    if (!of_interest) return records_.pass_over(*this);
    records_.line(SourceLine{text, time, lines_, cut}, *this);
}

// Whether a line is a record that no rule asks for and that warns of nothing.
bool SourceReader::says_nothing(std::string_view text) const {
    if (records_.held_lines() > 0) return false;
    const KnownHeads::Known* known = context_.heads.met_again(text);
    return known != nullptr && known->shape.level < Level::warning && known->silent();
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
    // The first record of a runner ends what some built-in rules tell of, so it comes here.
    if (auto version = version_in_start(record); !version.empty())
        place_.version = std::move(version);
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
    seen.context_before = before_.before(head.first_line);
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
    const std::string* of_key = before_.last_of_key();
    context_.book.extend(*open_evidence_, of_key ? *of_key : redact(line.text));
    context_.changed();
}

void SourceReader::on_record_end() { open_evidence_.reset(); }

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
                                        last_line_.end_of_record());
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
                                        last_line_.end_of_record());
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
