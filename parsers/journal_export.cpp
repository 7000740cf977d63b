#include "parsers/journal_export.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {

namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::size_t name_bytes_max = 64;  // of the journal itself

}  // namespace

// How much of the current field's value is kept.
std::size_t JournalExport::wanted() const {
    if (name_ == "MESSAGE") return message_bytes_max;
    return name_ == "__CURSOR" || name_ == "__REALTIME_TIMESTAMP" ? value_bytes_max : 0;
}

void JournalExport::feed(std::string_view bytes, const OnRecord& on_record) {
    const auto keep = [](std::string& text, std::string_view part, std::size_t most) {
        const std::size_t room = most - std::min(most, text.size());
        text += part.substr(0, room);
        return part.size() <= room;
    };
    while (!bytes.empty()) {
        switch (in_) {
            case In::name: {
                const std::size_t end = std::min(bytes.find_first_of("=\n"), bytes.size());
                keep(name_, bytes.substr(0, end), name_bytes_max);
                bytes.remove_prefix(end);
                if (bytes.empty()) return;
                if (bytes.front() == '=') {
                    in_ = In::value;
                } else if (name_.empty()) {
                    end_entry(on_record);
                } else {
                    in_ = In::length;
                    left_ = length_bytes;
                    length_ = 0;
                }
                bytes.remove_prefix(1);
                break;
            }
            case In::value: {
                const std::size_t end = std::min(bytes.find('\n'), bytes.size());
                cut_ |= !keep(value_, bytes.substr(0, end), wanted());
                bytes.remove_prefix(end);
                if (bytes.empty()) return;
                bytes.remove_prefix(1);
                end_field();
                break;
            }
            case In::length:
                length_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes.front()))
                           << (8 * (length_bytes - left_));
                bytes.remove_prefix(1);
                if (--left_ > 0) break;
                left_ = length_;
                in_ = left_ > 0 ? In::data : In::data_end;
                break;
            case In::data: {
                const auto part =
                    static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
                cut_ |= !keep(value_, bytes.substr(0, part), wanted());
                bytes.remove_prefix(part);
                left_ -= part;
                if (left_ == 0) in_ = In::data_end;
                break;
            }
            case In::data_end:
                if (bytes.front() == '\n') bytes.remove_prefix(1);
                end_field();
                break;
        }
    }
}

void JournalExport::end_field() {
    any_ = true;
    if (name_ == "MESSAGE") {
        record_.message = std::move(value_);
        record_.cut = cut_;
    } else if (name_ == "__CURSOR" && !cut_) {
        record_.cursor = std::move(value_);
    } else if (name_ == "__REALTIME_TIMESTAMP") {
        record_.time = parse_unix_micros(value_);
    }
    name_.clear();
    value_.clear();
    cut_ = false;
    in_ = In::name;
}

void JournalExport::end_entry(const OnRecord& on_record) {
    if (std::exchange(any_, false)) on_record(record_);
    record_ = {};
}

}  // namespace runnerwatch
