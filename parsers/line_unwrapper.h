#pragma once

#include "parsers/line_framer.h"
#include "parsers/line_prefix.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// A line as the program wrote it, whatever collectors did to it.
struct UnwrappedLine {
    PrefixedLine line;        // valid during the call
    std::uint64_t first = 0;  // physical lines it stands on, from 1
    std::uint64_t last = 0;
    bool cut = false;
};

// An entry of the journal's export as far as it has been read.
struct JournalEntry {
    std::string message;
    std::optional<Timestamp> time;
    std::string container;
    std::uint64_t first = 0, last = 0;  // physical lines of the message
    std::uint64_t text_first = 0;       // behind the length, which may hold newlines
    bool partial = false, cut = false;
};

// Takes off everything that collectors put around the lines of one input: prefixes on each line,
// JSON around it, the journal's export format, and the splitting of long lines (CRI files and
// docker at 16 KiB).
//
// The raw bytes of such an input can hide what the program wrote (as numbers, or split over two
// lines): who searches raw bytes must search `hiding_literals`, too, and ask `hides_text` of the
// lines that hold one. Hands lines over in their order. Owns at most one line of
// LineFramer::line_bytes_max. One thread.
class LineUnwrapper {
public:
    using OnLine = std::function<void(const UnwrappedLine&)>;

    // `number`: of the physical line, from 1, rising by one.
    void line(const FramedLine& framed, std::uint64_t number, const OnLine& on_line);

    // The input ended: half a line is handed over as it is.
    void end(const OnLine& on_line);

    // Whether the input is the journal's export format, which has binary parts.
    bool is_journal_export() const { return journal_seen_; }

    // Whether what the program wrote may be in this physical line, or begin in it, without being
    // found in its bytes. Each such line holds one of `hiding_literals`, ASCII case ignored.
    static bool hides_text(const PrefixedLine& line);
    static constexpr std::string_view hiding_literals[] = {
        "__cursor=",    "\"log\":\"", "\"log\": ", "\"log\":\t",
        "\"message\":", " stdout p ", " stderr p "};

    // Part of a line, or of an entry, is held until the rest comes.
    bool holds_part() const { return parts_of_ || entry_; }

private:
    void part(const UnwrappedLine& part, const OnLine& on_line);
    void hand_over_parts(const OnLine& on_line);
    void journal_line(const FramedLine& framed, std::uint64_t number, const OnLine& on_line);
    void journal_field(std::string_view name, std::string_view value, std::uint64_t number);
    bool journal_bytes(const FramedLine& framed, std::uint64_t number);
    void end_entry(const OnLine& on_line);

    // A line whose end is still to come.
    std::string parts_, parts_pod_, parts_container_;
    std::optional<UnwrappedLine> parts_of_;

    // An entry of the journal's export, and the binary field that is being read in it.
    bool journal_seen_ = false;
    std::optional<JournalEntry> entry_;
    std::string field_, field_bytes_;
    std::uint64_t field_read_ = 0, field_first_ = 0;
};

}  // namespace runnerwatch
