#pragma once

#include "parsers/line_shape.h"
#include "parsers/record.h"
#include "parsers/record_view.h"
#include "parsers/timestamp.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

struct LineShape;

// A physical line of one source, prefixes taken off.
struct SourceLine {
    std::string_view text;
    std::optional<Timestamp> time;  // source time of this line
    std::uint64_t number = 0;       // from 1
    bool cut = false;
    std::uint64_t last = 0;  // its last physical line when it stands on several; 0: `number`

    std::uint64_t last_number() const { return last == 0 ? number : last; }
};

// A record's head: all that is needed to decode and count it, complete.
struct RecordHead {
    std::string_view raw;  // physical lines joined with '\n'; valid during the call
    std::uint64_t first_line = 0;
    std::uint64_t last_line = 0;
    std::optional<Timestamp> time;       // of the first line
    std::optional<Timestamp> last_time;  // of the last line
    bool cut = false;                    // a limit was reached or a line had been cut
    // What its head is known to say, and where in `raw` its fields begin; or nullptr.
    const HeadSays* says = nullptr;
    std::size_t fields = 0;
};

// What must be known of a record whose head was counted and whose raw lines may still come.
// Stored with the position, so that after a restart they extend the same record.
struct OpenRecord {
    Format format = Format::plain;
    Level level = Level::none;
    bool bare = false;      // runner format whose colour codes were removed
    std::size_t lines = 0;  // so far, head included
    std::size_t bytes = 0;
    std::uint64_t last_line = 0;
    std::optional<Timestamp> last_time;
    bool operator==(const OpenRecord&) const = default;
};

// Joins the physical lines of one source to records.
//
// A head is handed over when it is complete (a runner-format head: at the line that holds
// "ESC[0;m "; a JSON object printed over several lines: at its last; the other formats: one line).
// Raw lines that follow a warning or worse extend that
// record without being part of its head (multi-line field values, Go panics with goroutines).
// Where a record ends is decided by its bytes and the lines' own times, never by when they
// arrived. Bounded by `record_lines_max` and `record_bytes_max`. One thread.
class RecordReader {
public:
    static constexpr std::size_t record_bytes_max = 256 * 1024;
    static constexpr std::size_t record_lines_max = 512;
    static constexpr std::chrono::milliseconds gap_max{500};

    class Handler {
    public:
        virtual ~Handler() = default;
        virtual void on_head(const RecordHead& head) = 0;
        // A raw line that belongs to the last head handed over.
        virtual void on_continuation(const SourceLine& line) = 0;
        // Nothing more will belong to the last head handed over.
        virtual void on_record_end() = 0;
    };

    void line(const SourceLine& line, Handler& handler);

    // As line(), for one that is all of its record, of which this is known. Only where no head is
    // held.
    void whole_record(const SourceLine& line, const LineShape& shape, const HeadSays& says,
                      std::size_t fields, Handler& handler);

    // As line(), for a record of one line that nobody wants to see and nothing extends. Only where
    // no head is held.
    void pass_over(Handler& handler) { close(handler); }

    // The source has been read up to `watermark` and has nothing before it: ends what is older
    // than gap_max.
    void quiet(Timestamp watermark, Handler& handler);

    // The container or file ended: what is held is handed over as it is.
    void end(Handler& handler);

    // Physical lines of a head that is not complete yet. A stored position stays before them.
    std::size_t held_lines() const { return held_lines_; }

    // The record that is still open behind a counted head, if any; and its return after a restart.
    const std::optional<OpenRecord>& open_record() const { return open_; }
    void resume(const OpenRecord& open) { open_ = open; }

private:
    void hold(const SourceLine& line);
    bool holds_object() const;
    bool ends_held(const LineShape& shape, std::string_view line) const;
    void hand_over_held(Handler& handler);
    void hand_over(const RecordHead& head, const LineShape& shape, std::size_t lines,
                   Handler& handler);
    void extend(const SourceLine& line, Handler& handler);
    void close(Handler& handler);

    std::string held_;  // the incomplete head
    std::size_t held_lines_ = 0;
    std::uint64_t held_first_ = 0, held_last_ = 0;
    std::optional<Timestamp> held_time_, held_last_time_;
    bool held_cut_ = false;
    std::optional<OpenRecord> open_;
};

}  // namespace runnerwatch
