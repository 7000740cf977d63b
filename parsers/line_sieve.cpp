#include "parsers/line_sieve.h"

#include "parsers/count_lines.h"
#include "parsers/find_text.h"

#include <algorithm>
#include <cstring>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

std::string_view without_return(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

void LineSieve::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (long_line_) {
            const std::size_t newline = bytes.find('\n');
            const std::size_t length = newline == npos ? bytes.size() : newline + 1;
            base_ += length;
            framer_.feed(bytes.substr(0, length), [&](const FramedLine& line) {
                reader_.line(line, ++lines_, base_);
                long_line_ = false;
            });
            bytes.remove_prefix(length);
            continue;
        }
        // In pieces that the processor's cache holds.
        const std::string_view piece = bytes.substr(0, 2 * look_back);
        append(piece);
        bytes.remove_prefix(piece.size());
        sift();
        forget();
        if (size_ - at_ > LineFramer::line_bytes_max) begin_long_line();
    }
}

char* LineSieve::room() {
    if (buffer_.size() < size_ + room_bytes) buffer_.resize(size_ + 2 * room_bytes);
    return buffer_.data() + size_;
}

void LineSieve::append(std::string_view piece) {
    if (piece.data() != buffer_.data() + size_) {
        if (buffer_.size() < size_ + piece.size()) buffer_.resize(size_ + 2 * piece.size());
        // What was put into room() behind a long line is moved to its front.
        std::memmove(buffer_.data() + size_, piece.data(), piece.size());
    }
    size_ += piece.size();
}

void LineSieve::end() {
    if (long_line_) {
        reader_.line(framer_.rest(), ++lines_, base_);
    } else if (at_ < size_) {
        look_at_line(without_return(buffered().substr(at_)), look_);
        if (!reader_.reads_every_line()) read_before(record_begin(look_), look_);
        read_on(size_);
    }
}

// All whole lines.
void LineSieve::sift() {
    const std::size_t last = buffered().rfind('\n');
    if (last == npos || last < at_) return;
    const std::size_t end = last + 1;
    std::size_t limit = long_line(end);
    while (at_ < end) {
        if (at_ >= limit) limit = long_line(end);
        if (reads_every_line())
            read_next(limit);
        else if (at_ == limit)
            judge();
        else
            search(limit);
    }
}

// The lines before `limit` up to one that the reader may need more than a look at.
void LineSieve::search(std::size_t limit) {
    const std::size_t before = at_;
    const KnownLine unknown = pass_known(limit);
    if (at_ == limit || reads_every_line()) return;
    if (at_ > before) window_ = 1;
    std::size_t from = at_, edge = limit;
    if (window_ == 1 && unknown.end > 0) {
        // A collector may have put something behind the time, and a blank before that.
        from = static_cast<std::size_t>(unknown.text.data() - buffer_.data()) - 1;
        edge = unknown.end;
    } else if (limit - at_ > window_) {
        edge = buffered().find('\n', at_ + window_ - 1) + 1;
    }
    const std::string_view searched = buffered().substr(0, edge);
    const std::size_t found =
        matcher_.raw_filter().next(searched, from, reader_.selection(), size_ - edge);
    pass(found == npos ? edge : line_begin(found));
    if (found != npos) return judge();
    window_ = std::clamp(2 * window_, window_least, window_most);
}

// Lines that are all of their records, and of which is known what they say. Returns the one that is
// not, as far as anything is known of it.
LineSieve::KnownLine LineSieve::pass_known(std::size_t limit) {
    if (base_ + at_ == 0) return {};  // a byte order mark is for the reader
    std::size_t passed = at_;
    const auto tell = [&] {
        if (passed < at_) reader_.skipped(buffered().substr(passed, at_ - passed));
    };
    KnownLine unknown;
    for (bool alone = base_ + at_ == closed_at_; at_ < limit; alone = true) {
        KnownLine line = known_line(limit);
        if (line.known != nullptr && !alone && !line.known->shape.begins) {
            if (!holds_nothing_before()) break;
            line = known_line(limit);  // what was known may have given way to the line before
        }
        if (line.known == nullptr) {
            unknown = line;
            break;
        }
        if (!asked_for(line)) {
            at_ = line.end;
            ++lines_;
            continue;
        }
        tell();
        read_known(line);
        passed = at_;
        if (reads_every_line()) return {};
    }
    tell();
    return unknown;
}

