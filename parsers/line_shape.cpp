#include "parsers/line_shape.h"

#include "parsers/ansi.h"
#include "parsers/byte_set.h"
#include "parsers/flat_json.h"
#include "parsers/syslog_prefix.h"
#include "parsers/timestamp.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `{"level"`, with or without a blank; and the same within quotes, as a string of another object.
bool is_object_start(std::string_view line) {
    if (line.starts_with("\"{\\\"")) return true;
    if (!line.starts_with('{')) return false;
    const std::size_t next = line.find_first_not_of(' ', 1);
    return next != npos && line[next] == '"';
}

// What the image's entrypoint and the chart print between the runner's own lines.
bool is_foreign_text(std::string_view line) {
    static constexpr std::string_view texts[] = {
        "Registration attempt ",
        "Updating CA certificates...",
        "Current configuration 'concurrent = ",
        "Automatic token rotation is disabled for runner: ",
    };
    return std::any_of(std::begin(texts), std::end(texts),
                       [&](std::string_view begin) { return line.starts_with(begin); });
}

constexpr std::size_t foreign_prefix_max = 256;

// Where a record's start stands in a line behind something unknown; 0: nowhere. Only starts that a
// sentence cannot hold by chance count, and only before the first reset.
std::size_t foreign_prefix(std::string_view line) {
    // A job says in its trace what it likes.
    if (const auto time = parse_time(line))
        if (is_job_trace(line.substr(std::min(time->length + 1, line.size())))) return 0;
    const std::string_view begin = line.substr(0, foreign_prefix_max);
    for (const std::string_view form : escape_forms) {
        const std::size_t escape = begin.find(form);
        if (escape == npos || escape == 0) continue;
        // A colour code alone may be that of a field behind a value of several lines.
        const RunnerStart start = runner_start(line.substr(escape));
        if (start.coloured && start.level >= Level::warning) return escape;
    }
    const auto holds = [&](std::string_view member) { return line.find(member) != npos; };
    if (holds("\"msg\":\"") && (holds("\"level\":\"") || holds("\"time\":\""))) {
        const std::size_t brace = begin.find("{\"");
        const std::size_t start = std::min(brace, find_json_member(line));
        return start == npos ? 0 : start;
    }
    if (const std::size_t time = begin.find("time=\""); time != npos && time > 0) {
        const std::size_t level = line.find(" level=", time);
        if (level != npos && line.find(" msg=", level) != npos) return time;
    }
    return 0;
}

// Messages of several lines. Where colour codes are missing (information has none, and a viewer
// may have removed them) only their first words tell that more lines follow.
constexpr std::string_view long_messages[] = {
    "There might be a problem with your config based on jsonschema",
    "Couldn't save new system ID on state file",
    "CONFIGURATION: Long polling issues detected",
    "The runner URL contains a legacy '/ci' suffix",
};

bool begins_long_message(std::string_view message) {
    return std::any_of(std::begin(long_messages), std::end(long_messages),
                       [&](std::string_view begin) { return message.starts_with(begin); });
}

// The runner's keys, for texts whose blanks were squeezed to one.
constexpr std::string_view known_keys[] = {"arch",       "builds",
                                           "bytesize",   "code",
                                           "context",    "correlation_id",
                                           "duration_s", "error",
                                           "executor",   "job",
                                           "runner",     "runner_name",
                                           "state_file", "StopSignal",
                                           "status",     "stop-signal",
                                           "system_id",  "unhealthy_interval",
                                           "max_builds", "unhealthy_requests"};

bool is_known_key(std::string_view key) {
    return std::find(std::begin(known_keys), std::end(known_keys), key) != std::end(known_keys);
}

// "SIGABRT: abort", "SIGSEGV: segmentation violation"
bool is_signal(std::string_view line) {
    if (!line.starts_with("SIG")) return false;
    std::size_t at = 3;
    while (at < line.size() && line[at] >= 'A' && line[at] <= 'Z') ++at;
    return at > 4 && line.substr(at).starts_with(": ");
}

bool is_goroutine(std::string_view line) {
    return line.starts_with("goroutine ") && line.size() > 10 && is_digit(line[10]) &&
           line.find(" [") != npos;
}

