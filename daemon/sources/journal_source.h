#pragma once

#include "daemon/runtime/backoff.h"
#include "daemon/runtime/child_process.h"
#include "daemon/runtime/clock.h"
#include "daemon/sources/log_source.h"
#include "parsers/journal_export.h"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// Where reading of a journal goes on: behind `lines` lines of the entry with that cursor; without
// a cursor at the first entry that is not older than `time`.
struct JournalPosition {
    std::string cursor;
    std::uint64_t lines = 0;  // of the entry's message, handed over already
    Timestamp time{};         // of the entry
    bool operator==(const JournalPosition&) const = default;

    std::string blob() const;
    static std::optional<JournalPosition> parse(std::string_view blob);
};

// The entries of one unit in the systemd journal, read by a `journalctl` that runs beside us.
//
// It is asked for the last entry once more: if that comes, nothing is missing; if not, it has been
// vacuumed away, which is a gap. Each line of an entry's message is a line. When journalctl ends,
// or says nothing although the journal has more, it is started again. Confined to the loop;
// `clock` outlives it.
class JournalSource : public LogSource {
public:
    struct Options {
        std::string unit;       // as in journalctl --unit
        std::string directory;  // as in journalctl --directory; empty: this machine's journal
        Duration history{};     // first contact: how far back; 0: from now on
        // In words, once per change; empty: it works again.
        std::function<void(const std::string&)> on_trouble;
        std::string program = "journalctl";
    };

    JournalSource(const Clock& clock, Place place, std::optional<PositionRow> position,
                  Options options);

    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink& sink) override;
    PositionRow position(std::size_t held_lines) const override;
    void drain() override;
    asio::awaitable<void> probe_tail() override;

private:
    // The newest entry, if there is one; or, in words, why it cannot be asked for.
    using Tail = Result<std::optional<JournalRecord>, std::string>;

    asio::awaitable<bool> begin();
    asio::awaitable<void> read(bool following);
    asio::awaitable<void> take_output(ChildProcess& journalctl);
    asio::awaitable<void> watch_for_stall();
    asio::awaitable<Tail> tail();
    asio::awaitable<bool> pause(Duration most);
    std::vector<std::string> command(std::vector<std::string> further) const;
    std::string why_not_started(int error) const;
    void record(const JournalRecord& record);
    void find_place(const JournalRecord& record);
    void refused_cursor();
    bool handed_over(const JournalRecord& record) const;
    void caught_up();
    void trouble(const std::string& what);

    const Clock& clock_;
    const Place place_;
    const Options options_;
    std::string machine_id_;
    LineSink* sink_ = nullptr;
    std::deque<JournalPosition> ends_;  // where reading began, and behind each line since
    bool stored_ = false;               // goes on from a stored position
    bool placing_ = false;              // the next entry shows whether the place was found
    std::uint64_t skip_lines_ = 0;      // of the entry in hand
    std::uint64_t lines_ = 0;
    std::uint64_t records_ = 0;                 // since the start
    std::optional<JournalRecord> history_end_;  // the newest entry when it was opened
    bool draining_ = false;
    bool complete_ = false;
    bool caught_up_ = false;
    std::optional<asio::steady_timer> wake_;
    std::string trouble_;
};

}  // namespace runnerwatch
