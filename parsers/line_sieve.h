#pragma once

#include "parsers/known_heads.h"
#include "parsers/line_framer.h"
#include "parsers/line_look.h"
#include "parsers/matcher.h"
#include "parsers/message_key.h"
#include "parsers/raw_filter.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Reads a log in large pieces and hands over only the lines that matter: those that a pattern may
// take, those that belong to the same records, and all while the reader asks for every line. The
// others are counted and no more, which is what makes reading fast. Lines in the runner's own
// format are passed over by how they begin (KnownHeads); what is not known so is searched for
// literals, in larger pieces the less of it is known.
//
// The reader finds the same as if it had been given every line, whatever the pieces, as long as a
// record's lines stand within `look_back` bytes of each other. Owns about a megabyte. One thread.
class LineSieve {
public:
    static constexpr std::size_t look_back = 64 * 1024;

    class Reader {
    public:
        virtual ~Reader() = default;
        // Something is open that further lines decide.
        virtual bool reads_every_line() const = 0;
        virtual RawFilter::Selection& selection() = 0;
        // Whether the only line of a record, of which the rules say this, is worth reading. No
        // field of it stands before `fields`.
        virtual bool wants(const MessageJudgement& says, std::string_view line,
                           std::size_t fields) = 0;
        // The end of the last line that was read of this container, in bytes of the input.
        virtual std::uint64_t read_until(std::string_view pod,
                                         std::string_view container) const = 0;
        // `number`: from 1; `end`: of the line, in bytes of the input.
        virtual void line(const FramedLine& line, std::uint64_t number, std::uint64_t end) = 0;
        // A line that is all of its record, in the runner's own format with no more than the log
        // API's time before it: it begins at `text` and its fields at `fields`, both in the line.
        struct Told {
            const KnownHeads::Known& known;
            std::size_t text, fields;
            std::optional<Timestamp> time;
        };
        // Whether, while every line is read, it is worth finding out what is known of each.
        virtual bool uses_known() const { return false; }
        // The same as line() to a reader that can make use of what is known.
        virtual void line(const FramedLine& line, std::uint64_t number, std::uint64_t end,
                          const Told&) {
            this->line(line, number, end);
        }
        // Lines that are passed over.
        virtual void skipped(std::string_view lines) = 0;
    };

    // Refers to both.
    LineSieve(const Matcher& matcher, Reader& reader)
        : matcher_(matcher), reader_(reader), heads_(matcher) {}

    void feed(std::string_view bytes);

    // Where the next bytes may be put, so that feed() of them need not copy them.
    static constexpr std::size_t room_bytes = 128 * 1024;
    char* room();

    // The input ended: what stands behind the last newline is a line, too.
    void end();

    std::uint64_t lines() const { return lines_; }

    // What is still known of the input's end, whole lines.
    std::string_view recent() const { return buffered().substr(0, at_); }

private:
    std::string_view buffered() const { return {buffer_.data(), size_}; }
    void append(std::string_view piece);
    bool reads_every_line() const {
        return reader_.reads_every_line() || reader_.selection().takes_every_line();
    }
    void sift();
    struct KnownLine {
        const KnownHeads::Known* known = nullptr;  // nullptr: it is not
        bool silent = false;                       // it says nothing
        std::string_view text;                     // of its record
        std::size_t fields = 0;                    // behind its head
        std::size_t end = 0;                       // 0: this was not looked for
    };
    KnownLine pass_known(std::size_t limit);
    KnownLine known_line(std::size_t limit);
    KnownLine varying_line(std::string_view text);
    bool asked_for(const KnownLine& line) {
        return !line.silent && reader_.wants(*line.known->says, line.text, line.fields);
    }
    void search(std::size_t limit);
    std::size_t line_end() const { return buffered().find('\n', at_) + 1; }
    std::size_t behind(const char* newline) const {
        return static_cast<std::size_t>(newline + 1 - buffer_.data());
    }
    void pass(std::size_t to);
    void judge();
    KnownLine judged_line(std::string_view line, std::size_t end);
    bool holds_nothing_before();
    MessageJudgement judgement(const LineLook& look);
    std::string_view line_at(std::size_t begin, std::size_t end) const;
    std::size_t record_begin(const LineLook& look) const;
    void read_before(std::size_t begin, const LineLook& look);
    void read(std::size_t begin, std::size_t end, std::uint64_t number,
              const Reader::Told* told = nullptr);
    void read_on(std::size_t end, const Reader::Told* told = nullptr);
    void read_next(std::size_t limit);
    void read_known(const KnownLine& line);
    std::size_t long_line(std::size_t end) const;
    std::size_t line_begin(std::size_t at) const;
    void begin_long_line();
    void forget();

    const Matcher& matcher_;
    Reader& reader_;
    std::vector<char> buffer_;
    std::size_t size_ = 0;     // of what is in use of it
    std::uint64_t base_ = 0;   // of the buffer, in bytes of the input
    std::size_t at_ = 0;       // in the buffer: what stands before has been read or passed over
    std::uint64_t lines_ = 0;  // before at_
    static constexpr std::size_t window_least = 512, window_most = 32 * 1024;
    std::size_t window_ = 1;  // bytes to be searched at once
    // In the input: nothing is held behind the line that ends here.
    std::uint64_t closed_at_ = UINT64_MAX;
    LineFramer framer_;  // of a line longer than it keeps
    bool long_line_ = false;
    KnownHeads heads_;
    MessageMemo<MessageJudgement> messages_;
    LineLook look_, other_;  // kept for their memory
};

}  // namespace runnerwatch
