#pragma once

#include "parsers/line_look.h"
#include "parsers/line_shape.h"
#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/record_view.h"
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
        HeadSays head;               // where `says` is known
        bool before_fields = false;  // and the fields of such a line surely begin at its end
        bool silent() const { return says->detection.empty() && says->recovery.empty(); }
    };
    // Of a line that is all of its record; `head` is its runner_head(). `judged`: with what it
    // says. nullptr: it may be something else. Good until the next call.
    const Known* of(std::string_view line, std::string_view head, bool judged);

    // The same, judged, but nullptr for a head that is met for the first time: what is never met
    // again is not worth finding out about.
    const Known* met_again(std::string_view line, std::string_view head);
    // Of a line whose head was not looked for; as fast as beginning() where that is enough.
    const Known* met_again(std::string_view line);

    // The head of a line that was met again and is not very long, found by the bytes alone; or that
    // of many lines, up to the last word of their messages, which is another in each and never says
    // anything.
    struct alignas(64) Beginning {
        static constexpr std::size_t bytes_min = 24, bytes_max = 120;
        std::uint8_t size = 0;  // 0: there is none
        bool silent = false;    // Known::silent()
        bool before_word = false;
        std::uint8_t reset = 0;  // then: where the message was padded to
        std::uint16_t number = 0;
        // The runner pads messages: most heads end where the first 64 bytes of this do.
        char head[bytes_max] = {};

        bool begins(const char* message) const {
            std::uint64_t mine = 0, its = 0;
            std::memcpy(&mine, head, sizeof mine);
            std::memcpy(&its, message, sizeof its);
            if (size == 0 || mine != its) return false;
            Words difference = differ(message, size - sizeof(Words));
            for (std::size_t at = 8; at + sizeof(Words) < size; at += sizeof(Words))
                difference |= differ(message, at);
            return (difference[0] | difference[1]) == 0;
        }

    private:
        using Words [[gnu::vector_size(16)]] = std::uint64_t;
        Words differ(const char* message, std::size_t at) const {
            Words mine, its;
            std::memcpy(&mine, head + at, sizeof mine);
            std::memcpy(&its, message + at, sizeof its);
            return mine ^ its;
        }
    };
    // What a line begins with whose behind_log_time() is `message`; nullptr: nothing that is known.
    // At least Beginning::bytes_max bytes may be looked at.
    const Beginning* beginning(const char* message) const {
        if (beginnings_.empty()) return nullptr;
        const std::size_t slot = beginning_slot(message);
        if (beginnings_[slot].begins(message)) return &beginnings_[slot];
        return beginnings_[slot + 1].begins(message) ? &beginnings_[slot + 1] : nullptr;
    }
    const Known& known(const Beginning& beginning) const { return known_[beginning.number]; }

    // Where the fields begin of a line that begins so; nullptr: its head is another.
    const char* behind_head(const Beginning& beginning, const char* message,
                            const char* end) const {
        return beginning.before_word ? behind_word(beginning, message, end)
                                     : message + beginning.size;
    }

    // Whether lines that begin so have texts of their own, one after the other: none of them is
    // likely to be met again. As beginning().
    bool varies(const char* message) const {
        return !unmet_.empty() && unmet_[beginning_slot(message)] == unmet_max;
    }

    void forget() {
        heads_ = {};
        beginnings_.clear();
        unmet_.clear();
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
    const char* behind_word(const Beginning& beginning, const char* message, const char* end) const;
    void judge(std::string_view head, Known& known) const;
    void count_unmet(std::string_view line, std::string_view head);
    void keep_before_word(std::string_view line, std::string_view head);
    Beginning* keep_beginning(std::string_view text, const Known& known);

    static constexpr std::size_t met_bytes_max = 256;  // of a head that is worth it

    const Matcher& matcher_;
    MessageMemo<Known> heads_;
    std::vector<Beginning> beginnings_;
    std::vector<Known> known_;  // of the beginnings, by their numbers
    static constexpr std::uint8_t unmet_max = 255;
    std::vector<std::uint8_t> unmet_;  // heads in a row that were not met before, by their slots
    MetBefore met_;
    LineLook look_;
};

}  // namespace runnerwatch
