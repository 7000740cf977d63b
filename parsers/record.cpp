#include "parsers/record.h"

#include "parsers/ansi.h"
#include "parsers/coloured_fields.h"
#include "parsers/flat_json.h"
#include "parsers/line_shape.h"
#include "parsers/logfmt.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

std::string_view trimmed_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

std::string clean(std::string_view text) {
    return text.find('\x1b') == npos ? std::string(text) : strip_ansi(text);
}

// Padding, and the newline some messages end with, are no part of what was said.
std::string clean_message(std::string_view text) {
    std::string message = clean(text);
    message.resize(trimmed_end(message).size());
    return message;
}

Level level_from(std::string_view word) {
    static constexpr std::pair<std::string_view, Level> words[] = {
        {"trace", Level::debug},     {"debug", Level::debug},  {"info", Level::info},
        {"warning", Level::warning}, {"warn", Level::warning}, {"error", Level::error},
        {"fatal", Level::fatal},     {"panic", Level::panic}};
    for (const auto& [name, level] : words)
        if (word == name) return level;
    return Level::none;
}

void add_coloured_fields(std::string_view text, bool quoted, std::vector<Field>& fields) {
    std::string value;
    each_coloured_field(text, [&](std::string_view key, std::string_view raw) {
        if (quoted && read_go_quoted(raw, value) > 0)
            fields.push_back({std::string(key), clean(value)});
        else
            fields.push_back({std::string(key), clean(raw)});
    });
    if (!fields.empty()) {
        std::string& last = fields.back().value;
        last.resize(trimmed_end(last).size());
    }
}

// Fields of a text whose colour codes are gone: a value ends where " key=" begins. Ambiguous when
// a value holds such text itself; nothing better is left in it.
void add_bare_fields(std::string_view text, std::vector<Field>& fields) {
    std::string_view key;
    std::size_t value = npos, behind = 0;
    const auto add = [&](std::size_t end) {
        if (value != npos)
            fields.push_back(
                {std::string(key), std::string(trimmed_end(text.substr(value, end - value)))});
    };
    for (std::size_t equals = text.find('='); equals != npos; equals = text.find('=', behind)) {
        std::size_t begin = equals;
        while (begin > behind && is_key_character(text[begin - 1])) --begin;
        behind = equals + 1;
        const bool starts = begin < equals && is_key_start(text[begin]);
        if (!starts || begin == 0 || text[begin - 1] != ' ') continue;
        add(begin - 1);
        key = text.substr(begin, equals - begin);
        value = behind;
    }
    add(text.size());
}

Record decode_runner(std::string_view head) {
    const RunnerStart start = runner_start(head);
    Record record;
    record.format = Format::runner;
    record.level = start.level == Level::none ? Level::info : start.level;
    std::string_view message = head.substr(start.length);
    if (const Span reset = find_reset(message, start.coloured)) {
        add_coloured_fields(message.substr(reset.end), false, record.fields);
        message = message.substr(0, reset.begin);
    } else if (const std::size_t fields = find_bare_fields(message); fields != npos) {
        add_bare_fields(message.substr(fields), record.fields);
        message = message.substr(0, fields);
    }
    record.message = clean_message(message);
    return record;
}

// Takes what logrus keeps beside the fields out of them: true if it was one of those.
bool take_standard_key(std::string_view key, std::string& value, Record& record) {
    if (key == "msg") {
        record.message = clean_message(value);
    } else if (key == "level") {
        record.level = level_from(value);
    } else if (key == "time") {
        if (const auto time = parse_time(value)) record.time = time->time;
    } else {
        return false;
    }
    return true;
}

Record decode_logfmt(std::string_view head) {
    Record record;
    record.format = Format::text;
    std::string key, value;
    while (read_logfmt_pair(head, key, value))
        if (!take_standard_key(key, value, record))
            record.fields.push_back({std::move(key), clean(value)});
    return record;
}

// "WARN[0031] message padded to 44 key=value"
Record decode_terminal(std::string_view head, const TerminalStart& start) {
    Record record;
    record.format = Format::text;
    record.level = start.level;
    std::string_view message = head.substr(start.length);
    if (const ColouredKey key = next_coloured_key(message, 0); key.begin != npos) {
        add_coloured_fields(message.substr(key.begin), true, record.fields);
        message = message.substr(0, key.begin);
    } else if (const std::size_t fields = find_bare_fields(message); fields != npos) {
        std::string_view rest = message.substr(fields);
        std::string name, value;
        while (read_logfmt_pair(rest, name, value)) record.fields.push_back({name, value});
        message = message.substr(0, fields);
    }
    record.message = clean_message(message);
    return record;
}

