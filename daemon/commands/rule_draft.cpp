#include "daemon/commands/rule_draft.h"

#include "parsers/ascii_lower.h"
#include "parsers/fingerprint.h"
#include "parsers/redaction.h"
#include "parsers/rule_loader.h"
#include "parsers/visible_text.h"

#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace runnerwatch {
namespace {

constexpr std::size_t id_words_max = 6;
constexpr std::size_t title_bytes_max = 100;

// What masked() and redact() put in the place of what they take out.
constexpr std::string_view hole_begin = "‹", hole_end = "›", cut = "…";

std::string quote_yaml(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// "job-failed-system-failure" of "Job failed (system failure): …".
std::string id_from(const std::string& message) {
    std::string id;
    std::size_t words = 0;
    bool gap = true;
    for (const char c : message) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80) break;
        if (std::isalpha(byte) == 0 && (std::isdigit(byte) == 0 || gap)) {
            gap = true;
            if (words == id_words_max) break;
            continue;
        }
        if (gap && words++ > 0) id += '-';
        gap = false;
        id += ascii_lower(c);
    }
    return id.empty() ? "new-rule" : "new-" + id;
}

// Whether three letters stand together outside of what was taken out.
bool holds_word(std::string_view text) {
    std::size_t letters = 0;
    while (!text.empty()) {
        const std::size_t hole =
            text.starts_with(hole_begin) ? text.find(hole_end) : std::string_view::npos;
        if (hole != std::string_view::npos) {
            text.remove_prefix(hole + hole_end.size());
            letters = 0;
            continue;
        }
        letters = std::isalpha(static_cast<unsigned char>(text.front())) != 0 ? letters + 1 : 0;
        if (letters == 3) return true;
        text.remove_prefix(1);
    }
    return false;
}

// Single quotes keep a pattern's backslashes as they are.
std::string pattern_yaml(const std::string& pattern) {
    std::string quoted = "'";
    for (const char c : pattern) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return quoted + "'";
}

// A sample as rule files have it: ESC as a picture, as a block where YAML keeps it as it is.
std::string sample_yaml(std::string text) {
    for (std::size_t at = 0; (at = text.find('\x1b', at)) != std::string::npos;)
        text.replace(at, 1, "␛");
    const bool plain =
        !text.empty() && text.front() != ' ' && std::all_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) >= 0x20 || c == '\n';
        });
    if (!plain) return quote_yaml(text);
    std::string block = "|-\n      ";
    for (const char c : text) block += c == '\n' ? std::string("\n      ") : std::string(1, c);
    return block;
}

}  // namespace

std::string message_pattern(const std::string& message) {
    const std::string line = message.substr(0, message.find('\n'));
    const std::string template_ = masked(line);
    std::string pattern, literal;
    const auto take_literal = [&] {
        for (const char c : std::exchange(literal, {})) {
            if (c == ' ')
                pattern += R"(\s+)";
            else
                pattern += RE2::QuoteMeta(re2::StringPiece(&c, 1));
        }
    };
    for (std::size_t at = 0; at < template_.size();) {
        const std::string_view rest = std::string_view(template_).substr(at);
        if (rest.starts_with(cut)) break;
        const std::size_t end = rest.starts_with(hole_begin) ? rest.find(hole_end) : rest.npos;
        if (end == rest.npos) {
            literal += rest.front();
            ++at;
            continue;
        }
        take_literal();
        if (!pattern.ends_with(".*?")) pattern += ".*?";
        at += end + hole_end.size();
    }
    take_literal();
    while (pattern.ends_with(".*?")) pattern.resize(pattern.size() - 3);
    const RE2 regex(pattern, RE2::Quiet);
    const std::string_view text = line;
    if (!pattern.empty() && regex.ok() &&
        regex.Match(text, 0, text.size(), RE2::ANCHOR_START, nullptr, 0))
        return pattern;
    return RE2::QuoteMeta(line);
}

Result<RuleDraft, std::string> draft_rule(const std::string& lines) {
    const std::string safe = redact(lines);
    const auto records = sample_records(safe);
    if (records.empty() || records.front().message.empty())
        return failure(std::string(
            "no rule can be made of it: the text holds no message. Give the whole line as the "
            "runner wrote it."));
    const Record& record = records.front();
    const std::string line = record.message.substr(0, record.message.find('\n'));
    if (!holds_word(masked(line)))
        return failure(std::string(
            "no rule can be made of it: without numbers, ids and paths the message holds no word "
            "that a pattern could look for. Write the rule by hand: docs/write-a-rule.md."));
    RuleDraft draft;
    draft.id = id_from(line);
    const std::string title = shortened(visible_text(line), title_bytes_max);
    draft.text =
        "# A draft: say what it is, how bad, and what to do; docs/write-a-rule.md shows how.\n"
        "id: " +
        draft.id +
        "\n"
        "title: " +
        quote_yaml(title) +
        "\n"
        "impact: Not known yet.\n"
        "severity: warning\n"
        "response: ticket\n"
        "status: experimental\n"
        "detect:\n"
        "  - message: " +
        pattern_yaml(message_pattern(record.message)) +
        "\n"
        "samples:\n"
        "  detect:\n"
        "    - " +
        sample_yaml(safe) + "\n";
    return draft;
}

}  // namespace runnerwatch
