#include "parsers/message_key.h"

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

// Where the text behind the only `before` in the line begins; npos: it stands there never, or
// twice.
std::size_t behind_only(std::string_view line, std::string_view before) {
    const std::size_t at = line.find(before);
    if (at == npos || line.find(before, at + before.size()) != npos) return npos;
    return at + before.size();
}

// From `begin` to the quote that ends a string, which JSON and Go both escape with a backslash.
std::string_view quoted(std::string_view line, std::size_t begin) {
    for (std::size_t end = line.find('"', begin); end != npos; end = line.find('"', end + 1)) {
        std::size_t slashes = end;
        while (slashes > begin && line[slashes - 1] == '\\') --slashes;
        if ((end - slashes) % 2 == 0) return line.substr(begin, end - begin);
    }
    return {};
}

std::optional<MessageKey> json_key(std::string_view line) {
    const std::size_t level = behind_only(line, "\"level\":\"");
    const std::size_t message = behind_only(line, "\"msg\":\"");
    if (level == npos || message == npos || line.back() != '}') return std::nullopt;
    return MessageKey{quoted(line, level), quoted(line, message)};
}

std::optional<MessageKey> text_key(std::string_view line) {
    const std::size_t level = behind_only(line, "level=");
    const std::size_t message = behind_only(line, " msg=");
    if (level == npos || message == npos || line.substr(message, 1) == "`") return std::nullopt;
    const bool in_quotes = line.substr(message, 1) == "\"";
    return MessageKey{line.substr(level, line.find(' ', level) - level),
                      in_quotes ? quoted(line, message + 1)
                                : line.substr(message, line.find(' ', message) - message)};
}

std::optional<MessageKey> runner_key(std::string_view line) {
    const RunnerStart start = runner_start(line);
    const Span reset = find_reset(line.substr(start.length), start.coloured);
    // Information has no colour, and nothing but its reset; other levels lost it.
    if (!reset || (!start.coloured && start.length > 0)) return std::nullopt;
    return MessageKey{line.substr(0, start.length), line.substr(start.length, reset.begin)};
}

}  // namespace

std::optional<MessageKey> message_key(std::string_view line, const LineShape& shape) {
    if (!(shape.begins || shape.reset) || !shape.complete || shape.foreign_prefix > 0)
        return std::nullopt;
    switch (shape.format) {
        case Format::json:
            return line.starts_with('{') ? json_key(line) : std::nullopt;
        case Format::text:
            return terminal_start(line).length == 0 ? text_key(line) : std::nullopt;
        case Format::runner:
            return runner_key(line);
        default:
            return std::nullopt;
    }
}

}  // namespace runnerwatch
