#include "tests/parsers/reencoding.h"

#include "parsers/timestamp.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

namespace runnerwatch {
namespace {

using nlohmann::json;

std::vector<Field> sorted(std::vector<Field> fields) {
    std::sort(fields.begin(), fields.end(),
              [](const Field& a, const Field& b) { return a.key < b.key; });
    return fields;
}

const char* colour_of(Level level) {
    switch (level) {
        case Level::warning:
            return "\x1b[0;33m";
        case Level::error:
        case Level::fatal:
        case Level::panic:
            return "\x1b[31;1m";
        case Level::debug:
            return "\x1b[37;1m";
        case Level::info:
        case Level::none:
            break;
    }
    return "";
}

std::string word_of(Level level) {
    if (level < Level::warning) return "";
    std::string word = to_string(level);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return word + ": ";
}

const char* level_name(Level level) { return level == Level::none ? "info" : to_string(level); }

std::string go_quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            quoted += std::string("\\") + c;
        else if (c == '\n')
            quoted += "\\n";
        else if (c == '\t')
            quoted += "\\t";
        else if (static_cast<unsigned char>(c) < 0x20)
            quoted += "\\x" + std::string(1, "01"[c >> 4]) + "0123456789abcdef"[c & 15];
        else
            quoted += c;
    }
    return quoted + "\"";
}

bool needs_quotes(std::string_view text) {
    static constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+";
    return text.find_first_not_of(plain) != std::string_view::npos;
}

// Values as JSON has them: durations and signals are numbers.
json value_of(const Field& field) {
    if (field.key == "stop-signal" || field.key == "StopSignal") {
        if (field.value == "quit") return 3;
        if (field.value == "terminated") return 15;
    }
    if (field.key.ends_with("interval"))
        if (const auto duration = parse_duration(field.value))
            return static_cast<std::int64_t>(duration->count());
    return field.value;
}

using Line = std::function<std::string(const std::string&)>;

std::function<std::string(const std::vector<std::string>&)> each(const Line& write) {
    return [write](const std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& line : lines) text += write(line) + "\n";
        return text;
    };
}

Line before(const std::string& prefix) {
    return [prefix](const std::string& line) { return prefix + line; };
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

Line with_escape(const std::string& form) {
    return [form](const std::string& line) { return replaced(line, "\x1b", form); };
}

constexpr const char* at = "2026-11-24T03:12:00.500000000Z";
constexpr std::size_t split_bytes = 60;

std::string cri(const std::string& line) {
    std::string text, rest = line;
    for (; rest.size() > split_bytes; rest.erase(0, split_bytes))
        text += std::string(at) + " stderr P " + rest.substr(0, split_bytes) + "\n";
    return text + at + " stderr F " + rest;
}

std::string docker(const std::string& line) {
    const auto object = [](const std::string& log) {
        return json{{"log", log}, {"stream", "stderr"}, {"time", at}}.dump(
            -1, ' ', false, json::error_handler_t::replace);
    };
    std::string text, rest = line + "\n";
    for (; rest.size() > split_bytes; rest.erase(0, split_bytes))
        text += object(rest.substr(0, split_bytes)) + "\n";
    return text + object(rest);
}

bool printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
}

std::string journal_export(const std::string& line) {
    std::string text =
        "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1764000000123456\nPRIORITY=6\n_HOSTNAME=h\n";
    if (printable(line)) return text + "MESSAGE=" + line + "\n_PID=7\n";
    text += "MESSAGE\n";
    for (int shift = 0; shift < 64; shift += 8)
        text += static_cast<char>(static_cast<std::uint64_t>(line.size()) >> shift & 0xff);
    return text + line + "\n_PID=7\n";
}

