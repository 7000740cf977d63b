#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace runnerwatch {

// A physical line without its newline (and without a carriage return before it).
struct FramedLine {
    std::string_view text;  // valid during the call that hands it over
    bool cut;               // longer than line_bytes_max: this is its beginning
    std::size_t bytes;      // what the line takes in the input, newline included, cut part too
};

// Cuts a stream of bytes into lines, whatever the chunks.
//
// Bounded: of a line longer than `line_bytes_max` the beginning is kept and the rest counted.
// Owns at most one line. One thread.
class LineFramer {
public:
    static constexpr std::size_t line_bytes_max = 64 * 1024;

    // Calls on_line(const FramedLine&) for every line that `bytes` completes.
    template <class OnLine>
    void feed(std::string_view bytes, OnLine&& on_line) {
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            if (end == std::string_view::npos) return keep(bytes);
            if (rest_.empty() && rest_bytes_ == 0 && end <= line_bytes_max) {
                on_line(FramedLine{without_return(bytes.substr(0, end)), false, end + 1});
            } else {
                keep(bytes.substr(0, end));
                const FramedLine line{without_return(rest_), rest_bytes_ > line_bytes_max,
                                      rest_bytes_ + 1};
                on_line(line);
                rest_.clear();
                rest_bytes_ = 0;
            }
            bytes.remove_prefix(end + 1);
        }
    }

    // What stands behind the last newline; nothing when the input ended with one.
    FramedLine rest() const { return {rest_, rest_bytes_ > line_bytes_max, rest_bytes_}; }
    void clear();

private:
    static std::string_view without_return(std::string_view line);
    void keep(std::string_view bytes);

    std::string rest_;
    std::size_t rest_bytes_ = 0;
};

}  // namespace runnerwatch
