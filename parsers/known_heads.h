#pragma once

#include "parsers/line_look.h"
#include "parsers/line_shape.h"
#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/runner_line.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Remembers what lines in the runner's own format say, by how they begin: a log says the same few
// things again and again, and nearly all of it is of no interest. Refers to the matcher, whose
// rules must not change without forget(). A few megabytes at most, from the first line on. One
// thread.
class KnownHeads {
public:
    explicit KnownHeads(const Matcher& matcher) : matcher_(matcher) {}

    struct Known {
        LineShape shape;
        std::optional<MessageJudgement> says;
        bool silent() const { return says->detection.empty() && says->recovery.empty(); }
    };
    // Of a line that is all of its record; `head` is its runner_head(). `judged`: with what it
    // says. nullptr: it may be something else. Good until the next call.
    const Known* of(std::string_view line, std::string_view head, bool judged);

    // The same, judged, but nullptr for a head that is met for the first time: what is never met
    // again is not worth finding out about.
    const Known* met_again(std::string_view line, std::string_view head);

    // What is known of a line by the bytes that it begins with, `message` being its
    // behind_log_time(): of the heads met again that are not very long.
    struct Beginning {
        static constexpr std::size_t bytes_min = 24, bytes_max = 111;
        std::uint8_t size = 0;  // of the head
        char head[bytes_max] = {};
        bool silent = false;  // Known::silent()
        Known known;
    };
    // nullptr: nothing. At least Beginning::bytes_max bytes may be looked at.
    const Beginning* beginning(const char* message) const {
        if (beginnings_.empty()) return nullptr;
        const std::size_t slot = beginning_slot(message);
        for (const Beginning* alike : {&beginnings_[slot], &beginnings_[slot + 1]})
            if (alike->size > 0 && std::memcmp(message, alike->head, alike->size) == 0)
                return alike;
        return nullptr;
    }

    void forget() {
        heads_ = {};
        beginnings_.clear();
    }

private:
    static constexpr std::size_t beginnings = 1024;  // in pairs
    static std::size_t beginning_slot(const char* message) {
        std::uint64_t first = 0, third = 0;
        std::memcpy(&first, message, sizeof first);
        std::memcpy(&third, message + 16, sizeof third);
        return ((first * 0x9e3779b97f4a7c15u ^ third) * 0xff51afd7ed558ccdu >> 32) % beginnings &
               ~std::size_t{1};
    }
    void keep_beginning(std::string_view head, const Known& known);

    static constexpr std::size_t met_slots = 16 * 1024;
    static constexpr std::size_t met_bytes_max = 256;  // of a head that is worth it

    const Matcher& matcher_;
    MessageMemo<Known> heads_;
    std::vector<Beginning> beginnings_;
    std::vector<std::uint32_t> met_;  // hashes of heads, by other bits of them
    LineLook look_;
};

}  // namespace runnerwatch
