#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

// Some bytes of ASCII, in sixteen bytes. Asked of no others.
class AsciiSet {
public:
    void add(char byte) { half(byte) |= bit(byte); }
    bool has(char byte) const {
        return (halves_[static_cast<unsigned char>(byte) / 64 % 2] & bit(byte)) != 0;
    }

private:
    static std::uint64_t bit(char byte) {
        return std::uint64_t{1} << (static_cast<unsigned char>(byte) % 64);
    }
    std::uint64_t& half(char byte) { return halves_[static_cast<unsigned char>(byte) / 64 % 2]; }
    std::array<std::uint64_t, 2> halves_{};
};

}  // namespace runnerwatch
