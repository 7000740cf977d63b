#include "parsers/line_envelope.h"

#include "parsers/flat_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

const JsonMember* find(const std::vector<JsonMember>& members, std::string_view key) {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const JsonMember& member) { return member.key == key; });
    return found == members.end() ? nullptr : &*found;
}

std::string text_of(const std::vector<JsonMember>& members, std::string_view key) {
    const JsonMember* member = find(members, key);
    return member != nullptr && member->string ? member->value : "";
}

std::optional<Timestamp> time_of(const std::vector<JsonMember>& members, std::string_view key) {
    const auto time = parse_time(text_of(members, key));
    return time ? std::optional(time->time) : std::nullopt;
}

// "[27,91,51]", what the journal writes where a message holds control characters.
std::string bytes_of(std::string_view array) {
    std::string bytes;
    for (std::size_t at = 0; at < array.size();) {
        unsigned int byte = 0;
        const auto [end, error] =
            std::from_chars(array.data() + at, array.data() + array.size(), byte);
        if (error == std::errc() && byte < 256) bytes += static_cast<char>(byte);
        const auto behind = static_cast<std::size_t>(end - array.data());
        at = std::max(at + 1, behind);
    }
    return bytes;
}

bool open_docker(const std::vector<JsonMember>& members, EnvelopedLine& opened) {
    const JsonMember* log = find(members, "log");
    if (log == nullptr || !log->string || find(members, "msg") != nullptr) return false;
    const bool cut = find(members, "stream") == nullptr && find(members, "time") == nullptr;
    if (cut && members.front().key != "log") return false;
    opened.text = log->value;
    const bool ended = opened.text.ends_with('\n');
    if (ended) opened.text.pop_back();
    if (opened.text.ends_with('\r')) opened.text.pop_back();
    opened.time = time_of(members, "time");
    if (const JsonMember* pod = find(members, "kubernetes")) {
        std::vector<JsonMember> names;
        read_flat_json(pod->value, names);
        opened.pod = text_of(names, "pod_name");
        opened.container = text_of(names, "container_name");
    }
    // Only docker itself splits lines; others take the newline off.
    opened.partial =
        !ended && !cut && std::all_of(members.begin(), members.end(), [](const JsonMember& member) {
            static constexpr std::array<std::string_view, 4> keys{"log", "stream", "time", "attrs"};
            return std::find(keys.begin(), keys.end(), member.key) != keys.end();
        });
    opened.cut = cut;
    return true;
}

bool open_journal(const std::vector<JsonMember>& members, EnvelopedLine& opened) {
    const JsonMember* message = find(members, "MESSAGE");
    const std::string micros = text_of(members, "__REALTIME_TIMESTAMP");
    if (message == nullptr || micros.empty()) return false;
    opened.text = message->string ? message->value : bytes_of(message->value);
    opened.time = parse_unix_micros(micros);
    opened.container = text_of(members, "CONTAINER_NAME");
    opened.partial = text_of(members, "CONTAINER_PARTIAL_MESSAGE") == "true";
    return true;
}

bool open_loki(const std::vector<JsonMember>& members, EnvelopedLine& opened) {
    const JsonMember* line = find(members, "line");
    const JsonMember* labels = find(members, "labels");
    if (line == nullptr || !line->string || labels == nullptr || members.size() > 3) return false;
    opened.text = line->value;
    opened.time = time_of(members, "timestamp");
    std::vector<JsonMember> names;
    read_flat_json(labels->value, names);
    opened.pod = text_of(names, "pod");
    opened.container = text_of(names, "container");
    return true;
}

}  // namespace

bool open_envelope(std::string_view line, EnvelopedLine& opened) {
    if (!line.starts_with('{')) return false;
    if (line.find("\"log\":") == npos && line.find("\"MESSAGE\":") == npos &&
        line.find("\"line\":") == npos)
        return false;
    std::vector<JsonMember> members;
    if (!read_flat_json(line, members)) read_cut_json(line, members);
    if (members.empty()) return false;
    opened = {};
    return open_docker(members, opened) || open_journal(members, opened) ||
           open_loki(members, opened);
}

}  // namespace runnerwatch