// The line at at_.
LineSieve::KnownLine LineSieve::known_line(std::size_t limit) {
    const char* const begin = buffer_.data() + at_;
    const char* const end = buffer_.data() + limit;
    if (static_cast<std::size_t>(end - begin) > 2 * KnownHeads::Beginning::bytes_max) {
        const char* const message = behind_log_time(begin);
        const auto* alike = heads_.beginning(message);
        if (const char* fields = alike ? heads_.behind_head(*alike, message, end) : nullptr) {
            const LineEnd line = find_line_end(fields, end);
            if ((*message == '\x1b' || !line.quotes) && line.newline[-1] != '\r')
                return {&heads_.known(*alike),
                        alike->silent,
                        {message, line.newline},
                        static_cast<std::size_t>(fields - message),
                        behind(line.newline)};
        } else if (message != begin && (alike != nullptr || heads_.varies(message))) {
            return varying_line({message, find_line_end(message, end).newline});
        }
    }
    const std::size_t newline = buffered().find('\n', at_);
    const std::string_view line = line_at(at_, newline + 1);
    const auto head = runner_head(line);
    if (!head) return {};
    if (const KnownHeads::Known* known = heads_.met_again(line, *head))
        return {known, known->silent(), line.substr(static_cast<std::size_t>(head->data() - begin)),
                head->size(), newline + 1};
    if (begins_as_sentence(*head)) closed_at_ = base_ + newline + 1;
    return {};
}

// A line that is likely not to be known: `text`, without its time.
LineSieve::KnownLine LineSieve::varying_line(std::string_view text) {
    const std::size_t end = behind(text.data() + text.size());
    if (begins_as_sentence(text) && find_text(text, runner_reset) != npos) closed_at_ = base_ + end;
    return {nullptr, false, text, 0, end};
}

// The first line behind at_ that is longer than a line may be; `end`: there is none.
std::size_t LineSieve::long_line(std::size_t end) const {
    for (std::size_t begin = at_; end - begin > LineFramer::line_bytes_max;) {
        const std::size_t newline =
            buffered().substr(begin, LineFramer::line_bytes_max + 1).rfind('\n');
        if (newline == npos) return begin;
        begin += newline + 1;
    }
    return end;
}

std::size_t LineSieve::line_begin(std::size_t at) const {
    const void* newline = at == 0 ? nullptr : ::memrchr(buffer_.data(), '\n', at);
    return newline == nullptr
               ? 0
               : static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
}

void LineSieve::pass(std::size_t to) {
    const std::string_view lines = buffered().substr(at_, to - at_);
    if (lines.empty()) return;
    reader_.skipped(lines);
    // A window of one line is that line.
    lines_ += window_ == 1 ? 1 : count_lines(lines);
    at_ = to;
}

std::string_view LineSieve::line_at(std::size_t begin, std::size_t end) const {
    return without_return(buffered().substr(begin, end - 1 - begin));
}

// The line at at_ was found by the filter, or is a long one.
void LineSieve::judge() {
    const std::size_t end = line_end();
    const std::string_view line = line_at(at_, end);
    // A byte order mark, and the limit of a line, are for the reader.
    const bool plain = base_ + at_ > 0 && line.size() <= LineFramer::line_bytes_max;
    if (const KnownLine known = plain ? judged_line(line, end) : KnownLine(); known.known)
        return asked_for(known) ? read_known(known) : pass(end);
    look_at_line(line, look_);
    const std::size_t begin = record_begin(look_);
    const bool alone = begin == at_ && look_.whole && !look_.shape.raw && look_.shape.complete;
    if (alone && plain && !reader_.wants(judgement(look_), look_.text, 0)) return pass(end);
    read_before(begin, look_);
    read_on(end);
}

// The same as judge() finds out, from what is known of lines that begin alike, where this one is
// all of its record.
LineSieve::KnownLine LineSieve::judged_line(std::string_view line, std::size_t end) {
    const auto head = runner_head(line);
    const KnownHeads::Known* alike = head ? heads_.of(line, *head, true) : nullptr;
    if (alike != nullptr && !alike->shape.begins)
        alike = holds_nothing_before() ? heads_.of(line, *head, true) : nullptr;
    if (alike == nullptr) return {};
    const auto begin = static_cast<std::size_t>(head->data() - line.data());
    return {alike, alike->silent(), line.substr(begin), head->size(), end};
}

