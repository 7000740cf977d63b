#pragma once

#include <string>

namespace runnerwatch {

// ASCII upper case made lower case. All other bytes stay, whatever the locale: header names, hosts
// and keywords are compared so.
constexpr char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string ascii_lower(std::string text) {
    for (char& c : text) c = ascii_lower(c);
    return text;
}

}  // namespace runnerwatch
