#include "daemon/commands/text_blocks.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace runnerwatch {
namespace {

constexpr std::size_t width_default = 100, width_min = 40, width_max = 160;

}  // namespace

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return width_default;
    return std::clamp<std::size_t>(size.ws_col, width_min, width_max);
}

std::size_t character_count(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::string painted(std::string_view text, std::string_view code, const TextStyle& style) {
    if (!style.colour) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string badge(Severity severity, const TextStyle& style) {
    switch (severity) {
        case Severity::critical:
            return painted("CRITICAL", "1;37;41", style);
        case Severity::error:
            return painted("ERROR", "1;31", style);
        case Severity::warning:
            return painted("WARNING", "1;33", style);
        case Severity::info:
            break;
    }
    return painted("INFO", "1;36", style);
}

std::string row(std::string_view label, std::string_view text, const TextStyle& style) {
    std::string line = "  " + painted(label, "2", style);
    line.append(label_width - std::min(character_count(label), label_width), ' ');
    return line + wrapped(text, label_width + 2, style.width) + "\n";
}

std::string counted(std::uint64_t count, std::string_view noun) {
    std::string text = std::to_string(count) + " " + std::string(noun);
    if (count != 1) text += 's';
    return text;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
    const std::size_t room = width > indent + 20 ? width - indent : 20;
    std::string out;
    std::size_t used = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        const std::string_view word = text.substr(0, end);
        const std::size_t length = character_count(word);
        if (used > 0 && used + 1 + length > room) {
            (out += '\n').append(indent, ' ');
            used = 0;
        }
        if (used > 0) {
            out += ' ';
            ++used;
        }
        out += word;
        used += length;
        const bool line_end = end < text.size() && text[end] == '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line_end && !text.empty()) {
            (out += '\n').append(indent, ' ');
            used = 0;
        }
    }
    return out;
}

std::string command_lines(std::string_view command, const TextStyle& style) {
    while (command.ends_with('\n')) command.remove_suffix(1);
    const bool one_line = command.find('\n') == std::string_view::npos;
    std::string text;
    while (!command.empty()) {
        const std::size_t end = std::min(command.find('\n'), command.size());
        if (one_line) text.append(label_width + 5, ' ');
        text += painted(command.substr(0, end), "36", style) + "\n";
        command.remove_prefix(std::min(end + 1, command.size()));
    }
    return text;
}

}  // namespace runnerwatch