// Whether the line before the one at at_ surely leaves nothing that this one could belong to.
bool LineSieve::holds_nothing_before() {
    if (at_ == 0) return true;
    const std::string_view before = line_at(line_begin(at_ - 1), at_);
    // Where a sentence begins stands no prefix, and behind the reset of its message no record goes
    // on.
    const std::string_view text = without_log_time(before);
    if (begins_as_sentence(text) && text.find(runner_reset) != npos) return true;
    const auto head = runner_head(before);
    return head && heads_.of(before, *head, false) != nullptr;
}

MessageJudgement LineSieve::judgement(const LineLook& look) {
    const auto key = message_key(look.text, look.shape);
    if (const MessageJudgement* says = key ? messages_.find(key->level, key->message) : nullptr)
        return *says;
    MessageJudgement says = matcher_.judge_message(decode_record(look.text));
    if (key) messages_.keep(key->level, key->message, says);
    return says;
}

// Where the record of the line at at_ begins. Nothing is held behind a line that begins and ends a
// head, nor behind the reset that ends a message; raw lines may extend what such a line ended.
std::size_t LineSieve::record_begin(const LineLook& look) const {
    if (look.shape.begins) return at_;
    const std::uint64_t read = reader_.read_until(look.pod, look.container);
    const std::size_t floor = read > base_ ? static_cast<std::size_t>(read - base_) : 0;
    LineLook other;
    for (std::size_t end = at_, begin = at_; end > floor; end = begin) {
        begin = line_begin(end - 1);
        look_at_line(line_at(begin, end), other);
        if (other.pod != look.pod || other.container != look.container) continue;
        if (!other.whole || !(other.shape.begins || other.shape.reset)) continue;
        const bool holds = other.shape.begins && !other.shape.complete;
        return look.shape.reset && !holds ? at_ : begin;
    }
    return floor;
}

// Gives the reader the lines of this container from `begin` to at_.
void LineSieve::read_before(std::size_t begin, const LineLook& look) {
    std::uint64_t number = lines_ - count_lines(buffered().substr(begin, at_ - begin));
    while (begin < at_) {
        const std::size_t end = buffered().find('\n', begin) + 1;
        ++number;
        look_at_line(line_at(begin, end), other_);
        if (other_.pod == look.pod && other_.container == look.container) read(begin, end, number);
        begin = end;
    }
}

// The line at at_.
void LineSieve::read_on(std::size_t end, const Reader::Told* told) {
    read(at_, end, ++lines_, told);
    at_ = end;
}

// The line at at_, while every line is read.
void LineSieve::read_next(std::size_t limit) {
    if (at_ < limit && base_ + at_ > 0 && reader_.uses_known()) {
        const KnownLine line = known_line(limit);
        if (line.known != nullptr && line.known->shape.begins) return read_known(line);
    }
    read_on(line_end());
}

void LineSieve::read_known(const KnownLine& line) {
    const auto begin = static_cast<std::size_t>(line.text.data() - buffer_.data()) - at_;
    const auto time = parse_time(buffered().substr(at_, begin));
    // What is no time, but looks like one, is a part of the text.
    const bool plain = begin == 0 || (time && time->length + 1 == begin);
    if (!plain || !line.known->before_fields) return read_on(line.end);
    const Reader::Told told{*line.known, begin, begin + line.fields,
                            time ? std::optional(time->time) : std::nullopt};
    read_on(line.end, &told);
}

void LineSieve::read(std::size_t begin, std::size_t end, std::uint64_t number,
                     const Reader::Told* told) {
    std::string_view text = buffered().substr(begin, end - begin);
    if (text.ends_with('\n')) text.remove_suffix(1);
    const bool cut = text.size() > LineFramer::line_bytes_max;
    const FramedLine line{without_return(text.substr(0, LineFramer::line_bytes_max)), cut,
                          end - begin};
    told != nullptr ? reader_.line(line, number, base_ + end, *told)
                    : reader_.line(line, number, base_ + end);
}

// The rest of the line comes by way of the framer, which keeps no more of it than is shown.
void LineSieve::begin_long_line() {
    look_at_line(buffered().substr(at_, LineFramer::line_bytes_max), look_);
    if (!reader_.reads_every_line()) read_before(record_begin(look_), look_);
    framer_.clear();
    framer_.feed(buffered().substr(at_), [](const FramedLine&) {});
    base_ += size_;
    size_ = 0;
    at_ = 0;
    long_line_ = true;
}

void LineSieve::forget() {
    if (at_ < 4 * look_back) return;
    const std::size_t drop = line_begin(at_ - look_back);
    std::memmove(buffer_.data(), buffer_.data() + drop, size_ - drop);
    size_ -= drop;
    base_ += drop;
    at_ -= drop;
}

}  // namespace runnerwatch