LineShape shape_of_runner_line(std::string_view line, const RunnerStart& start) {
    LineShape shape;
    shape.format = Format::runner;
    shape.level = start.level;
    shape.begins = true;
    shape.stays_open = true;
    shape.reset = static_cast<bool>(find_reset(line, start.coloured));
    // Without its colour codes only a known message of several lines is waited for.
    const std::string_view message = line.substr(start.length);
    shape.complete = shape.reset || !(start.coloured || begins_long_message(message) ||
                                      message.starts_with("goroutine "));
    return shape;
}

}  // namespace

Level level_of_klog(char letter) {
    switch (letter) {
        case 'W':
            return Level::warning;
        case 'E':
            return Level::error;
        case 'F':
            return Level::fatal;
        default:
            return Level::info;
    }
}

Level level_of_crash(std::string_view line) {
    if (line.starts_with("panic: ")) return Level::panic;
    return line.starts_with("fatal error: ") || is_signal(line) ? Level::fatal : Level::none;
}

bool is_key_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_key_character(char c) {
    return is_key_start(c) || is_digit(c) || c == '.' || c == '-' || c == '[' || c == ']';
}

RunnerStart runner_start(std::string_view line) {
    RunnerStart start;
    // Of the many lines that begin with neither a colour nor a level none is looked at closely.
    static constexpr ByteSet begins("\x1b#^\\\xe2[WEFP");
    if (line.empty() || !begins.has(line.front())) return start;
    std::string_view rest = line;
    for (const std::string_view form : escape_forms)
        if (rest.starts_with(form)) {
            rest.remove_prefix(form.size());
            break;
        }
    if (rest.starts_with("[0;33m") || rest.starts_with("[31;1m") || rest.starts_with("[37;1m")) {
        start.coloured = true;
        if (rest.starts_with("[37;1m")) start.level = Level::debug;
        rest.remove_prefix(6);
    } else {
        rest = line;
    }
    static constexpr std::pair<std::string_view, Level> prefixes[] = {{"WARNING: ", Level::warning},
                                                                      {"ERROR: ", Level::error},
                                                                      {"FATAL: ", Level::fatal},
                                                                      {"PANIC: ", Level::panic}};
    for (const auto& [prefix, level] : prefixes)
        if (rest.starts_with(prefix)) {
            start.level = level;
            rest.remove_prefix(prefix.size());
            break;
        }
    start.length = line.size() - rest.size();
    return start;
}

TerminalStart terminal_start(std::string_view line) {
    static constexpr std::pair<std::string_view, Level> words[] = {
        {"TRAC", Level::debug},   {"DEBU", Level::debug}, {"INFO", Level::info},
        {"WARN", Level::warning}, {"ERRO", Level::error}, {"FATA", Level::fatal},
        {"PANI", Level::panic}};
    std::string_view rest = line;
    // ESC [ 3 digit m
    if (rest.size() > 5 && rest.starts_with("\x1b[3") && rest[4] == 'm') rest.remove_prefix(5);
    for (const auto& [word, level] : words) {
        if (!rest.starts_with(word)) continue;
        rest.remove_prefix(word.size());
        if (rest.starts_with("\x1b[0m")) rest.remove_prefix(4);
        const std::size_t close = rest.find_first_not_of("0123456789", 1);
        if (!rest.starts_with('[') || close == npos || close < 2 ||
            !rest.substr(close).starts_with("] "))
            return {};
        return {level, line.size() - rest.size() + close + 2};
    }
    return {};
}

std::size_t klog_head_length(std::string_view line) {
    static constexpr std::string_view shape = "DDDD DD:DD:DD.DDDDDD ";
    if (line.size() <= shape.size() || std::string_view("IWEF").find(line[0]) == npos) return 0;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] == 'D' ? !is_digit(line[i + 1]) : line[i + 1] != shape[i]) return 0;
    const std::size_t end = line.find("] ");
    return end == npos ? 0 : end + 2;
}

