#include "daemon/sources/file_source.h"

#include "parsers/digest.h"
#include "parsers/record.h"
#include "parsers/record_reader.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace runnerwatch {

namespace {

constexpr std::chrono::milliseconds poll_interval{500};
constexpr std::size_t part_bytes = 64 * 1024;
constexpr std::size_t binary_look_bytes = 4096;
constexpr int history_look_lines = 50;
constexpr std::uint64_t halving_ends_bytes = 1024 * 1024;
constexpr std::size_t line_ends_max = RecordReader::record_lines_max + 1;

// Blob: version, then device, inode, offset, guard; 8 bytes each, least significant first.
constexpr char blob_version = 1;
constexpr std::size_t integer_bytes = 8;

std::string pread_some(int file, std::uint64_t offset, std::size_t most) {
    std::string bytes(most, '\0');
    std::size_t count = 0;
    while (count < most) {
        const ssize_t got =
            ::pread(file, bytes.data() + count, most - count, static_cast<off_t>(offset + count));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "read");
        if (got == 0) break;
        count += static_cast<std::size_t>(got);
    }
    bytes.resize(count);
    return bytes;
}

// Compressed, or mostly NULs. A few NULs are what a log that was truncated under a writer has.
bool looks_binary(std::string_view bytes) {
    const auto zeros = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\0'));
    return bytes.starts_with("\x1F\x8B") || bytes.starts_with("\x28\xB5\x2F\xFD") ||
           bytes.starts_with(
               "\x7F"
               "ELF") ||
           zeros > bytes.size() / 8;
}

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
std::uint64_t next_line(int file, std::uint64_t offset) {
    const std::size_t newline = pread_some(file, offset, part_bytes).find('\n');
    return newline == std::string::npos ? offset : offset + newline + 1;
}

}  // namespace

std::string FilePosition::blob() const {
    std::string blob{blob_version};
    for (const std::uint64_t value : {device, inode, offset, guard})
        for (std::size_t i = 0; i < integer_bytes; ++i)
            blob.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
    return blob;
}

std::optional<FilePosition> FilePosition::parse(std::string_view blob) {
    std::array<std::uint64_t, 4> values{};
    if (blob.size() != 1 + values.size() * integer_bytes || blob.front() != blob_version)
        return std::nullopt;
    for (std::size_t i = 0; i < values.size() * integer_bytes; ++i)
        values[i / integer_bytes] |=
            static_cast<std::uint64_t>(static_cast<unsigned char>(blob[1 + i]))
            << (8 * (i % integer_bytes));
    return FilePosition{values[0], values[1], values[2], values[3]};
}

FileSource::FileSource(const Clock& clock, Place place, std::optional<PositionRow> position,
                       Options options)
    : clock_(clock), place_(std::move(place)), options_(std::move(options)), line_ends_{0} {
    if (!position) return;
    lines_ = position->lines;
    complete_ = position->complete;
    stored_ = position->blob;
}

FileSource::~FileSource() { close(); }

void FileSource::close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
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
        if (file_ >= 0 || open()) {
            while (read_part()) co_await asio::post(loop, asio::use_awaitable);
            const bool finished = replaced() || draining_;
            // What was written before it was replaced.
            while (finished && read_part()) co_await asio::post(loop, asio::use_awaitable);
            end_of_file(finished);
            if (finished) close();
            if (finished && !draining_) continue;
        }
        if (draining_) break;
        wake_->expires_after(clock_.real(poll_interval));
        co_await wake_->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    complete_ = true;
    caught_up();
    sink.on_complete();
}

bool FileSource::open() {
    const std::string& path = place_.member;
    // Without O_NONBLOCK a pipe would stop the loop here.
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status {};
    if (file_ < 0 || ::fstat(file_, &status) != 0) {
        const int error = errno;
        close();
        awaited_ = awaited_ || error == ENOENT;
        trouble("cannot read " + path + ": " + std::generic_category().message(error) +
                (error == ENOENT ? "; waiting for it to appear"
                                 : "; give this user the right to read it"));
        return false;
    }
    std::string wrong;
    if (S_ISDIR(status.st_mode))
        wrong = "it is a directory";
    else if (!S_ISREG(status.st_mode))
        wrong = "it is not a regular file";
    else if (looks_binary(pread_some(file_, 0, binary_look_bytes)))
        wrong = "it is binary or compressed";
    if (!wrong.empty()) {
        close();
        trouble("cannot read " + path + ": " + wrong + "; name a log file of text in files[].path");
        return false;
    }
    trouble("");
    device_ = status.st_dev;
    inode_ = status.st_ino;
    begin();
    return true;
}

void FileSource::begin() {
    const bool new_from_start = std::exchange(awaited_, true);
    if (const auto stored = FilePosition::parse(std::exchange(stored_, {}))) {
        const bool long_enough = size() >= stored->offset;
        const FilePosition here{device_, inode_, stored->offset, guard_before(stored->offset)};
        if (long_enough && here == *stored) return begin_at(stored->offset);
        sink_->on_gap({"rotated_while_disconnected", "possibly_lost", std::nullopt, std::nullopt,
                       "this is not the file that was read before"});
        return begin_at(0);
    }
    begin_at(new_from_start ? 0 : start_of_history());
}

