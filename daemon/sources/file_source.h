#pragma once

#include "daemon/runtime/clock.h"
#include "daemon/sources/log_source.h"
#include "parsers/line_framer.h"
#include "parsers/line_unwrapper.h"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace runnerwatch {

// Where reading of a file goes on, and what proves that it is still that file.
struct FilePosition {
    static constexpr std::size_t guard_bytes_max = 1024;

    std::uint64_t device = 0, inode = 0;
    std::uint64_t offset = 0;
    std::uint64_t guard = 0;  // hash of up to guard_bytes_max bytes before the offset
    bool operator==(const FilePosition&) const = default;

    std::string blob() const;
    static std::optional<FilePosition> parse(std::string_view blob);
};

// A log file that grows, is rotated (renamed or truncated), or is not there yet.
//
// Looked at every 500 ms. A file whose lines carry a time is read from the configured history
// back, another one from its end: its history cannot be dated. A last line without newline waits
// for the rest of it until the file is replaced. Confined to the loop; reads block it, 64 KiB at
// a time. `clock` outlives it.
class FileSource : public LogSource {
public:
    struct Options {
        Duration history{};  // first contact: how far back; 0: from now on
        // In words, once per change; empty: it works again.
        std::function<void(const std::string&)> on_trouble;
    };

    // Reads the file that place.member names.
    FileSource(const Clock& clock, Place place, std::optional<PositionRow> position,
               Options options);
    ~FileSource() override;

    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink& sink) override;
    PositionRow position(std::size_t held_lines) const override;
    void drain() override;
    asio::awaitable<void> probe_tail() override;

private:
    bool open();
    void begin();
    void begin_at(std::uint64_t offset);
    void close();
    bool replaced() const;
    void look_for_truncation();
    bool read_part();
    void line(const FramedLine& line);
    void unwrapped_line(const UnwrappedLine& unwrapped);
    void end_of_file(bool finished);
    void caught_up();
    void trouble(const std::string& what);
    std::uint64_t size() const;
    std::uint64_t guard_before(std::uint64_t offset) const;
    std::uint64_t start_of_history();

    const Clock& clock_;
    const Place place_;
    const Options options_;
    LineSink* sink_ = nullptr;
    std::string stored_;    // the position's blob until the file was opened
    bool awaited_ = false;  // it was not there at first: all of it is new
    bool draining_ = false;
    bool complete_ = false;
    bool caught_up_ = false;

    int file_ = -1;
    std::uint64_t device_ = 0, inode_ = 0;
    std::uint64_t read_to_ = 0;            // what the framer was given
    std::uint64_t guard_ = 0;              // of the bytes before read_to_
    std::uint64_t size_seen_ = 0;          // when the guard was compared last
    std::deque<std::uint64_t> line_ends_;  // where reading began, and behind each line since
    std::uint64_t lines_ = 0;
    std::optional<Timestamp> skip_before_;  // first contact: older lines are not handed over
    std::optional<Timestamp> last_time_;
    LineFramer framer_;
    LineUnwrapper unwrapper_;
    std::uint64_t framed_to_ = 0;     // the end of the physical line handled last
    std::uint64_t framed_lines_ = 0;  // physical lines handled since it was opened
    std::optional<asio::steady_timer> wake_;
    std::string trouble_;
};

}  // namespace runnerwatch
