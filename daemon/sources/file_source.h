#pragma once

#include "daemon/runtime/clock.h"
#include "daemon/sources/log_file.h"
#include "daemon/sources/log_source.h"
#include "parsers/line_framer.h"
#include "parsers/line_unwrapper.h"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// A log file that grows, is rotated (renamed, or copied and truncated), or is not there yet.
//
// Looked at every 500 ms. A file whose lines carry a time is read from the configured history
// back, another one from its end: its history cannot be dated. A last line without newline waits
// for the rest of it until the file is replaced.
//
// Where the file is not the one that was read, the one that was is looked for beside it, by inode
// and by the bytes before the place, compressed ones too; what it and those after it still hold is
// read first. Only where it is not found there is a gap. Confined to the loop; reads block it,
// 64 KiB at a time. `clock` outlives it.
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

    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink& sink) override;
    PositionRow position(std::size_t held_lines) const override;
    void drain() override;
    asio::awaitable<void> probe_tail() override;

private:
    using File = std::unique_ptr<LogFile>;

    // The next file to read, in file_: a rotated one, or the one of the name.
    asio::awaitable<bool> open();
    File open_current();
    asio::awaitable<bool> go_on(File current);
    asio::awaitable<std::optional<std::size_t>> find_place(const std::vector<std::string>& rotated);
    asio::awaitable<bool> reaches_place(LogFile& file) const;
    void first_contact(File current);
    void begin(File file, bool rotated);
    void leave(bool whole);
    bool replaced();
    bool truncated();
    bool read_part();
    void line(const FramedLine& line);
    void unwrapped_line(const UnwrappedLine& unwrapped);
    void end_of_file();
    void caught_up();
    void trouble(const std::string& what);
    void gap(const char* kind, const char* details);

    const Clock& clock_;
    const Place place_;
    const Options options_;
    LineSink* sink_ = nullptr;
    bool awaited_ = false;  // it was not there at first: all of it is new
    bool draining_ = false;
    bool complete_ = false;
    bool caught_up_ = false;

    File file_;
    bool rotated_ = false;     // file_ is not the one of the name
    bool damaged_ = false;     // and that was told
    LogFile::Stamp seen_;      // when its tail was compared last
    int replaced_looks_ = 0;   // in a row that showed another file under the name, with text
    bool left_whole_ = false;  // the file before was read to its end
    bool was_truncated_ = false;
    std::deque<FilePosition> line_ends_;  // where reading began, and behind each line since
    std::uint64_t lines_ = 0;
    std::optional<Timestamp> skip_before_;  // first contact: older lines are not handed over
    std::optional<Timestamp> last_time_;

    LineFramer framer_;
    LineUnwrapper unwrapper_;
    std::string window_;              // the part in hand, and the tail before it
    std::uint64_t window_from_ = 0;   // its offset
    std::uint64_t framed_to_ = 0;     // the end of the physical line handled last
    std::uint64_t framed_lines_ = 0;  // physical lines handled since it was opened
    // Ends of physical lines that have not become lines of ours yet, the last of them
    // framed_lines_.
    std::deque<FilePosition> framed_ends_;
    std::optional<asio::steady_timer> wake_;
    std::string trouble_;
};

}  // namespace runnerwatch