void FileSource::begin_at(std::uint64_t offset) {
    framer_.clear();
    unwrapper_ = LineUnwrapper();
    framed_to_ = offset;
    read_to_ = offset;
    guard_ = guard_before(offset);
    size_seen_ = size();
    line_ends_.assign(1, offset);
}

// A line without time cannot be dated: such a file is read from its end. In another the times
// grow, so the place is found by halving; the rest of the way is skipped line by line.
std::uint64_t FileSource::start_of_history() {
    const std::uint64_t end = size();
    if (options_.history <= Duration::zero() || !first_time(pread_some(file_, 0, part_bytes))) {
        const std::uint64_t begin = end - std::min<std::uint64_t>(end, part_bytes);
        const std::string last = pread_some(file_, begin, part_bytes);
        const std::size_t newline = last.rfind('\n');
        return newline == std::string::npos ? begin : begin + newline + 1;
    }
    const Timestamp since = clock_.now() - options_.history;
    std::uint64_t older = 0, newer = end;
    while (newer - older > halving_ends_bytes) {
        const std::uint64_t middle = older + (newer - older) / 2;
        const auto time = first_time(pread_some(file_, next_line(file_, middle), part_bytes));
        (time && *time < since ? older : newer) = middle;
    }
    skip_before_ = since;
    return older == 0 ? 0 : next_line(file_, older);
}

std::uint64_t FileSource::size() const {
    struct stat status {};
    return ::fstat(file_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::uint64_t FileSource::guard_before(std::uint64_t offset) const {
    const std::uint64_t length = std::min<std::uint64_t>(offset, FilePosition::guard_bytes_max);
    return line_hash(pread_some(file_, offset - length, length));
}

// Whether the name stands for another file by now. One that only vanished may come back.
bool FileSource::replaced() const {
    struct stat status {};
    if (::stat(place_.member.c_str(), &status) != 0) return false;
    return status.st_dev != device_ || status.st_ino != inode_;
}

void FileSource::look_for_truncation() {
    const std::uint64_t now = size();
    if (now == size_seen_) return;
    size_seen_ = now;
    if (now >= read_to_ && guard_before(read_to_) == guard_) return;
    sink_->on_gap({"file_truncated", "possibly_lost", last_time_, std::nullopt,
                   "the file was truncated; what was written just before may not have been read"});
    begin_at(0);
}

// False at the end of the file.
bool FileSource::read_part() {
    look_for_truncation();
    const std::string part = pread_some(file_, read_to_, part_bytes);
    if (part.empty()) return false;
    read_to_ += part.size();
    framer_.feed(part, [this](const FramedLine& framed) { line(framed); });
    guard_ = guard_before(read_to_);
    return true;
}

void FileSource::line(const FramedLine& framed) {
    framed_to_ += framed.bytes;
    unwrapper_.line(framed, ++framed_lines_,
                    [this](const UnwrappedLine& line) { unwrapped_line(line); });
}

// Where reading goes on is never within a line that a collector split.
void FileSource::unwrapped_line(const UnwrappedLine& unwrapped) {
    line_ends_.push_back(framed_to_);
    if (line_ends_.size() > line_ends_max) line_ends_.pop_front();
    const PrefixedLine& line = unwrapped.line;
    if (skip_before_) {
        const auto time = time_of(line);
        if (!time || *time < *skip_before_) return;
        skip_before_.reset();
    }
    if (line.time) last_time_ = line.time;
    ++lines_;
    sink_->on_line(line.text, line.time, unwrapped.cut);
}

void FileSource::end_of_file(bool finished) {
    if (finished && framer_.rest().bytes > 0) {
        line(framer_.rest());
        framer_.clear();
    }
    if (finished) unwrapper_.end([this](const UnwrappedLine& line) { unwrapped_line(line); });
    skip_before_.reset();
    caught_up();
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
    row.blob = stored_;
    if (file_ >= 0) {
        // Held lines of a file that was replaced since cannot be given back: its name is another's.
        const std::size_t back = std::min(held_lines, line_ends_.size() - 1);
        const std::uint64_t offset = line_ends_[line_ends_.size() - 1 - back];
        row.blob = FilePosition{device_, inode_, offset, guard_before(offset)}.blob();
    }
    return row;
}

asio::awaitable<void> FileSource::probe_tail() {
    const Timestamp began = clock_.now();
    const bool whole = file_ >= 0 && size() == read_to_ && framer_.rest().bytes == 0;
    if (whole && !replaced()) sink_->on_watermark(began);
    co_return;
}

void FileSource::trouble(const std::string& what) {
    if (what == trouble_) return;
    trouble_ = what;
    if (options_.on_trouble) options_.on_trouble(what);
}

}  // namespace runnerwatch
