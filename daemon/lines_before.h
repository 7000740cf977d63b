#pragma once

#include "parsers/redaction.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// The last lines of one source: what led up to a failure. Nearly all of them go unasked for, so a
// line is copied as it is and redacted when it is shown. A private key is told by earlier lines,
// which may be gone by then: it is looked for before any line goes.
//
// Holds lines of half of `bytes_max` at least and of `bytes_max` at most, with what it takes to
// remember them; one line that is longer is held whole. A value. One thread.
class LinesBefore {
public:
    static constexpr std::size_t bytes_max = 8 * 1024;
    static constexpr std::size_t shown_max = 5;
    static constexpr std::size_t shown_bytes_max = 1'000;  // of one line

    void add(std::uint64_t number, std::string_view text);
    // Lines from this number on are no longer to be shown.
    void forget_from(std::uint64_t number);

    // The last `shown_max` lines before that number, redacted, joined with newlines.
    std::string before(std::uint64_t number);
    // The last line, redacted; null where it is no part of a private key, which redact() alone
    // would not know. Good until the next call.
    const std::string* last_of_key();

    std::size_t bytes() const { return newer_.taken() + older_.taken(); }

private:
    struct Line {
        std::uint64_t number;
        std::uint32_t begin, size;
        bool redacted;  // it is a part of a key, and what is kept of it is what may be shown
    };
    struct Part {
        std::string bytes;
        std::vector<Line> lines;
        std::size_t taken() const { return bytes.size() + lines.size() * sizeof(Line); }
        std::string_view text(const Line& line) const {
            return std::string_view(bytes).substr(line.begin, line.size);
        }
    };

    void look_for_keys();

    Part newer_, older_;
    std::size_t looked_at_ = 0;  // so many lines of the newer part are known to be of a key or not
    LineRedactor keys_;
    std::string last_;
};

}  // namespace runnerwatch
