#include "parsers/line_prefix.h"

#include <algorithm>
#include <cstddef>

namespace runnerwatch {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

std::size_t name_length(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && is_name(text[length])) ++length;
    return length;
}

bool take(std::string_view& text, std::string_view literal) {
    if (!text.starts_with(literal)) return false;
    text.remove_prefix(literal.size());
    return true;
}

// A blank, or the end of a line whose trailing blank a viewer removed.
bool take_blank(std::string_view& text) { return text.empty() || take(text, " "); }

// "[pod/NAME/CONTAINER] "
bool take_kubectl(PrefixedLine& line) {
    std::string_view rest = line.text;
    if (!take(rest, "[pod/")) return false;
    const std::string_view pod = rest.substr(0, name_length(rest));
    rest.remove_prefix(pod.size());
    if (pod.empty() || !take(rest, "/")) return false;
    const std::string_view container = rest.substr(0, name_length(rest));
    rest.remove_prefix(container.size());
    if (container.empty() || !take(rest, "]") || !take_blank(rest)) return false;
    line.pod = pod;
    line.container = container;
    line.text = rest;
    return true;
}

// docker compose: "name-1  | ". It pads names to one width, so a name without a number is one
// only when it is padded; "this | that" is text.
bool take_compose(PrefixedLine& line) {
    std::string_view rest = line.text;
    const std::string_view name = rest.substr(0, name_length(rest));
    if (name.size() < 2) return false;
    rest.remove_prefix(name.size());
    const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
    const std::size_t digits_at = name.find_last_not_of("0123456789");
    const bool numbered = digits_at != std::string_view::npos && digits_at + 1 < name.size() &&
                          (name[digits_at] == '-' || name[digits_at] == '_');
    if (blanks < (numbered ? 1u : 2u)) return false;
    rest.remove_prefix(blanks);
    if (!take(rest, "|") || !take_blank(rest)) return false;
    line.pod = name;
    line.text = rest;
    return true;
}

// "prog[12]: " or, where the head before it is proof enough, "prog: ".
bool take_program(std::string_view& text, bool pid_required) {
    std::string_view rest = text;
    const std::size_t name = name_length(rest);
    if (name == 0) return false;
    rest.remove_prefix(name);
    if (take(rest, "[")) {
        std::size_t digit_count = 0;
        while (digit_count < rest.size() && is_digit(rest[digit_count])) ++digit_count;
        rest.remove_prefix(digit_count);
        if (digit_count == 0 || !take(rest, "]")) return false;
    } else if (pid_required) {
        return false;
    }
    if (!take(rest, ":") || !take_blank(rest)) return false;
    text = rest;
    return true;
}

bool take_host_and_program(std::string_view& text, bool pid_required) {
    std::string_view rest = text;
    const std::size_t host = name_length(rest);
    if (host == 0) return false;
    rest.remove_prefix(host);
    if (!take(rest, " ") || !take_program(rest, pid_required)) return false;
    text = rest;
    return true;
}

// "Nov 24 03:12:00 host prog[12]: ", perhaps with a "<14>" before it.
bool take_syslog(PrefixedLine& line) {
    std::string_view rest = line.text;
    if (rest.size() > 4 && rest.front() == '<' && is_digit(rest[1])) {
        const std::size_t end = rest.find('>');
        if (end == std::string_view::npos || end > 4) return false;
        rest.remove_prefix(end + 1);
    }
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (rest.size() < 16) return false;
    const std::size_t month = months.find(rest.substr(0, 3));
    if (month == std::string_view::npos || month % 3 != 0) return false;
    const std::string_view shape = " DD DD:DD:DD ";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const char c = rest[i + 3];
        const bool padded_day = i == 1 && c == ' ';
        if (shape[i] == 'D' ? !is_digit(c) && !padded_day : c != shape[i]) return false;
    }
    rest.remove_prefix(3 + shape.size());
    if (!take_host_and_program(rest, false)) return false;
    line.text = rest;
    return true;
}

// The runner's own job traces begin "TIME 00O " (stream number, stdout or stderr): a line of such
// a trace inside an error's text must stay as it is.
bool is_job_trace(std::string_view text) {
    const auto hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    return text.size() >= 4 && hex(text[0]) && hex(text[1]) && (text[2] == 'O' || text[2] == 'E') &&
           (text[3] == ' ' || text[3] == '+');
}

// "TIME ", "TIME stdout F ", "TIME host prog[12]: "
bool take_time(PrefixedLine& line) {
    if (line.time || line.text.empty() || !is_digit(line.text.front())) return false;
    const auto time = parse_time(line.text);
    if (!time) return false;
    std::string_view rest = line.text.substr(time->length);
    if (!take_blank(rest) || is_job_trace(rest)) return false;
    line.time = time->time;
    if (rest.starts_with("stdout ") || rest.starts_with("stderr ")) {
        std::string_view tagged = rest.substr(7);
        if ((take(tagged, "F") || take(tagged, "P")) && take_blank(tagged)) rest = tagged;
    } else {
        take_host_and_program(rest, true);
    }
    line.text = rest;
    return true;
}

}  // namespace

PrefixedLine split_prefix(std::string_view text) {
    PrefixedLine line;
    line.text = text;
    bool kubectl = false, compose = false, syslog = false;
    for (;;) {
        if (!kubectl && take_kubectl(line)) {
            kubectl = true;
        } else if (take_time(line)) {
        } else if (!syslog && take_syslog(line)) {
            syslog = true;
        } else if (!compose && !kubectl && take_compose(line)) {
            compose = true;
        } else {
            return line;
        }
    }
}

}  // namespace runnerwatch
