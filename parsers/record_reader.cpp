#include "parsers/record_reader.h"

#include <algorithm>

namespace runnerwatch {
namespace {

bool apart(const std::optional<Timestamp>& before, const std::optional<Timestamp>& after) {
    return before && after && *after - *before > RecordReader::gap_max;
}

bool full(const OpenRecord& open) {
    return open.lines >= RecordReader::record_lines_max ||
           open.bytes >= RecordReader::record_bytes_max;
}

}  // namespace

void RecordReader::line(const SourceLine& line, Handler& handler) {
    if (held_lines_ > 0 && apart(held_last_time_, line.time)) hand_over_held(handler);
    if (open_ && apart(open_->last_time, line.time)) close(handler);

    const LineShape shape = shape_of_line(line.text);
    // The end of another record's message is no part of an object.
    const bool ends_object = held_lines_ > 0 && shape.reset && holds_object();
    if (held_lines_ > 0 && !shape.begins && !ends_object) {
        hold(line);
        if (line.cut || held_cut_ || ends_held(shape, line.text)) hand_over_held(handler);
        return;
    }
    if (held_lines_ > 0) hand_over_held(handler);
    // Where colour codes were removed, information looks like raw text; its fields tell.
    const bool information =
        open_ && open_->bare && find_bare_fields(line.text) != std::string_view::npos;
    // An object over several lines behind an error is the answer of a server, a part of its value.
    const bool continues = shape.complete || shape.format == Format::json;
    if (open_ && shape.raw && !shape.panics && continues && !information) {
        extend(line, handler);
        return;
    }
    close(handler);
    if (!shape.complete && !line.cut) {
        hold(line);
        return;
    }
    hand_over({line.text, line.number, line.last_number(), line.time, line.time, line.cut}, shape,
              1, handler);
}

void RecordReader::whole_record(const SourceLine& line, const LineShape& shape,
                                const HeadSays& says, std::size_t fields, Handler& handler) {
    close(handler);
    hand_over(
        {line.text, line.number, line.last_number(), line.time, line.time, line.cut, &says, fields},
        shape, 1, handler);
}

bool RecordReader::holds_object() const { return object_indent(held_) != std::string_view::npos; }

// Whether a line is the last one of the head that is held.
bool RecordReader::ends_held(const LineShape& shape, std::string_view line) const {
    if (const std::size_t indent = object_indent(held_); indent != std::string_view::npos)
        return line.starts_with(std::string(indent, ' ') + "}");
    if (shape.reset) return true;
    // Where the head has no colour codes, neither has its end.
    return !runner_start(held_).coloured && find_bare_fields(line) != std::string_view::npos;
}

void RecordReader::quiet(Timestamp watermark, Handler& handler) {
    if (held_lines_ > 0 && apart(held_last_time_, watermark)) hand_over_held(handler);
    if (open_ && apart(open_->last_time, watermark)) close(handler);
}

void RecordReader::end(Handler& handler) {
    if (held_lines_ > 0) hand_over_held(handler);
    close(handler);
}

void RecordReader::hold(const SourceLine& line) {
    if (held_lines_ == 0) {
        held_first_ = line.number;
        held_time_ = line.time;
    } else {
        held_ += '\n';
    }
    const std::size_t room = record_bytes_max - std::min(held_.size(), record_bytes_max);
    held_ += line.text.substr(0, room);
    ++held_lines_;
    held_last_ = line.last_number();
    held_last_time_ = line.time;
    held_cut_ = line.cut || line.text.size() > room || held_lines_ == record_lines_max;
}

void RecordReader::hand_over_held(Handler& handler) {
    const std::string_view first = std::string_view(held_).substr(0, held_.find('\n'));
    hand_over({held_, held_first_, held_last_, held_time_, held_last_time_, held_cut_},
              shape_of_line(first), held_lines_, handler);
    held_.clear();
    held_lines_ = 0;
    held_cut_ = false;
}

// `shape`: of the first line of the head.
void RecordReader::hand_over(const RecordHead& head, const LineShape& shape, std::size_t lines,
                             Handler& handler) {
    handler.on_head(head);
    OpenRecord open;
    open.format = shape.format;
    open.level = shape.level;
    open.lines = lines;
    open.bytes = head.raw.size();
    open.last_line = head.last_line;
    open.last_time = head.last_time;
    // Information has no raw lines behind it, but what a limit cut off a long head is not new text.
    if (!shape.stays_open || (shape.level < Level::warning && !full(open)))
        return handler.on_record_end();
    open.bare = shape.format == Format::runner &&
                !runner_start(head.raw.substr(shape.foreign_prefix)).coloured;
    open_ = open;
}

void RecordReader::extend(const SourceLine& line, Handler& handler) {
    // Past its limits a record still swallows what belongs to it.
    if (!full(*open_)) handler.on_continuation(line);
    ++open_->lines;
    open_->bytes += line.text.size() + 1;
    open_->last_line = line.last_number();
    open_->last_time = line.time;
}

void RecordReader::close(Handler& handler) {
    if (!open_) return;
    open_.reset();
    handler.on_record_end();
}

}  // namespace runnerwatch
