#include "daemon/sources/journal_source.h"

#include "parsers/digest.h"
#include "parsers/line_framer.h"
#include "parsers/little_endian.h"
#include "parsers/record_reader.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>

namespace runnerwatch {

namespace {

using namespace asio::experimental::awaitable_operators;

constexpr std::chrono::seconds retry_first{1}, retry_max{60};
constexpr std::chrono::seconds stall_check{60};
constexpr std::chrono::seconds tail_max{30};  // real time
constexpr std::size_t part_bytes = 64 * 1024;
constexpr std::size_t tail_bytes_max = 64 * 1024 * 1024, words_max = 16 * 1024;
constexpr std::size_t words_shown = 300;
constexpr std::size_t ends_max = RecordReader::record_lines_max + 1;
constexpr std::uint64_t all_lines = std::numeric_limits<std::uint32_t>::max();

// Blob: version; lines and nanoseconds in 8 bytes each, least significant first; the cursor.
constexpr char blob_version = 1;
constexpr std::size_t blob_head = 1 + 2 * sizeof(std::uint64_t);

// As systemd reads times: "@1790000000.000001", in microseconds.
std::string since(Timestamp time) {
    const auto micros =
        std::chrono::ceil<std::chrono::microseconds>(time.time_since_epoch()).count();
    std::array<char, 48> text;
    std::snprintf(text.data(), text.size(), "--since=@%lld.%06lld",
                  static_cast<long long>(micros / 1'000'000),
                  static_cast<long long>(micros % 1'000'000));
    return text.data();
}

std::string shown(const std::string& words) { return shown_words(words, words_shown); }

}  // namespace

std::string JournalPosition::blob() const {
    std::string blob{blob_version};
    append_little_endian(blob, lines);
    append_little_endian(blob, static_cast<std::uint64_t>(time.time_since_epoch().count()));
    return blob + cursor;
}

std::optional<JournalPosition> JournalPosition::parse(std::string_view blob) {
    if (blob.size() < blob_head || blob.front() != blob_version) return std::nullopt;
    blob.remove_prefix(1);
    JournalPosition position;
    position.lines = take_little_endian<std::uint64_t>(blob);
    position.time =
        Timestamp(Duration(static_cast<std::int64_t>(take_little_endian<std::uint64_t>(blob))));
    position.cursor = blob;
    return position;
}

JournalSource::JournalSource(const Clock& clock, Place place, std::optional<PositionRow> position,
                             Options options)
    : clock_(clock), place_(std::move(place)), options_(std::move(options)) {
    ends_.emplace_back();
    std::ifstream("/etc/machine-id") >> machine_id_;
    if (!position) return;
    lines_ = position->lines;
    complete_ = position->complete;
    if (auto stored = JournalPosition::parse(position->blob)) {
        ends_.front() = std::move(*stored);
        stored_ = true;
    }
}

void JournalSource::drain() {
    draining_ = true;
    if (wake_) wake_->cancel();
}

asio::awaitable<void> JournalSource::run(LineSink& sink) {
    sink_ = &sink;
    wake_.emplace(co_await asio::this_coro::executor);
    if (!complete_) {
        if (!co_await begin()) co_return;
        Backoff backoff(retry_first, retry_max);
        while (!draining_) {
            const std::uint64_t before = records_;
            co_await read(true);
            if (records_ != before) backoff.reset();
            if (!draining_ && !co_await pause(backoff.next()) && !draining_) co_return;
        }
        co_await read(false);  // what was written meanwhile
    }
    complete_ = true;
    caught_up();
    sink.on_complete();
}

// The newest entry ends the history, and is the anchor where no history is wanted. False: it was
// cancelled.
asio::awaitable<bool> JournalSource::begin() {
    Backoff backoff(retry_first, retry_max);
    const Timestamp began = clock_.now();
    while (!draining_) {
        auto last = co_await tail();
        if (!last) {
            trouble(last.error());
            if (!co_await pause(backoff.next()) && !draining_) co_return false;
            continue;
        }
        trouble("");
        history_end_ = std::move(*last);
        if (!stored_) {
            ends_.front().time = began - options_.history;
            if (options_.history <= Duration::zero() && history_end_)
                ends_.front() = {history_end_->cursor, all_lines, began};
        }
        if (!history_end_ || handed_over(*history_end_)) caught_up();
        break;
    }
    co_return true;
}

std::vector<std::string> JournalSource::command(std::vector<std::string> further) const {
    std::vector<std::string> words{options_.program,  "--unit=" + options_.unit,
                                   "--output=export", "--output-fields=MESSAGE",
                                   "--quiet",         "--no-pager"};
    if (!options_.directory.empty())
        words.push_back("--directory=" + options_.directory);
    else if (!machine_id_.empty())  // --merge would mix in what other machines sent here
        words.push_back("_MACHINE_ID=" + machine_id_);
    words.insert(words.end(), std::make_move_iterator(further.begin()),
                 std::make_move_iterator(further.end()));
    return words;
}

std::string JournalSource::why_not_started(int error) const {
    return "cannot read the journal of " + options_.unit + ": " + options_.program +
           " cannot be started: " + std::generic_category().message(error) +
           (error == ENOENT ? "; it is part of systemd: install that, or remove journal[] of this "
                              "unit from the configuration"
                            : "");
}

// One run of journalctl, from behind the last line that was handed over.
asio::awaitable<void> JournalSource::read(bool following) {
    const Loop loop = co_await asio::this_coro::executor;
    const JournalPosition& from = ends_.back();
    placing_ = !from.cursor.empty();
    skip_lines_ = from.lines;
    std::vector<std::string> words{placing_ ? "--cursor=" + from.cursor : since(from.time)};
    // --follow alone shows this boot only: what was written before a reboot would be passed over.
    if (following) words.insert(words.end(), {"--follow", "--no-tail", "--merge"});
    auto started = ChildProcess::start(loop, command(std::move(words)), own_environment());
    if (!started) {
        trouble(why_not_started(started.error()));
        co_return;
    }
    ChildProcess& journalctl = **started;
    const std::uint64_t before = records_;
    std::string said;
    auto ended = co_await (
        (take_output(journalctl) && journalctl.read_all(journalctl.words, said, words_max)) ||
        watch_for_stall());
    if (ended.index() == 1) co_return;  // it is ended, and started again
    const int status = co_await journalctl.end();
    if (status == 0 && !following) co_return trouble("");
    if (status != 0 && records_ == before && said.find("seek to cursor") != std::string::npos)
        co_return refused_cursor();
    trouble("reading the journal of " + options_.unit + " was interrupted: " + how_ended(status) +
            shown(said) + "; it is started again");
}

asio::awaitable<void> JournalSource::take_output(ChildProcess& journalctl) {
    JournalExport entries;
    const auto take_record = [this](JournalRecord& entry) { record(entry); };
    std::string part(part_bytes, '\0');
    const Loop loop = co_await asio::this_coro::executor;
    for (;;) {
        const auto [error, size] = co_await journalctl.output.async_read_some(
            asio::buffer(part), asio::as_tuple(asio::use_awaitable));
        if (error) co_return;
        entries.feed(std::string_view(part).substr(0, size), take_record);
        // So that others get their turn behind every part.
        co_await asio::post(loop, asio::use_awaitable);
    }
}

// Returns when journalctl is to be given up: it has handed on nothing since the last look, and the
// journal has something newer; or nobody wants to wait for more.
asio::awaitable<void> JournalSource::watch_for_stall() {
    std::optional<std::string> missing;
    for (std::uint64_t seen = records_; !draining_; seen = records_) {
        if (!co_await pause(stall_check)) co_return;  // drained or cancelled
        trouble("");                                  // it runs
        if (records_ != seen) {
            missing.reset();
            continue;
        }
        const auto last = co_await tail();
        if (!last || !*last || handed_over(**last)) {
            missing.reset();
        } else if (missing == (*last)->cursor) {
            co_return trouble("journalctl went silent about " + options_.unit +
                              " although the journal has more; it is started again");
        } else {
            missing = (*last)->cursor;
        }
    }
}

void JournalSource::record(const JournalRecord& entry) {
    trouble("");
    ++records_;
    if (std::exchange(placing_, false)) find_place(entry);
    std::uint64_t number = 0;
    const auto line = [&](const FramedLine& framed) {
        if (++number <= skip_lines_) return;
        ends_.push_back({entry.cursor, number, entry.time.value_or(Timestamp{})});
        if (ends_.size() > ends_max) ends_.pop_front();
        ++lines_;
        sink_->on_line(framed.text, entry.time, framed.cut || (entry.cut && number == 1),
                       line_hash(framed.text));
    };
    if (!entry.message.empty()) {
        LineFramer framer;
        framer.feed(entry.message, line);
        if (framer.rest().bytes > 0) line(framer.rest());
    }
    skip_lines_ = 0;
    // Behind the whole entry, also where it has no line.
    ends_.back() = {entry.cursor, all_lines, entry.time.value_or(ends_.back().time)};
    const bool past =
        history_end_ && entry.time && history_end_->time && *entry.time >= *history_end_->time;
    if (past || (history_end_ && entry.cursor == history_end_->cursor)) caught_up();
}

// The first entry of an answer that was asked for from a cursor on.
void JournalSource::find_place(const JournalRecord& entry) {
    if (entry.cursor == ends_.back().cursor) return;
    skip_lines_ = 0;
    sink_->on_gap({"journal_vacuumed", "possibly_lost", ends_.back().time, entry.time,
                   "the last entry read before is no longer in the journal"});
}

void JournalSource::refused_cursor() {
    JournalPosition& from = ends_.back();
    sink_->on_gap({"journal_vacuumed", "possibly_lost", from.time, std::nullopt,
                   "journalctl does not know the place that was read up to"});
    from.cursor.clear();
    from.lines = 0;
    from.time += std::chrono::microseconds(1);
}

bool JournalSource::handed_over(const JournalRecord& record) const {
    return record.cursor == ends_.back().cursor && ends_.back().lines == all_lines;
}

asio::awaitable<JournalSource::Tail> JournalSource::tail() {
    const Loop loop = co_await asio::this_coro::executor;
    auto started = ChildProcess::start(loop, command({"--lines=1"}), own_environment());
    if (!started) co_return failure(why_not_started(started.error()));
    ChildProcess& journalctl = **started;
    std::string output, said;
    asio::steady_timer late(loop, tail_max);
    auto done = co_await ((journalctl.read_all(journalctl.output, output, tail_bytes_max) &&
                           journalctl.read_all(journalctl.words, said, words_max)) ||
                          late.async_wait(asio::use_awaitable));
    const std::string cannot = "cannot read the journal of " + options_.unit + ": ";
    if (done.index() == 1)
        co_return failure(cannot + "journalctl did not answer within 30 s; it was ended");
    if (const int status = co_await journalctl.end(); status != 0)
        co_return failure(cannot + how_ended(status) + shown(said));
    std::optional<JournalRecord> last;
    JournalExport entries;
    entries.feed(output, [&](JournalRecord& entry) { last = std::move(entry); });
    co_return last;
}

PositionRow JournalSource::position(std::size_t held_lines) const {
    PositionRow row;
    row.instance = place_.instance;
    row.kind = "journal";
    row.lines = lines_ - held_lines;
    row.complete = complete_ && held_lines == 0;
    row.updated_at = clock_.now();
    const std::size_t back = std::min(held_lines, ends_.size() - 1);
    row.blob = ends_[ends_.size() - 1 - back].blob();
    return row;
}

asio::awaitable<void> JournalSource::probe_tail() {
    const Timestamp began = clock_.now();
    const auto last = co_await tail();
    if (last && (*last ? handed_over(**last) : records_ == 0)) sink_->on_watermark(began);
}

// False: it was cut short.
asio::awaitable<bool> JournalSource::pause(Duration most) {
    wake_->expires_after(clock_.real(most));
    const auto [error] = co_await wake_->async_wait(asio::as_tuple(asio::use_awaitable));
    co_return !error;
}

void JournalSource::caught_up() {
    history_end_.reset();
    if (!std::exchange(caught_up_, true)) sink_->on_caught_up();
}

void JournalSource::trouble(const std::string& what) {
    if (what == trouble_) return;
    trouble_ = what;
    if (options_.on_trouble) options_.on_trouble(what);
}

}  // namespace runnerwatch
