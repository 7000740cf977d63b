#include "parsers/fingerprint.h"

#include "parsers/byte_set.h"

#include <algorithm>
#include <array>

namespace runnerwatch {
namespace {

constexpr std::size_t quoted_bytes_max = 2'000;  // a quote that ends later is no quote

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_digit(c) || is_lower(c) || is_upper(c) || c == '_'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// What ends a chunk: the text between two of these is looked at as a whole.
bool ends_chunk(char c) {
    static constexpr ByteSet ends(" \t\n\r\"'`()[]{}<>,;=|");
    return ends.has(c);
}

template <class Holds>
bool all(std::string_view text, Holds&& holds) {
    return std::all_of(text.begin(), text.end(), holds);
}

template <class Holds>
std::size_t count(std::string_view text, Holds&& holds) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), holds));
}

// The parts of `text` between the separators.
template <class Part>
void each_part(std::string_view text, char separator, Part&& part) {
    while (true) {
        const std::size_t end = std::min(text.find(separator), text.size());
        part(text.substr(0, end));
        if (end == text.size()) return;
        text.remove_prefix(end + 1);
    }
}

bool is_ipv4(std::string_view text) {
    int parts = 0;
    bool good = true;
    each_part(text, '.', [&](std::string_view part) {
        ++parts;
        good = good && !part.empty() && part.size() <= 3 && all(part, is_digit);
    });
    return good && parts == 4;
}

bool is_ipv6(std::string_view text) {
    const bool plain = all(text, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
    const std::size_t colons = count(text, [](char c) { return c == ':'; });
    return plain && colons >= 2 && (colons == 7 || text.find("::") != text.npos);
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && all(text, is_digit);
}

bool is_host(std::string_view text) {
    return !text.empty() && count(text, is_digit) < text.size() &&
           all(text, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// 10.0.0.1, 10.0.0.1:443, 10.0.0.0/8, gitlab.example.com:443, ::1, fe80::1
bool is_address(std::string_view text) {
    if (is_ipv6(text)) return true;
    const std::size_t end = text.find_last_of(":/");
    const bool ends_in_number = end != text.npos && is_port(text.substr(end + 1));
    const std::string_view host = ends_in_number ? text.substr(0, end) : text;
    return is_ipv4(host) || (ends_in_number && text[end] == ':' && is_host(host));
}

bool is_path(std::string_view text) {
    if (text.size() > 1 && text[0] == '/' && is_word(text[1] == '.' ? '_' : text[1])) return true;
    if (text.size() > 2 && text[1] == ':' && text[2] == '\\') return true;
    const std::size_t slash = text.find('/');
    return slash != text.npos && slash > 0 && text.substr(0, slash).find('.') != text.npos;
}

bool is_uuid(std::string_view text) {
    constexpr std::array<std::size_t, 5> lengths{8, 4, 4, 4, 12};
    std::size_t index = 0;
    bool good = true;
    each_part(text, '-', [&](std::string_view part) {
        good = good && index < lengths.size() && part.size() == lengths[index] && all(part, is_hex);
        ++index;
    });
    return good && index == lengths.size();
}

// A word that is drawn, not written. Where drawn words may look like numbers, numbers of that
// length are taken for drawn, so that one kind of word has one mask.
bool is_id(std::string_view word) {
    const std::size_t digits = count(word, is_digit);
    if (word.starts_with("0x") && word.size() > 4 && all(word.substr(2), is_hex)) return true;
    if (word.size() >= 8 && digits > 0 && all(word, is_hex)) return true;
    return word.size() >= 7 && digits >= 2 && digits < word.size() && all(word, is_word);
}

bool is_unit(std::string_view word) {
    static constexpr std::array<std::string_view, 22> units{
        "ns", "us", "ms", "s",  "m",  "h",  "d",   "B",   "kB",  "KB",  "MB",
        "GB", "TB", "k",  "Ki", "Mi", "Gi", "KiB", "MiB", "GiB", "TiB", "x"};
    return std::find(units.begin(), units.end(), word) != units.end();
}

// Numbers with their units, and numbers joined as in times and versions.
bool is_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || !is_digit(text[0])) return false;
    const bool time = text.size() >= 16 && text[4] == '-' && text[10] == 'T';
    while (!text.empty()) {
        const auto letters_end = std::find_if_not(
            text.begin(), text.end(), [](char c) { return is_lower(c) || is_upper(c); });
        const auto letters = static_cast<std::size_t>(letters_end - text.begin());
        if (letters == 0) {
            const bool joins = std::string_view(".:-+/%~").find(text[0]) != std::string_view::npos;
            if (!is_digit(text[0]) && !joins) return false;
            text.remove_prefix(1);
        } else {
            const std::string_view word = text.substr(0, letters);
            if (!is_unit(word) && !(time && (word == "T" || word == "Z"))) return false;
            text.remove_prefix(letters);
        }
    }
    return true;
}

// Kubernetes draws names from letters and digits that spell no words.
bool is_drawn_suffix(std::string_view part) {
    return part.size() >= 5 && part.size() <= 10 && all(part, [](char c) {
               return std::string_view("bcdfghjklmnpqrstvwxz2456789").find(c) !=
                      std::string_view::npos;
           });
}

// A word of parts joined by '-', '_', '.', ':' and '/' that is nothing as a whole.
void append_parts(std::string_view text, std::string& out) {
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = at;
        while (end < text.size() && is_word(text[end])) ++end;
        const std::string_view part = text.substr(at, end - at);
        const bool after_dash = at > 0 && text[at - 1] == '-';
        // Job pods are runner-SHORTTOKEN-project-N-concurrent-N-SUFFIX
        // (runner v19.4 common/build.go ProjectUniqueName).
        const bool token = after_dash && text.substr(0, at).ends_with("runner-") &&
                           text.substr(end).starts_with("-project-");
        if (part.empty()) {
            out += text[end++];
        } else if (is_number(part) && part.size() < 8) {
            out += after_dash && is_drawn_suffix(part) ? "‹id›" : "‹n›";
        } else if (token || is_id(part) || (after_dash && is_drawn_suffix(part))) {
            out += "‹id›";
        } else if (is_number(part)) {
            out += "‹n›";
        } else {
            out += part;
        }
        at = end;
    }
}

