#pragma once

#include "parsers/line_shape.h"
#include "parsers/met_before.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// What of a line's bytes the level and the message of its record are decoded from. Two lines with
// equal keys say the same and differ in their fields at most.
struct MessageKey {
    std::string_view level, message;  // as they stand in the line
    bool operator==(const MessageKey&) const = default;
};

// The key of a record that stands on one line, found without decoding it; nothing where the line
// does not show plainly what belongs to the message. `line`: collectors' prefixes taken off.
std::optional<MessageKey> message_key(std::string_view line, const LineShape& shape);

// Remembers what was found out about lines: a log says the same few things again and again.
// Bounded: of two keys that meet in one slot the later one is kept, and what is met for the first
// time only until the next of these. Takes memory from the first key on. One thread.
template <class Found>
class MessageMemo {
public:
    static constexpr std::size_t slots = 4096;
    static constexpr std::size_t key_bytes_max = 512;

    // What was kept for this key, or nullptr; good until the next call of keep().
    Found* find(std::string_view level, std::string_view message) {
        if (last_.holds(level, message)) return &last_.found;
        if (slots_.empty()) return nullptr;
        Slot& slot = slots_[(hash(message) >> 32) % slots];
        return slot.holds(level, message) ? &slot.found : nullptr;
    }
    // What is kept now, or nullptr: the key is too long for that.
    Found* keep(std::string_view level, std::string_view message, const Found& found) {
        if (level.size() + message.size() > key_bytes_max) return nullptr;
        if (slots_.empty()) slots_.resize(slots);
        const std::uint64_t place = hash(message);
        Slot& slot = met_.again(place) ? slots_[(place >> 32) % slots] : last_;
        slot.used = true;
        slot.level = level;
        slot.message = message;
        slot.found = found;
        return &slot.found;
    }

private:
    struct Slot {
        bool used = false;
        std::string level, message;
        Found found;
        bool holds(std::string_view of_level, std::string_view of_message) const {
            return used && level == of_level && message == of_message;
        }
    };
    // Its length and both its ends tell most messages apart, and are read at once.
    static std::uint64_t hash(std::string_view message) {
        std::uint64_t first = 0, middle = 0, last = message.size();
        if (const std::size_t size = message.size(); size >= 8) {
            std::memcpy(&first, message.data(), 8);
            std::memcpy(&middle, message.data() + (size - 8) / 2, 8);
            std::memcpy(&last, message.data() + size - 8, 8);
            last += size;
        }
        const std::uint64_t mixed =
            (first * 0x9e3779b97f4a7c15u ^ middle) * 0xff51afd7ed558ccdu + last;
        return mixed * 0x9e3779b97f4a7c15u;
    }
    std::vector<Slot> slots_;
    Slot last_;  // of what was met for the first time
    MetBefore met_;
};

}  // namespace runnerwatch
