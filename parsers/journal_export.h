#pragma once

#include "parsers/timestamp.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// An entry of the systemd journal, as far as we need it.
struct JournalRecord {
    std::string cursor;             // names this entry for ever
    std::optional<Timestamp> time;  // when the journal took it
    std::string message;            // any bytes, possibly several lines
    bool cut = false;               // the message was longer than message_bytes_max
};

// Reads the journal's export format (systemd's "Journal Export Formats"), whatever the chunks:
// fields as NAME=value lines, or as NAME, the length in 8 bytes (least significant first) and the
// bytes; an empty line ends an entry.
//
// Bounded: of a message the first `message_bytes_max` bytes are kept, of other fields a little;
// what does not fit is passed over. A value; one thread.
class JournalExport {
public:
    static constexpr std::size_t message_bytes_max = 256 * 1024;
    static constexpr std::size_t value_bytes_max = 1024;

    using OnRecord = std::function<void(JournalRecord&)>;

    void feed(std::string_view bytes, const OnRecord& on_record);

private:
    enum class In { name, value, length, data, data_end };

    void end_field();
    void end_entry(const OnRecord& on_record);
    std::size_t wanted() const;

    JournalRecord record_;
    In in_ = In::name;
    std::string name_, value_;
    bool cut_ = false;
    std::uint64_t left_ = 0;  // bytes of the length, then of the data
    std::uint64_t length_ = 0;
    bool any_ = false;  // the entry has a field
};

}  // namespace runnerwatch