void append_chunk(std::string_view chunk, std::string& out) {
    // What ends a sentence is no part of its last word.
    std::string_view word = chunk;
    while (!word.empty() && std::string_view(".:!?").find(word.back()) != std::string_view::npos)
        word.remove_suffix(1);
    const std::string_view tail = chunk.substr(word.size());
    if (word.empty()) {
        // only punctuation
    } else if (const std::size_t scheme = word.find("://"); scheme != word.npos && scheme > 0) {
        out += "‹url›";
    } else if (is_address(word) && !word.starts_with("sha256:")) {
        out += "‹address›";
    } else if (is_path(word)) {
        out += "‹path›";
    } else if (is_uuid(word) || (all(word, is_hex) && is_id(word))) {
        out += "‹id›";
    } else if (is_number(word)) {
        out += "‹n›";
    } else {
        append_parts(word, out);
    }
    out += tail;
}

// The bytes of a quoted text with its quotes at the front of `text`; 0 when there is none. An
// apostrophe inside a word is none.
std::size_t quoted_size(std::string_view text, char before) {
    const char quote = text[0];
    if (quote != '"' && quote != '\'' && quote != '`') return 0;
    if (is_word(before)) return 0;
    const std::size_t limit = std::min(text.size(), quoted_bytes_max);
    for (std::size_t at = 1; at < limit; ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == quote && (at + 1 == text.size() || !is_word(text[at + 1]))) {
            return at + 1;
        }
    }
    return 0;
}

void cut(std::string& text) {
    if (text.size() <= masked_bytes_max) return;
    constexpr std::string_view ellipsis = "…";
    std::size_t end = masked_bytes_max - ellipsis.size();
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    text += ellipsis;
}

}  // namespace

std::string masked(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size() && out.size() <= masked_bytes_max) {
        const char c = text[at];
        if (is_blank(c)) {
            if (!out.empty() && out.back() != ' ') out += ' ';
            ++at;
        } else if (const std::size_t quoted =
                       quoted_size(text.substr(at), at == 0 ? ' ' : text[at - 1])) {
            out += "\"‹text›\"";
            at += quoted;
        } else if (ends_chunk(c)) {
            out += c;
            ++at;
        } else {
            std::size_t end = at;
            while (end < text.size() && !ends_chunk(text[end])) ++end;
            if (text.substr(at, end - at).find("://") != text.npos)
                end = std::min(text.find_first_of(" \t\r\n\"'`()<>[]|", end), text.size());
            append_chunk(text.substr(at, end - at), out);
            at = end;
        }
    }
    while (out.ends_with(' ')) out.pop_back();
    cut(out);
    return out;
}

}  // namespace runnerwatch
