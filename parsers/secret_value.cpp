#include "parsers/secret_value.h"

#include "parsers/ascii_lower.h"
#include "parsers/byte_set.h"

#include <algorithm>
#include <string>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

constexpr std::size_t name_max = 64;

// A token as the runner prints it (a prefix and at most 9 characters) is shorter.
constexpr std::size_t short_value_max = 12;

struct SecretName {
    std::string_view ending;  // of the name in lower case, without '-' and '_'
    std::string_view kind;
    bool header = false;         // a scheme may stand before the value: "Bearer …"
    std::size_t length_min = 1;  // shorter values are none
};

constexpr SecretName names[] = {
    {"authorization", "authorization", true},
    {"privatetoken", "private-token", true},
    {"jobtoken", "job-token", true},
    {"runnertoken", "runner-token", true},
    {"password", "password"},
    {"passwd", "passwd"},
    {"passphrase", "passphrase"},
    {"secret", "secret"},
    {"token", "token", false, short_value_max + 1},
    {"apikey", "api-key"},
    {"accesskey", "access-key"},
    {"secretkey", "secret-key"},
    {"privatekey", "private-key"},
};

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

// Whether a name ends so, its case and its '-' and '_' left out.
bool ends_with(std::string_view name, std::string_view ending) {
    while (!ending.empty()) {
        if (name.empty()) return false;
        const char last = name.back();
        name.remove_suffix(1);
        if (last == '-' || last == '_') continue;
        if (ascii_lower(last) != ending.back()) return false;
        ending.remove_suffix(1);
    }
    return true;
}

const SecretName* secret_name(std::string_view name) {
    for (const SecretName& candidate : names)
        if (ends_with(name, candidate.ending)) return &candidate;
    return nullptr;
}

// A quote at `at`, perhaps escaped: its length, 0 when there is none.
std::size_t quote_length(std::string_view text, std::size_t at) {
    std::size_t length = 0;
    while (length < 2 && at + length < text.size() && text[at + length] == '\\') ++length;
    const bool quote =
        at + length < text.size() && (text[at + length] == '"' || text[at + length] == '\'');
    return quote ? length + 1 : 0;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    return at;
}

bool same_word(std::string_view a, std::string_view lower) {
    return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                      [](char x, char y) { return ascii_lower(x) == y; });
}

bool is_scheme(std::string_view word) {
    for (const std::string_view scheme : {"bearer", "basic", "token", "negotiate"})
        if (same_word(word, scheme)) return true;
    return false;
}

// The end of an unquoted value.
std::size_t word_end(std::string_view text, std::size_t at) {
    static constexpr ByteSet ends(" \t\r\n\"'&,]\\");
    return std::min(ends.find(text, at), text.size());
}

// What begins here is no secret: a URL (its credentials are looked for by themselves), what was
// redacted already, a token in the short form that is shown on purpose.
bool begins_no_secret(std::string_view text) {
    static constexpr std::size_t scheme_max = 16;
    const std::string_view begin = text.substr(0, scheme_max);
    if (begin.starts_with("\u2039") || begin.find("://") != npos) return true;
    return begin.starts_with("gl") && begin.find('-') != npos;
}

// What stands for a value without being one.
bool is_placeholder(std::string_view value) {
    for (const std::string_view word :
         {"[masked]", "[filtered]", "[hidden]", "null", "<nil>", "nil", "true", "false", "none"})
        if (same_word(value, word)) return true;
    return value.find_first_not_of('*') == npos;
}

}  // namespace

SecretValue secret_value_at(std::string_view text, std::size_t separator, std::size_t from) {
    // Backwards: blanks, a closing quote, the name.
    std::size_t name_end = separator;
    while (name_end > from && separator - name_end < 2 && text[name_end - 1] == ' ') --name_end;
    if (name_end > from && (text[name_end - 1] == '"' || text[name_end - 1] == '\'')) --name_end;
    while (name_end > from && text[name_end - 1] == '\\') --name_end;
    std::size_t name_begin = name_end;
    while (name_begin > from && name_end - name_begin < name_max && is_name(text[name_begin - 1]))
        --name_begin;
    const SecretName* name = secret_name(text.substr(name_begin, name_end - name_begin));
    if (name == nullptr) return {};

    // Forwards: blanks, an opening bracket (Go prints header maps so), a quote, the value.
    std::size_t at = skip_blanks(text, separator + 1);
    if (name->header && at < text.size() && text[at] == '[') ++at;
    const std::size_t quote = quote_length(text, at);
    const std::string_view closing = text.substr(at, quote);
    at += quote;
    if (name->header && is_scheme(text.substr(at, word_end(text.substr(0, at + 12), at) - at)))
        at = skip_blanks(text, word_end(text, at));
    if (begins_no_secret(text.substr(at))) return {};
    std::size_t end = quote == 0 ? word_end(text, at) : text.find(closing, at);
    // An escaped quote inside the value does not close it.
    while (quote == 1 && end != npos && end > at && text[end - 1] == '\\')
        end = text.find(closing, end + 1);
    end = std::min(end, text.size());
    // What was redacted already does not make a short value longer.
    const std::size_t measured =
        std::min(text.substr(at, name->length_min + 2).find("\u2039"), end - at);
    if (measured < name->length_min || is_placeholder(text.substr(at, end - at))) return {};
    return {at, end, name->kind};
}

}  // namespace runnerwatch
