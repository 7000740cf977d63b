#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace runnerwatch {

// Some bytes, to be looked for: std::string_view::find_first_of() asks of every byte of the text
// which of them it is, this looks it up.
class ByteSet {
public:
    explicit constexpr ByteSet(std::string_view bytes) {
        for (const char byte : bytes) has_[static_cast<unsigned char>(byte)] = true;
    }
    constexpr bool has(char byte) const { return has_[static_cast<unsigned char>(byte)]; }

    // The first of them at or behind `from`; npos: there is none.
    std::size_t find(std::string_view text, std::size_t from = 0) const {
        for (; from < text.size(); ++from)
            if (has(text[from])) return from;
        return std::string_view::npos;
    }

private:
    std::array<bool, 256> has_{};
};

}  // namespace runnerwatch
