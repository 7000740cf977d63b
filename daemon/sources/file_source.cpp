#include "daemon/sources/file_source.h"

#include "parsers/digest.h"
#include "parsers/record.h"
#include "parsers/record_reader.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace runnerwatch {

namespace {

constexpr std::chrono::milliseconds poll_interval{500};
constexpr int history_look_lines = 50;
constexpr std::uint64_t halving_ends_bytes = 1024 * 1024;
constexpr std::size_t line_ends_max = RecordReader::record_lines_max + 1;
constexpr std::size_t framed_ends_max = 4096;
// A writer may go on with a file that was renamed until it is told to open its log anew.
constexpr int replaced_looks_max = 2;

std::optional<Timestamp> time_of(const PrefixedLine& line) {
    return line.time ? line.time : decode_record(line.text).time;
}

// The time of the first line that has one, looking at a few.
std::optional<Timestamp> first_time(std::string_view bytes) {
    LineUnwrapper unwrapper;
    std::optional<Timestamp> first;
    for (int i = 0; i < history_look_lines && !bytes.empty() && !first; ++i) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        unwrapper.line({bytes.substr(0, end), false, end + 1}, static_cast<std::uint64_t>(i) + 1,
                       [&](const UnwrappedLine& line) { first = time_of(line.line); });
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    return first;
}

// Behind the first newline of the bytes at `offset`.
std::uint64_t next_line(const LogFile& file, std::uint64_t offset) {
    const std::size_t newline = file.peek(offset, LogFile::part_bytes).find('\n');
    return newline == std::string::npos ? offset : offset + newline + 1;
}

// Behind the last newline.
std::uint64_t last_line(const LogFile& file) {
    const std::uint64_t end = file.stamp().size;
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, LogFile::part_bytes);
    const std::string last = file.peek(begin, LogFile::part_bytes);
    const std::size_t newline = last.rfind('\n');
    return newline == std::string::npos ? begin : begin + newline + 1;
}

// In a file whose lines have times these grow, so the place is found by halving; the rest of the
// way is skipped line by line.
std::uint64_t place_of(const LogFile& file, Timestamp since) {
    std::uint64_t older = 0, newer = file.stamp().size;
    while (newer - older > halving_ends_bytes) {
        const std::uint64_t middle = older + (newer - older) / 2;
        const auto time = first_time(file.peek(next_line(file, middle), LogFile::part_bytes));
        (time && *time < since ? older : newer) = middle;
    }
    return older == 0 ? 0 : next_line(file, older);
}

}  // namespace

FileSource::FileSource(const Clock& clock, Place place, std::optional<PositionRow> position,
                       Options options)
    : clock_(clock), place_(std::move(place)), options_(std::move(options)) {
    if (!position) return;
    lines_ = position->lines;
    complete_ = position->complete;
    if (const auto stored = FilePosition::parse(position->blob)) line_ends_.push_back(*stored);
}

void FileSource::drain() {
    draining_ = true;
    if (wake_) wake_->cancel();
}