Span find_reset(std::string_view text, bool coloured) {
    for (std::size_t at = text.find("[0"); at != npos; at = text.find("[0", at + 2)) {
        const std::string_view rest = text.substr(at);
        const std::size_t length = rest.starts_with("[0;m") ? 4 : rest.starts_with("[0m") ? 3 : 0;
        if (length == 0) continue;
        std::size_t begin = at;
        for (const std::string_view form : escape_forms)
            if (text.substr(0, at).ends_with(form)) {
                begin = at - form.size();
                break;
            }
        const std::string_view behind = rest.substr(length);
        if (behind.starts_with(length == 4 ? " " : "  ") || behind == " ")
            return {begin, at + length};
        // The blank behind the last reset is lost where trailing blanks are removed. What stands
        // before it tells it from the coloured text of a job.
        if (!behind.empty() && behind.front() != '\n') continue;
        const std::string_view before = text.substr(0, begin);
        if (before.empty() || before.back() == ' ' || before.back() == '\n' ||
            (coloured && before.find('\n') == npos))
            return {begin, at + length};
    }
    return {};
}

std::size_t find_bare_fields(std::string_view text) {
    std::size_t squeezed = npos;
    std::size_t behind = 0;  // of the equals sign before: keys are looked for from there on
    for (std::size_t equals = text.find('='); equals != npos; equals = text.find('=', behind)) {
        std::size_t key = equals;
        while (key > behind && is_key_character(text[key - 1])) --key;
        behind = equals + 1;
        if (key == equals || key == 0 || !is_key_start(text[key]) || text[key - 1] != ' ') continue;
        if (key >= 2 && text[key - 2] == ' ') return text.find_last_not_of(' ', key - 1) + 1;
        if (squeezed == npos && is_known_key(text.substr(key, equals - key))) squeezed = key - 1;
    }
    return squeezed;
}

namespace {

// Of a line that begins at its first byte.
LineShape shape_of_start(std::string_view line) {
    LineShape shape;
    if (const RunnerStart start = runner_start(line); start.length > 0)
        return shape_of_runner_line(line, start);
    if (is_object_start(line)) {
        shape.format = Format::json;
        shape.begins = true;
    } else if ((line.starts_with("time=") && line.find(" level=") != npos) ||
               (line.starts_with("level=") && line.find(" msg=") != npos)) {
        shape.format = Format::text;
        shape.begins = true;
    } else if (const TerminalStart start = terminal_start(line); start.length > 0) {
        shape.format = Format::text;
        shape.level = start.level;
        shape.begins = shape.stays_open = true;
    } else if (klog_head_length(line) > 0) {
        shape.format = Format::klog;
        shape.level = level_of_klog(line.front());
        shape.begins = shape.stays_open = true;
    } else if (find_reset(line, false)) {
        shape.format = Format::runner;
        shape.reset = true;
    } else {
        shape.begins = is_foreign_text(line);
        shape.raw = !shape.begins;
        const Level crash = level_of_crash(line);
        shape.panics = crash != Level::none;
        if (shape.panics || is_goroutine(line)) {
            shape.level = std::max(crash, Level::fatal);
            shape.stays_open = true;
        } else if (begins_long_message(line)) {
            shape.format = Format::runner;
            shape.complete = false;
        }
    }
    return shape;
}

}  // namespace

std::size_t object_indent(std::string_view line) {
    line = line.substr(0, line.find('\n'));
    const std::size_t brace = line.find_first_not_of(' ');
    if (brace == npos || line[brace] != '{') return npos;
    return line.find_first_not_of(" \t\r", brace + 1) == npos ? brace : npos;
}

LineShape shape_of_line(std::string_view line) {
    LineShape shape = shape_of_start(line);
    if (shape.begins || !(shape.raw || shape.reset)) return shape;
    if (const std::size_t prefix = foreign_prefix(line)) {
        shape = shape_of_start(line.substr(prefix));
        shape.foreign_prefix = prefix;
        // What of an object's beginning was cut off is a prefix, too.
        if (shape.raw) {
            shape.format = Format::json;
            shape.begins = true;
            shape.raw = false;
        }
    } else if (shape.raw && object_indent(line) != npos) {
        shape.format = Format::json;
        shape.complete = false;
    }
    return shape;
}

}  // namespace runnerwatch
