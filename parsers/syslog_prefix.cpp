#include "parsers/syslog_prefix.h"

#include "parsers/prefix_words.h"

#include <charconv>
#include <cstddef>
#include <string>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether `text` begins as `shape` says: 'D' a digit, 'B' a digit or blank, 'A' a letter.
bool has_shape(std::string_view text, std::string_view shape) {
    if (text.size() < shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const char c = text[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool fits = shape[i] == 'D'   ? is_digit(c)
                          : shape[i] == 'B' ? is_digit(c) || c == ' '
                          : shape[i] == 'A' ? letter
                                            : c == shape[i];
        if (!fits) return false;
    }
    return true;
}

// "prog[12]: " or, where the head before it is proof enough, "prog: ".
bool take_program(std::string_view& text, bool pid_required) {
    std::string_view rest = text;
    if (take_name(rest).empty()) return false;
    if (take(rest, "[")) {
        if (!take_digits(rest, 10) || !take(rest, "]")) return false;
    } else if (pid_required) {
        return false;
    }
    if (!take(rest, ":") || !take_blank(rest)) return false;
    text = rest;
    return true;
}

bool take_host_and_program(std::string_view& text, bool pid_required) {
    std::string_view rest = text;
    if (take_name(rest).empty() || !take(rest, " ") || !take_program(rest, pid_required))
        return false;
    text = rest;
    return true;
}

// "<14>": facility and severity, 0 to 191.
bool take_priority(std::string_view& text) {
    std::string_view rest = text;
    if (!take(rest, "<")) return false;
    int number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc() || number < 0 || number > 191) return false;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (!take(rest, ">")) return false;
    text = rest;
    return true;
}

void take_fraction(std::string_view& text) {
    std::string_view rest = text;
    if (take(rest, ".") && take_digits(rest, 9)) text = rest;
}

// "Nov 24 03:12:00 host prog[12]: ", or with a fraction of a second
bool take_classic(std::string_view& text) {
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (!has_shape(text, "AAA BD DD:DD:DD") || months.find(text.substr(0, 3)) % 3 != 0)
        return false;
    std::string_view rest = text.substr(15);
    take_fraction(rest);
    if (!take(rest, " ") || !take_host_and_program(rest, false)) return false;
    text = rest;
    return true;
}

// "Tue 2026-11-24 03:12:00 UTC host prog[12]: " (journalctl -o short-full)
bool take_full(PrefixedLine& line) {
    if (!has_shape(line.text, "AAA DDDD-DD-DD DD:DD:DD")) return false;
    std::string time = std::string(line.text.substr(4, 10)) + "T";
    std::string_view rest = line.text.substr(15);
    const std::string_view clock = rest;
    rest.remove_prefix(8);
    take_fraction(rest);
    time += std::string(clock.substr(0, clock.size() - rest.size())) + "Z";
    if (!take(rest, " ")) return false;
    const std::string_view zone = take_name(rest);
    if (zone.empty() || !take(rest, " ") || !take_host_and_program(rest, false)) return false;
    if (const auto parsed = parse_time(time); parsed && zone == "UTC") line.time = parsed->time;
    line.text = rest;
    return true;
}

// "1764000000.123456 host prog[12]: " (journalctl -o short-unix)
bool take_unix(PrefixedLine& line) {
    std::string_view rest = line.text;
    if (!has_shape(rest, "DDDDDDDDDD.DDDDDD ")) return false;
    long long seconds = 0, micros = 0;
    std::from_chars(rest.data(), rest.data() + 10, seconds);
    std::from_chars(rest.data() + 11, rest.data() + 17, micros);
    rest.remove_prefix(18);
    if (!take_host_and_program(rest, true)) return false;
    // Ten digits of seconds end in 2286, our nanoseconds in 2262.
    if (seconds < 9'000'000'000)
        line.time = Timestamp(std::chrono::seconds(seconds) + std::chrono::microseconds(micros));
    line.text = rest;
    return true;
}

// RFC 5424 behind its priority: "1 TIME HOST APP PROCID MSGID STRUCTURED-DATA [BOM]MESSAGE"
bool take_rfc5424(PrefixedLine& line) {
    std::string_view rest = line.text;
    if (!take(rest, "1 ")) return false;
    const auto time = parse_time(rest);
    if (time) rest.remove_prefix(time->length);
    if (!time && !take(rest, "-")) return false;
    for (int word = 0; word < 4; ++word) {
        if (!take(rest, " ")) return false;
        const std::size_t end = rest.find(' ');
        if (end == npos || end == 0) return false;
        rest.remove_prefix(end);
    }
    if (!take(rest, " ")) return false;
    if (!take(rest, "-")) {
        // "[id key="value"]…": in a value, a bracket has a backslash before it
        if (!rest.starts_with("[")) return false;
        std::size_t end = rest.find(']');
        while (end != npos && (rest[end - 1] == '\\' || rest.substr(end).starts_with("]["))) {
            end = rest.find(']', end + 1);
        }
        if (end == npos) return false;
        rest.remove_prefix(end + 1);
    }
    if (!take_blank(rest)) return false;
    take(rest, "\xEF\xBB\xBF");
    if (time) line.time = time->time;
    line.text = rest;
    return true;
}

}  // namespace

bool is_job_trace(std::string_view text) {
    const auto hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    return text.size() >= 4 && hex(text[0]) && hex(text[1]) && (text[2] == 'O' || text[2] == 'E') &&
           (text[3] == ' ' || text[3] == '+');
}

bool take_syslog(PrefixedLine& line) {
    if (line.text.empty()) return false;
    const char first = line.text.front();
    if (first == '<') {
        PrefixedLine rest = line;
        if (!take_priority(rest.text)) return false;
        line = rest;
        return take_rfc5424(line) || take_classic(line.text) || true;
    }
    if (first >= 'A' && first <= 'Z') return take_classic(line.text) || take_full(line);
    return is_digit(first) && take_unix(line);
}

bool take_time(PrefixedLine& line) {
    if (line.time || line.text.empty() || !is_digit(line.text.front())) return false;
    const auto time = parse_time(line.text);
    if (!time) return false;
    std::string_view rest = line.text.substr(time->length);
    if (!take_blank(rest) || is_job_trace(rest)) return false;
    line.time = time->time;
    if (rest.starts_with("stdout ") || rest.starts_with("stderr ")) {
        std::string_view tagged = rest.substr(7);
        const bool partial = take(tagged, "P");
        if ((partial || take(tagged, "F")) && take_blank(tagged)) {
            rest = tagged;
            line.partial = partial;
        }
    } else {
        take_host_and_program(rest, true);
    }
    line.text = rest;
    return true;
}

}  // namespace runnerwatch
