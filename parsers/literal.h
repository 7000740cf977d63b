#pragma once

#include "parsers/ordinary_log.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace runnerwatch {

// A text that is looked for, ASCII case ignored, and the number by which it is known.
struct Literal {
    std::string text;  // in lower case
    std::uint16_t number;

    bool stands_at(std::string_view bytes, std::size_t begin) const {
        if (begin > bytes.size() || bytes.size() - begin < text.size()) return false;
        // Most are written in lower case but for their first letter.
        if (std::memcmp(bytes.data() + begin + 1, text.data() + 1, text.size() - 1) == 0 &&
            folded(static_cast<unsigned char>(bytes[begin])) == static_cast<unsigned char>(text[0]))
            return true;
        for (std::size_t i = 0; i < text.size(); ++i)
            if (folded(static_cast<unsigned char>(bytes[begin + i])) !=
                static_cast<unsigned char>(text[i]))
                return false;
        return true;
    }
};

}  // namespace runnerwatch
