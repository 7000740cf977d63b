#include "daemon/commands/awaited_recovery.h"

#include "parsers/byte_set.h"
#include "parsers/find_text.h"

#include <algorithm>
#include <cstring>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

// Between key and value as the runner colours them.
constexpr std::string_view runner_field = "\x1b[0;m=";

// Written alike in every format.
constexpr ByteSet plain("0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
bool is_plain(char c) { return plain.has(c); }

bool is_plain(std::string_view value) {
    return !value.empty() && value.size() <= 128 &&
           std::all_of(value.begin(), value.end(), [](char c) { return is_plain(c); });
}

bool is_runner_field(std::string_view raw, std::size_t at) {
    return raw.size() - at >= runner_field.size() &&
           std::memcmp(raw.data() + at, runner_field.data(), runner_field.size()) == 0;
}

// The value behind "key=", "key":" or a key with colour codes that ends at `at`; empty: it is none.
std::string_view value_behind(std::string_view raw, std::size_t at) {
    static constexpr std::size_t reset_max = 16;  // "\\u001b[0;m"
    if (at < raw.size() && is_plain(raw[at])) return {};
    std::size_t begin = at + runner_field.size();
    if (!is_runner_field(raw, at) || begin == raw.size() || !is_plain(raw[begin])) {
        const std::size_t equals = raw.substr(0, at + reset_max).find_first_of("=:", at);
        if (equals == npos) return {};
        begin = raw.find_first_not_of("\"\\ ", equals + 1);
        if (begin == npos) return {};
    }
    std::size_t end = begin;
    while (end < raw.size() && is_plain(raw[end])) ++end;
    return raw.substr(begin, end - begin);
}

}  // namespace

void AwaitedRecovery::count(Counts& counts, std::string_view key, int by) {
    const auto entry = counts.try_emplace(std::string(key), 0).first;
    if ((entry->second += by) == 0) counts.erase(entry);
}

void AwaitedRecovery::count(Name& name, const std::string& value, int line, int by) {
    const auto entry = name.values.try_emplace(value).first;
    name.kept.set(Name::slot(value));
    LineCounts& lines = entry->second;
    auto counted = std::find_if(lines.begin(), lines.end(),
                                [&](const auto& one) { return one.first == line; });
    if (counted == lines.end()) counted = lines.insert(lines.end(), {line, 0});
    if ((counted->second += by) == 0) lines.erase(counted);
    if (lines.empty()) name.values.erase(entry);
}

std::size_t AwaitedRecovery::number_of(const std::string& name) {
    const auto known = std::find_if(names_.begin(), names_.end(),
                                    [&](const Name& one) { return one.text == name; });
    if (known == names_.end()) {
        names_.emplace_back().text = name;
        return names_.size() - 1;
    }
    return static_cast<std::size_t>(known - names_.begin());
}

void AwaitedRecovery::change(const Waiting& waiting, int by) {
    const auto number = static_cast<std::size_t>(waiting.line);
    if (lines_.size() <= number) lines_.resize(number + 1);
    Line& line = lines_[number];
    const bool before = line.count > 0;
    line.count += by;
    if (before != (line.count > 0)) changes_.emplace_back(waiting.line, !before);
    count(line.members, waiting.member, by);
    line.outdated = true;
    const Recovery& recovery = *waiting.recovery;
    line.same.resize(recovery.same.size());
    std::string together;
    for (std::size_t i = 0; i < line.same.size(); ++i) {
        Field& field = line.same[i];
        field.name = number_of(recovery.same[i]);
        const std::string* value = waiting.same[i];
        // Where the pattern makes the value itself no field need hold it.
        if (has_group(recovery.message, recovery.same[i]) ||
            (value != nullptr && !is_plain(*value))) {
            field.any += by;
        } else if (value != nullptr) {
            count(names_[field.name], *value, waiting.line, by);
        } else {
            field.lacking += by;
        }
        (together += value == nullptr ? "" : *value) += '\0';
    }
    count(line.together, together, by);
}

bool AwaitedRecovery::may_be_any(const std::vector<int>& lines, std::string_view raw,
                                 const Lone& lone) {
    ++lines_in_hand_;
    if (std::exchange(outdated_, false))
        for (Line& line : lines_) line.outdated = true;
    return std::any_of(lines.begin(), lines.end(),
                       [&](int number) { return awaits(number) && may_be(number, raw, lone); });
}

void AwaitedRecovery::renew(Line& line, const Lone& lone) {
    line.outdated = false;
    line.lone = std::any_of(line.members.begin(), line.members.end(),
                            [&](const auto& member) { return lone(member.first); });
    const auto asked = std::find_if(line.same.begin(), line.same.end(),
                                    [](const Field& field) { return field.any == 0; });
    line.asked = line.lone || asked == line.same.end() ? nullptr : &*asked;
}

bool AwaitedRecovery::may_be(int number, std::string_view raw, const Lone& lone) {
    Line& line = lines_[static_cast<std::size_t>(number)];
    if (line.same.empty()) return true;
    if (line.outdated) renew(line, lone);
    // Most lines stop here: they show the value of somebody else.
    if (line.asked != nullptr && !awaited(searched(*line.asked, raw), number)) return false;
    if (line.asked != nullptr && line.same.size() == 1) return true;
    bool any = false;
    std::string together;
    for (const Field& field : line.same) {
        const Name& name = searched(field, raw);
        const auto value = awaited(name, number);
        if (value) (together += *value) += '\0';
        // A field that the line or the finding lacks proves nothing where there are several
        // findings.
        const bool passes = field.any > 0 || (line.lone && (field.lacking > 0 || !name.told));
        if (!value && !passes) return false;
        any = any || passes;
    }
    return any || line.together.contains(together);
}

AwaitedRecovery::Name& AwaitedRecovery::searched(const Field& field, std::string_view raw) {
    Name& name = names_[field.name];
    if (std::exchange(name.searched, lines_in_hand_) != lines_in_hand_) find_values(name, raw);
    return name;
}

std::optional<std::string_view> AwaitedRecovery::awaited(const Name& name, int number) {
    for (const auto& [value, lines] : name.found)
        for (const auto& [line, count] : *lines)
            if (line == number) return value;
    return std::nullopt;
}

void AwaitedRecovery::find_values(Name& name, std::string_view raw) {
    name.found.clear();
    std::size_t places = 0;
    name.told = false;
    for (std::size_t at = find_text(raw, name.text); at != npos;
         at = find_text(raw, name.text, at + 1)) {
        const std::size_t end = at + name.text.size();
        // A longer key, or a word of a text: behind a key stands no blank in any format.
        if (end == raw.size() || is_plain(raw[end]) || raw[end] == ' ') continue;
        const std::string_view value = value_behind(raw, end);
        name.told = ++places == 1 && !value.empty() && at > 0 &&
                    (raw[at - 1] == ' ' || raw[at - 1] == 'm') && is_runner_field(raw, end) &&
                    value.data() == raw.data() + end + runner_field.size();
        if (value.empty()) continue;
        if (!name.kept[Name::slot(value)]) continue;
        const auto awaited = name.values.find(value);
        if (awaited != name.values.end()) name.found.push_back({value, &awaited->second});
    }
}

}  // namespace runnerwatch