std::string journal_json(const std::string& line) {
    json entry = {{"__REALTIME_TIMESTAMP", "1764000000123456"}, {"_PID", "7"}};
    if (printable(line))
        entry["MESSAGE"] = line;
    else
        for (const char c : line) entry["MESSAGE"].push_back(static_cast<unsigned char>(c));
    return entry.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string as_runner(const Record& record) {
    const std::string colour = colour_of(record.level), word = word_of(record.level);
    std::string text = record.message;
    const std::size_t width = 50 - word.size();
    if (text.size() < width) text.append(width - text.size(), ' ');
    text = colour + word + text + "\x1b[0;m ";
    for (const Field& field : sorted(record.fields))
        text += " " + colour + field.key + "\x1b[0;m=" + field.value;
    return text;
}

std::string as_text(const Record& record) {
    std::string text = "time=\"" + std::string(at) + "\" level=" + level_name(record.level) +
                       " msg=" + go_quoted(record.message);
    for (const Field& field : sorted(record.fields))
        text += " " + field.key + "=" +
                (needs_quotes(field.value) ? go_quoted(field.value) : field.value);
    return text;
}

std::string as_json(const Record& record) {
    json object = {{"level", level_name(record.level)}, {"msg", record.message}, {"time", at}};
    for (const Field& field : record.fields) object[field.key] = value_of(field);
    const std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
    return replaced(replaced(replaced(text, "<", "\\u003c"), ">", "\\u003e"), "&", "\\u0026");
}

const std::vector<Encoding>& encodings() {
    static const std::vector<Encoding> all = {
        {"runner", as_runner}, {"text", as_text}, {"json", as_json}};
    return all;
}

const std::vector<Collector>& collectors() {
    const std::string pod = "gitlab-runner-5d9c8b7f6d-xbcdf";
    static const std::vector<Collector> all = {
        {"nothing", each(before(""))},
        {"windows", each([](const std::string& line) { return line + "\r"; })},
        {"kubectl --prefix", each(before("[pod/" + pod + "/gitlab-runner] "))},
        {"kubectl --prefix --timestamps", each(before("[pod/" + pod + "/c] " + at + " "))},
        {"stern", each(before(pod + " gitlab-runner "))},
        {"stern -A", each(before("ci " + pod + " gitlab-runner "))},
        {"stern in colours", each(before("\x1b[36m" + pod + "\x1b[0m \x1b[96mc\x1b[0m "))},
        {"docker logs -t", each(before(std::string(at) + " "))},
        {"docker compose", each(before("gitlab-runner-1  | "))},
        {"docker compose in colours", each(before("\x1b[36mrunner-1  | \x1b[0m"))},
        {"docker's JSON log file", each(docker)},
        {"CRI file", each(cri)},
        {"syslog", each(before("<14>Nov 24 03:12:00 host gitlab-runner[12]: "))},
        {"RFC 5424", each(before("<14>1 " + std::string(at) + " host gitlab-runner 12 - - "))},
        {"journalctl", each(before("Nov 24 03:12:00 host gitlab-runner[12]: "))},
        {"journalctl -o short-iso",
         each(before("2026-11-24T03:12:00+0000 host gitlab-runner[12]: "))},
        {"journalctl -o short-full",
         each(before("Tue 2026-11-24 03:12:00 UTC host gitlab-runner[12]: "))},
        {"journalctl -o export", each(journal_export)},
        {"journalctl -o json", each(journal_json)},
        {"grep", each(before("/var/log/gitlab-runner.log:"))},
        {"rsyslog's escapes", each(with_escape("#033"))},
        {"cat -v", each(with_escape("^["))},
        {"escapes of C", each(with_escape("\\x1b"))},
        {"escapes of JSON", each(with_escape("\\u001b"))},
        {"ESC lost", each(with_escape(""))},
        {"ESC[0m",
         each([](const std::string& line) { return replaced(line, "\x1b[0;m", "\x1b[0m"); })},
        {"colours removed", each([](const std::string& line) {
             std::string text = line;
             for (const char* code : {"\x1b[0;m", "\x1b[0;33m", "\x1b[31;1m", "\x1b[37;1m"})
                 text = replaced(text, code, "");
             return text;
         }),
         "a value that holds \"  key=\" cannot be told from fields, nor information of several "
         "lines from raw text"},
    };
    return all;
}

}  // namespace runnerwatch
