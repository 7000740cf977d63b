#include "parsers/line_unwrapper.h"

#include "parsers/line_envelope.h"
#include "parsers/little_endian.h"

#include <algorithm>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t length_bytes = 8;  // before a binary field, least significant first
constexpr std::uint64_t field_bytes_max = 16 * 1024 * 1024;
constexpr std::string_view entry_begin = "__CURSOR=";

// Whether docker's object holds a whole line: its text ends with an escaped newline. The parts of
// a line that docker split do not.
bool holds_whole_line(std::string_view object) {
    static constexpr std::string_view key = "\"log\":\"";
    const auto escaped = [&](std::size_t at) {
        return (at - 1 - object.find_last_not_of('\\', at - 1)) % 2 == 1;
    };
    const std::size_t begin = object.find(key);
    if (begin == npos) return false;
    std::size_t end = object.find('"', begin + key.size());
    while (end != npos && escaped(end)) end = object.find('"', end + 1);
    return end != npos && object[end - 1] == 'n' && escaped(end - 1);
}

// Whether the journal wrote the message down as it is: a string, and whole.
bool holds_whole_message(std::string_view object) {
    static constexpr std::string_view key = "\"MESSAGE\":";
    const std::size_t value = object.find_first_not_of(' ', object.find(key) + key.size());
    return value != npos && object[value] == '"' &&
           object.find("\"CONTAINER_PARTIAL_MESSAGE\":") == npos;
}

}  // namespace

bool LineUnwrapper::hides_text(const PrefixedLine& line) {
    if (line.partial || line.text.starts_with(entry_begin)) return true;
    if (!line.text.starts_with('{')) return false;
    return (line.text.find("\"log\":") != npos && !holds_whole_line(line.text)) ||
           (line.text.find("\"MESSAGE\":") != npos && !holds_whole_message(line.text));
}