// Go's durations and signals are numbers in JSON; here they are what the other formats print.
std::string readable_number(std::string_view key, std::string value) {
    long long number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) return value;
    if (key == "duration" || key == "shutdown-timeout" || key.ends_with("interval"))
        return format_duration(Duration{number});
    if (key == "stop-signal" || key == "StopSignal") {
        static constexpr std::pair<int, const char*> signals[] = {
            {1, "hangup"}, {2, "interrupt"}, {3, "quit"}, {9, "killed"}, {15, "terminated"}};
        for (const auto& [code, name] : signals)
            if (number == code) return name;
    }
    return value;
}

// What is left of an object without its end or its beginning is enough with a message in it.
std::optional<Record> decode_json(std::string_view head) {
    std::vector<JsonMember> members;
    if (!read_flat_json(head, members)) {
        read_cut_json(head, members);
        if (std::none_of(members.begin(), members.end(), [](const JsonMember& member) {
                return member.key == "msg" && member.string;
            }))
            return std::nullopt;
    }
    Record record;
    record.format = Format::json;
    for (JsonMember& member : members) {
        if (member.string && take_standard_key(member.key, member.value, record)) continue;
        if (member.string)
            member.value = clean(member.value);
        else if (member.value == "null")
            member.value = "<nil>";
        else
            member.value = readable_number(member.key, std::move(member.value));
        record.fields.push_back({std::move(member.key), std::move(member.value)});
    }
    return record;
}

// `"Warning: event bookmark expired" err="…"` or plain words.
Record decode_klog(std::string_view head, std::size_t length) {
    Record record;
    record.format = Format::klog;
    record.level = level_of_klog(head.front());
    const std::string_view start = head.substr(0, length - 2);
    record.fields.push_back({"source", std::string(start.substr(start.rfind(' ') + 1))});
    std::string_view rest = head.substr(length);
    std::string key, value;
    if (const std::size_t quoted = read_go_quoted(rest, value)) {
        record.message = clean_message(value);
        rest.remove_prefix(quoted);
        while (read_logfmt_pair(rest, key, value))
            record.fields.push_back({std::move(key), clean(value)});
    } else {
        record.message = clean_message(rest);
    }
    return record;
}

// A broken JSON object is most readable, and most likely to be recognised, with its quotes undone.
std::string without_escaped_quotes(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\\' || i + 1 == text.size() || text[i + 1] != '"') result += text[i];
    return result;
}

Record decode_plain(std::string_view head) {
    Record record;
    record.level = level_of_crash(head);
    if (record.level == Level::none)
        if (const std::size_t fields = find_bare_fields(head); fields != npos) {
            // "Configuration loaded      builds=0": information without its colour codes
            record.format = Format::runner;
            record.level = Level::info;
            add_bare_fields(head.substr(fields), record.fields);
            head = head.substr(0, fields);
        }
    record.message = clean_message(head);
    return record;
}

Record decode(std::string_view head) {
    const LineShape shape = shape_of_line(head.substr(0, head.find('\n')));
    const std::string_view whole = head;
    head.remove_prefix(shape.foreign_prefix);
    switch (shape.format) {
        case Format::json:
            if (head.starts_with('"')) {
                std::string inner;
                read_go_quoted(head, inner);
                if (auto record = decode_json(inner)) return *std::move(record);
            }
            if (auto record = decode_json(head)) return *std::move(record);
            return decode_plain(without_escaped_quotes(whole));
        case Format::text:
            if (const TerminalStart start = terminal_start(head); start.length > 0)
                return decode_terminal(head, start);
            return decode_logfmt(head);
        case Format::klog:
            return decode_klog(head, klog_head_length(head));
        case Format::runner:
            return decode_runner(head);
        case Format::plain:
            break;
    }
    return decode_plain(head);
}

}  // namespace

const char* to_string(Format format) {
    switch (format) {
        case Format::runner:
            return "runner";
        case Format::text:
            return "text";
        case Format::json:
            return "json";
        case Format::klog:
            return "klog";
        case Format::plain:
            break;
    }
    return "plain";
}

const char* to_string(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warning:
            return "warning";
        case Level::error:
            return "error";
        case Level::fatal:
            return "fatal";
        case Level::panic:
            return "panic";
        case Level::none:
            break;
    }
    return "none";
}

const std::string* Record::field(std::string_view key) const {
    for (const Field& field : fields)
        if (field.key == key) return &field.value;
    return nullptr;
}

Format format_of_line(std::string_view line) { return shape_of_line(line).format; }

Record decode_record(std::string_view head) {
    std::string restored;
    return restore_escapes(head, restored) ? decode(restored) : decode(head);
}

}  // namespace runnerwatch