asio::awaitable<void> FileSource::run(LineSink& sink) {
    sink_ = &sink;
    auto loop = co_await asio::this_coro::executor;
    wake_.emplace(loop);
    while (!complete_) {
        if (file_ || co_await open()) {
            while (read_part()) co_await asio::post(loop, asio::use_awaitable);
            if (!file_) continue;  // it was truncated
            const bool finished = rotated_ || replaced() || draining_;
            // What was written before it was replaced.
            while (finished && read_part()) co_await asio::post(loop, asio::use_awaitable);
            if (!file_) continue;
            if (finished) end_of_file();
            if (!rotated_) {
                skip_before_.reset();
                caught_up();
            }
            const bool more = rotated_ || !draining_;
            if (finished) leave(true);
            if (finished && more) continue;
        }
        if (draining_) break;
        wake_->expires_after(clock_.real(poll_interval));
        co_await wake_->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    complete_ = true;
    caught_up();
    sink.on_complete();
}

FileSource::File FileSource::open_current() {
    const std::string& path = place_.member;
    auto file = LogFile::open(path);
    if (!file && file.error().what.empty()) {
        const int error = file.error().error;
        awaited_ = awaited_ || error == ENOENT;
        trouble("cannot read " + path + ": " + std::generic_category().message(error) +
                (error == ENOENT ? "; waiting for it to appear"
                                 : "; give this user the right to read it"));
        return nullptr;
    }
    if (!file || (*file)->compressed()) {
        trouble("cannot read " + path + ": " + (file ? "it is compressed" : file.error().what) +
                "; name a log file of text in files[].path");
        return nullptr;
    }
    trouble("");
    return std::move(*file);
}

asio::awaitable<bool> FileSource::open() {
    File current = open_current();
    if (!current) co_return false;
    if (!line_ends_.empty()) co_return co_await go_on(std::move(current));
    first_contact(std::move(current));
    co_return true;
}

// Opens the file in which the place is that was read up to; where that was read to its end, the
// one after it.
asio::awaitable<bool> FileSource::go_on(File current) {
    const bool whole = std::exchange(left_whole_, false);
    const bool truncated = std::exchange(was_truncated_, false);
    const FilePosition from = line_ends_.back();
    const bool same = current->device() == from.device && current->inode() == from.inode;
    if (same && !whole && co_await reaches_place(*current)) {
        current->seek(from.offset);
        begin(std::move(current), false);
        co_return true;
    }
    const std::vector<std::string> rotated = rotated_files(place_.member);
    const auto found = co_await find_place(rotated);
    const std::size_t next = found ? *found + (whole ? 1 : 0) : rotated.size();
    if (next < rotated.size()) {
        auto file = LogFile::open(rotated[next]);
        if (!file || (!whole && !co_await reaches_place(**file))) {
            left_whole_ = whole;  // just rotated further: looked for again
            was_truncated_ = truncated;
            co_return false;
        }
        if (!whole && !(*file)->compressed()) (*file)->seek(from.offset);
        begin(std::move(*file), true);
        co_return true;
    }
    if (!found && truncated)
        gap("file_truncated",
            "the file was truncated; what was written just before may not have been read");
    else if (!found && !whole)
        gap("rotated_while_disconnected", "this is not the file that was read before");
    begin(std::move(current), false);
    co_return true;
}

// The one that was read last, by its inode; or a copy of it, by its bytes.
asio::awaitable<std::optional<std::size_t>> FileSource::find_place(
    const std::vector<std::string>& rotated) {
    const FilePosition from = line_ends_.back();
    for (const bool by_inode : {true, false}) {
        if (!by_inode && from.offset == 0) break;
        for (std::size_t i = rotated.size(); i-- > 0;) {
            auto file = LogFile::open(rotated[i]);
            if (!file) continue;
            const bool same = (*file)->device() == from.device && (*file)->inode() == from.inode;
            if (same == by_inode && co_await reaches_place(**file)) co_return i;
        }
    }
    co_return std::nullopt;
}

// Whether the file has the bytes before the place there. A compressed one is read up to it.
asio::awaitable<bool> FileSource::reaches_place(LogFile& file) const {
    const FilePosition from = line_ends_.back();
    auto loop = co_await asio::this_coro::executor;
    if (!file.compressed()) {
        if (file.stamp().size < from.offset) co_return false;
        const auto length = std::min<std::uint64_t>(from.offset, FilePosition::guard_bytes_max);
        co_return line_hash(file.peek(from.offset - length, length)) == from.guard;
    }
    while (file.read_to() < from.offset) {
        const auto part = file.read(static_cast<std::size_t>(
            std::min<std::uint64_t>(from.offset - file.read_to(), LogFile::part_bytes)));
        if (!part || part->empty()) co_return false;
        co_await asio::post(loop, asio::use_awaitable);
    }
    co_return line_hash(file.tail()) == from.guard;
}

// A line without time cannot be dated: such a file is read from its end, and what was rotated away
// before is not read.
void FileSource::first_contact(File current) {
    if (awaited_) return begin(std::move(current), false);
    const Timestamp since = clock_.now() - options_.history;
    if (options_.history <= Duration::zero() ||
        (!first_time(current->peek(0, LogFile::part_bytes)) && current->stamp().size > 0)) {
        current->seek(last_line(*current));
        return begin(std::move(current), false);
    }
    skip_before_ = since;
    for (const std::string& path : rotated_files(place_.member)) {
        const auto at = modified_at(path);
        if (!at || *at < since) continue;
        auto file = LogFile::open(path);
        if (!file) continue;
        if (!(*file)->compressed()) (*file)->seek(place_of(**file, since));
        return begin(std::move(*file), true);
    }
    current->seek(place_of(*current, since));
    begin(std::move(current), false);
}

void FileSource::begin(File file, bool rotated) {
    file_ = std::move(file);
    rotated_ = rotated;
    awaited_ = true;
    replaced_looks_ = 0;
    damaged_ = false;
    seen_ = file_->stamp();
    framer_.clear();
    unwrapper_ = LineUnwrapper();
    framed_to_ = file_->read_to();
    framed_lines_ = 0;
    framed_ends_.clear();
    // Until there is a line, the place is the end of the file before: that has content to be told
    // by.
    if (line_ends_.empty())
        line_ends_.push_back(
            {file_->device(), file_->inode(), file_->read_to(), line_hash(file_->tail())});
}

void FileSource::leave(bool whole) {
    // Its end, also where it had no line: that it was read is known by it.
    if (whole)
        line_ends_.back() = {file_->device(), file_->inode(), file_->read_to(),
                             line_hash(file_->tail())};
    file_.reset();
    left_whole_ = whole;
}

// Whether the name stands for another file by now, which is written to. One that only vanished may
// come back.
bool FileSource::replaced() {
    const auto other = LogFile::open(place_.member);
    const bool another =
        other && ((*other)->device() != file_->device() || (*other)->inode() != file_->inode());
    if (!another || (*other)->stamp().size == 0) {
        replaced_looks_ = 0;
        return false;
    }
    return ++replaced_looks_ >= replaced_looks_max;
}

bool FileSource::truncated() {
    const LogFile::Stamp now = file_->stamp();
    if (file_->compressed() || now == seen_) return false;
    seen_ = now;
    return now.size < file_->read_to() || !file_->tail_stands();
}

// False at the end of the file, and when there is no file any more.
bool FileSource::read_part() {
    bool cut_off = truncated();
    window_ = file_->tail();
    window_from_ = file_->read_to() - window_.size();
    Result<std::string, std::string> part = std::string();
    if (!cut_off) part = file_->read();
    // It may have been truncated, and have grown again, between the look and the read.
    cut_off = cut_off || (part && !part->empty() && !file_->compressed() &&
                          !file_->has(window_from_, window_));
    if (cut_off) {
        leave(false);
        was_truncated_ = true;
        return false;
    }
    if (!part) {
        if (!std::exchange(damaged_, true))
            gap("rotated_file_damaged", "a compressed file that was rotated away is damaged");
        return false;
    }
    window_ += *part;
    framer_.feed(*part, [this](const FramedLine& framed) { line(framed); });
    return !part->empty();
}

void FileSource::line(const FramedLine& framed) {
    framed_to_ += framed.bytes;
    const std::size_t end = framed_to_ - window_from_;
    const std::size_t length = std::min(end, FilePosition::guard_bytes_max);
    framed_ends_.push_back({file_->device(), file_->inode(), framed_to_,
                            line_hash(std::string_view(window_).substr(end - length, length))});
    if (framed_ends_.size() > framed_ends_max) framed_ends_.pop_front();
    unwrapper_.line(framed, ++framed_lines_,
                    [this](const UnwrappedLine& line) { unwrapped_line(line); });
}

// Where reading goes on is never within a line that a collector split.
void FileSource::unwrapped_line(const UnwrappedLine& unwrapped) {
    while (framed_ends_.size() > framed_lines_ - unwrapped.last + 1) framed_ends_.pop_front();
    if (!framed_ends_.empty()) line_ends_.push_back(framed_ends_.front());
    if (line_ends_.size() > line_ends_max) line_ends_.pop_front();
    const PrefixedLine& line = unwrapped.line;
    if (skip_before_) {
        const auto time = time_of(line);
        if (!time || *time < *skip_before_) return;
        skip_before_.reset();
    }
    if (line.time) last_time_ = line.time;
    ++lines_;
    sink_->on_line(line.text, line.time, unwrapped.cut, line_hash(line.text));
}

// Nothing more will come in this file: its last line is whole.
void FileSource::end_of_file() {
    if (framer_.rest().bytes > 0) {
        window_ = file_->tail();
        window_from_ = file_->read_to() - window_.size();
        line(framer_.rest());
        framer_.clear();
    }
    unwrapper_.end([this](const UnwrappedLine& line) { unwrapped_line(line); });
}

void FileSource::caught_up() {
    if (!std::exchange(caught_up_, true)) sink_->on_caught_up();
}

PositionRow FileSource::position(std::size_t held_lines) const {
    PositionRow row;
    row.instance = place_.instance;
    row.kind = "file";
    row.lines = lines_ - held_lines;
    row.complete = complete_ && held_lines == 0;
    row.updated_at = clock_.now();
    if (!line_ends_.empty()) {
        const std::size_t back = std::min(held_lines, line_ends_.size() - 1);
        row.blob = line_ends_[line_ends_.size() - 1 - back].blob();
    }
    return row;
}

asio::awaitable<void> FileSource::probe_tail() {
    const Timestamp began = clock_.now();
    const bool whole = file_ && !rotated_ && file_->stamp().size == file_->read_to() &&
                       file_->tail_stands() && framer_.rest().bytes == 0;
    if (!whole) co_return;
    const auto named = LogFile::open(place_.member);
    if (named && (*named)->device() == file_->device() && (*named)->inode() == file_->inode())
        sink_->on_watermark(began);
}

void FileSource::gap(const char* kind, const char* details) {
    sink_->on_gap({kind, "possibly_lost", last_time_, std::nullopt, details});
}

void FileSource::trouble(const std::string& what) {
    if (what == trouble_) return;
    trouble_ = what;
    if (options_.on_trouble) options_.on_trouble(what);
}

}  // namespace runnerwatch