void LineUnwrapper::line(const FramedLine& framed, std::uint64_t number, const OnLine& on_line) {
    std::string_view text = framed.text;
    if (number == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (entry_ || text.starts_with(entry_begin)) return journal_line(framed, number, on_line);

    UnwrappedLine whole{split_prefix(text), number, number, framed.cut};
    EnvelopedLine opened;
    if (open_envelope(whole.line.text, opened)) {
        PrefixedLine& line = whole.line;
        line.text = opened.text;
        line.partial = opened.partial;
        if (opened.time) line.time = opened.time;
        if (!opened.pod.empty()) line.pod = opened.pod;
        if (!opened.container.empty()) line.container = opened.container;
        whole.cut = whole.cut || opened.cut;
        // only the journal's entries have more than one
        for (std::size_t end; (end = line.text.find('\n')) != npos;) {
            UnwrappedLine one = whole;
            one.line.text = line.text.substr(0, end);
            one.line.partial = false;
            part(one, on_line);
            line.text.remove_prefix(end + 1);
        }
    }
    part(whole, on_line);
}

void LineUnwrapper::end(const OnLine& on_line) {
    if (entry_) end_entry(on_line);
    hand_over_parts(on_line);
}

// Parts of one line follow each other: what comes from elsewhere ends it.
void LineUnwrapper::part(const UnwrappedLine& part, const OnLine& on_line) {
    if (parts_of_ && (parts_pod_ != part.line.pod || parts_container_ != part.line.container))
        hand_over_parts(on_line);
    if (!parts_of_ && !part.line.partial) return on_line(part);
    if (!parts_of_) {
        parts_of_ = part;
        parts_pod_ = part.line.pod;
        parts_container_ = part.line.container;
        parts_.clear();
    }
    const std::size_t room = LineFramer::line_bytes_max - parts_.size();
    parts_.append(part.line.text.substr(0, room));
    parts_of_->cut = parts_of_->cut || part.cut || part.line.text.size() > room;
    parts_of_->last = part.last;
    if (!part.line.partial) hand_over_parts(on_line);
}

void LineUnwrapper::hand_over_parts(const OnLine& on_line) {
    if (!parts_of_) return;
    UnwrappedLine whole = *parts_of_;
    parts_of_.reset();
    whole.line.text = parts_;
    whole.line.pod = parts_pod_;
    whole.line.container = parts_container_;
    whole.line.partial = false;
    on_line(whole);
}

// systemd.io/JOURNAL_EXPORT_FORMATS: fields "NAME=value", or "NAME" and behind its newline eight
// bytes of length, so many bytes, and a newline; an empty line ends the entry.
void LineUnwrapper::journal_line(const FramedLine& framed, std::uint64_t number,
                                 const OnLine& on_line) {
    journal_seen_ = true;
    if (!field_.empty()) {
        if (journal_bytes(framed, number)) field_.clear();
        return;
    }
    if (framed.text.empty()) return end_entry(on_line);
    if (!entry_) {
        entry_.emplace();
        entry_->first = entry_->text_first = entry_->last = number;
    }
    const std::size_t equals = framed.text.find('=');
    if (equals == npos) {
        field_ = framed.text;
        field_bytes_.clear();
        field_read_ = 0;
        field_first_ = number + 1;
        return;
    }
    if (framed.text.starts_with("MESSAGE=")) entry_->cut = framed.cut;
    journal_field(framed.text.substr(0, equals), framed.text.substr(equals + 1), number);
    if (framed.text.starts_with("MESSAGE=")) entry_->first = entry_->text_first = number;
}

// Takes a line of a binary field in. True when it was its last.
bool LineUnwrapper::journal_bytes(const FramedLine& framed, std::uint64_t number) {
    static constexpr std::size_t kept_max = length_bytes + LineFramer::line_bytes_max;
    const auto keep = [&](std::string_view bytes) {
        field_bytes_.append(bytes.substr(0, kept_max - field_bytes_.size()));
    };
    keep(framed.text);
    // A carriage return before the newline was taken for a part of it.
    if (!framed.cut && framed.bytes == framed.text.size() + 2) keep("\r");
    field_read_ += framed.bytes;
    keep("\n");
    if (field_read_ < length_bytes) return false;
    const std::uint64_t length = read_little_endian<std::uint64_t>(field_bytes_);
    // No field is that long: the rest of the input must not vanish in it.
    const bool broken = length > field_bytes_max;
    if (!broken && field_read_ - length_bytes < length + 1) return false;
    const std::string_view kept = std::string_view(field_bytes_).substr(length_bytes);
    if (field_ == "MESSAGE") {
        entry_->cut = kept.size() < length;
        journal_field(field_, kept.substr(0, length), number);
        entry_->first = field_first_;
        const std::string_view size = std::string_view(field_bytes_).substr(0, length_bytes);
        entry_->text_first =
            field_first_ + static_cast<std::uint64_t>(std::count(size.begin(), size.end(), '\n'));
    }
    return true;
}

void LineUnwrapper::journal_field(std::string_view name, std::string_view value,
                                  std::uint64_t number) {
    if (name == "MESSAGE") {
        entry_->message = value;
        entry_->last = number;
    } else if (name == "__REALTIME_TIMESTAMP") {
        entry_->time = parse_unix_micros(value);
    } else if (name == "CONTAINER_NAME") {
        entry_->container = value;
    } else if (name == "CONTAINER_PARTIAL_MESSAGE") {
        entry_->partial = value == "true";
    }
}

void LineUnwrapper::end_entry(const OnLine& on_line) {
    if (!entry_) return;
    const JournalEntry entry = *std::move(entry_);
    entry_.reset();
    field_.clear();
    UnwrappedLine whole;
    whole.line.time = entry.time;
    whole.line.container = entry.container;
    whole.first = entry.first;
    whole.last = entry.text_first;
    whole.cut = entry.cut;
    std::string_view rest = entry.message;
    // Each line of the message is one of the input; the last may have been cut off.
    for (std::size_t end; (end = rest.find('\n')) != npos; rest.remove_prefix(end + 1)) {
        whole.line.text = rest.substr(0, end);
        part(whole, on_line);
        // Of a field without an end, the newline behind it was kept, too.
        whole.first = whole.last = std::min(whole.last + 1, entry.last);
    }
    whole.last = entry.last;
    whole.line.text = rest;
    whole.line.partial = entry.partial;
    part(whole, on_line);
}

}  // namespace runnerwatch
