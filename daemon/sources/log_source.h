#pragma once

#include "daemon/runtime/loop.h"
#include "parsers/timestamp.h"
#include "storage/rows.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// A span that is known or suspected to be missing from what a source handed over: behind the last
// line before it (none: behind what is known to be read) and ahead of the next line (none: of the
// one that comes next). Kinds: docs/coverage.md.
struct SourceGap {
    std::string kind;
    std::string certainty;  // lost, possibly_lost, possibly_duplicated
    std::optional<Timestamp> from, to;
    std::string details;
};

// Takes what a source reads. Called on the loop, in the order of the log; must not block.
class LineSink {
public:
    virtual ~LineSink() = default;
    // A physical line, the log API's time already taken off, and its line_hash().
    virtual void on_line(std::string_view text, std::optional<Timestamp> time, bool cut,
                         std::uint64_t hash) = 0;
    virtual void on_gap(const SourceGap& gap) = 0;
    // position() has changed without a line: it is known where reading begins.
    virtual void on_opened() = 0;
    // The line that ended the history when the source was opened has been handed over.
    virtual void on_caught_up() = 0;
    // Proven: the log holds nothing before `watermark` that was not handed over.
    virtual void on_watermark(Timestamp watermark) = 0;
    // The container or file is gone and was read to its end; nothing more will come.
    virtual void on_complete() = 0;
};

// Where lines come from: a container instance of a pod, a file (later: the journal).
//
// Confined to the loop. Starts from the position it was constructed with, or without one from
// the configured history back.
class LogSource {
public:
    virtual ~LogSource() = default;

    virtual const Place& place() const = 0;

    // Reads until the source is complete or the await is cancelled. Reconnects by itself.
    virtual asio::awaitable<void> run(LineSink& sink) = 0;

    // Where reading goes on after all lines handed over but the last `held_lines`: kind and blob
    // of a PositionRow. `held_lines` is at most RecordReader::record_lines_max.
    virtual PositionRow position(std::size_t held_lines) const = 0;

    // The container or file is gone: read what is left, then on_complete.
    virtual void drain() = 0;

    // Asks the log for its last line. If it was handed over already, the source is proven read
    // up to the start of this call, which the sink is told as a watermark; otherwise nothing.
    virtual asio::awaitable<void> probe_tail() = 0;
};

}  // namespace runnerwatch
