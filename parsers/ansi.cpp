#include "parsers/ansi.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

namespace runnerwatch {
namespace {

constexpr char escape = '\x1b';

// Where the escape sequence that starts at `at` ends.
std::size_t sequence_end(std::string_view text, std::size_t at) {
    if (at + 1 >= text.size()) return text.size();
    std::size_t i = at + 2;
    if (text[at + 1] == '[') {
        while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3f) ++i;
        // A byte that cannot end the sequence is text: the sequence was cut.
        return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : i;
    }
    if (text[at + 1] == ']') {
        const std::size_t end = text.find_first_of("\x07\x1b\n", i);
        if (end == std::string_view::npos) return text.size();
        if (text[end] == '\x07') return end + 1;
        return text.substr(end, 2) == "\x1b\\" ? end + 2 : end;
    }
    return text[at + 1] >= 0x20 && text[at + 1] <= 0x7e ? i : at + 1;
}

// The codes the runner writes, as they look without ESC (helpers/ansi_colors.go:4-14).
constexpr std::string_view bare_codes[] = {"[0;m", "[0;33m", "[31;1m", "[37;1m"};

std::size_t bare_code_length(std::string_view text) {
    for (const std::string_view code : bare_codes)
        if (text.starts_with(code)) return code.size();
    return 0;
}

// The forms of ESC that are text.
constexpr auto written_forms = std::span(escape_forms).subspan<1>();

// Of what stands for ESC before a "[".
std::size_t written_escape_length(std::string_view text) {
    for (const std::string_view form : written_forms)
        if (text.starts_with(form) && text.substr(form.size()).starts_with('[')) return form.size();
    return 0;
}

}  // namespace

std::string strip_ansi(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t next = std::min(text.find(escape, at), text.size());
        plain.append(text.substr(at, next - at));
        if (next == text.size()) break;
        at = sequence_end(text, next);
    }
    return plain;
}

bool restore_escapes(std::string_view text, std::string& restored) {
    if (text.find(escape) != std::string_view::npos) return false;
    if (text.find('[') == std::string_view::npos) return false;
    const auto holds = [&](std::string_view part) {
        return text.find(part) != std::string_view::npos;
    };
    // A reset without a semicolon is one only behind what stands for ESC.
    const bool has_code =
        std::any_of(std::begin(bare_codes), std::end(bare_codes), holds) ||
        std::any_of(std::begin(written_forms), std::end(written_forms),
                    [&](std::string_view form) { return holds(std::string(form) + "[0m"); });
    if (!has_code) return false;

    const bool rsyslog = holds("#033[");
    std::string result;
    result.reserve(text.size() + 16);
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        if (const std::size_t length = written_escape_length(rest)) {
            result += escape;
            at += length;
        } else if (rsyslog && (rest.starts_with("#011") || rest.starts_with("#012"))) {
            result += rest[3] == '1' ? '\t' : '\n';
            at += 4;
        } else if (const std::size_t code = bare_code_length(rest)) {
            if (result.empty() || result.back() != escape) result += escape;
            result += rest.substr(0, code);
            at += code;
        } else {
            result += rest.front();
            ++at;
        }
    }
    restored = std::move(result);
    return true;
}

}  // namespace runnerwatch
