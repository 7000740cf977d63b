#include "parsers/redaction.h"

#include "parsers/byte_set.h"
#include "parsers/secret_value.h"

#include <algorithm>
#include <iterator>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

// What the runner prints of a token: a prefix and at most this many characters.
constexpr std::size_t short_token_max = 9;
// Words that look like a token's prefix ("glossary-…") are one only with this much behind them.
constexpr std::size_t unknown_token_min = 12;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

bool is_alphanumeric(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_base64url(char c) { return is_alphanumeric(c) || c == '-' || c == '_'; }

bool is_token(char c) { return is_base64url(c) || c == '.' || c == '='; }

template <class Predicate>
std::size_t run_length(std::string_view text, Predicate&& belongs) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), belongs) -
                                    text.begin());
}

std::string marker(std::string_view kind) {
    return "\u2039" + std::string(kind) + "\u2026redacted\u203a";
}

// A secret found at the start of a text.
struct Found {
    std::size_t length = 0;  // 0: nothing
    std::string_view kind;
};

// docs/security/tokens of GitLab. The runner glues its short token to the URL
// ("https://gitlab.example.comglpat-xxx"), so letters may stand before a known prefix.
constexpr std::string_view known_prefixes[] = {"glrt-",  "glpat-",   "gldt-",  "glcbt-",  "glptt-",
                                               "glrtr-", "glagent-", "gloas-", "glsoat-", "glft-",
                                               "glimt-", "glffct-",  "glwt-",  "gluf-"};

Found gitlab_token(std::string_view text, bool after_word) {
    for (const std::string_view prefix : known_prefixes)
        if (text.starts_with(prefix)) {
            const std::size_t body = run_length(text.substr(prefix.size()), is_token);
            if (body <= short_token_max) return {};
            return {prefix.size() + body, prefix};
        }
    if (after_word) return {};
    const std::size_t letters = run_length(text.substr(2, 9), is_lower);
    if (letters < 2 || letters > 8 || !text.substr(2 + letters).starts_with('-')) return {};
    const std::size_t prefix = letters + 3;
    const std::size_t body = run_length(text.substr(prefix), is_token);
    if (body < unknown_token_min) return {};
    return {prefix + body, text.substr(0, prefix)};
}

// Registration tokens, and runner tokens of before 16 ("t1_…").
Found legacy_token(std::string_view text, bool after_word) {
    static constexpr std::string_view registration = "GR1348941";
    if (text.starts_with(registration)) {
        const std::size_t body = run_length(text.substr(registration.size()), is_base64url);
        if (body <= short_token_max) return {};
        return {registration.size() + body, registration};
    }
    if (after_word || text.size() < 3 || text[1] < '1' || text[1] > '3' || text[2] != '_')
        return {};
    const std::size_t body = run_length(text.substr(3), is_base64url);
    if (body < 20) return {};
    return {3 + body, text.substr(0, 3)};
}

// "eyJ….….…". On failure `measured` is how much of the text was found to begin none.
Found json_web_token(std::string_view text, std::size_t& measured) {
    const std::size_t header = run_length(text, is_base64url);
    measured = header;
    if (header < 10 || !text.substr(header).starts_with('.')) return {};
    const std::size_t payload = run_length(text.substr(header + 1), is_base64url);
    if (payload < 4 || !text.substr(header + 1 + payload).starts_with('.')) return {};
    const std::size_t two = header + payload + 2;
    return {two + run_length(text.substr(two), is_base64url), "jwt"};
}

// One pass for everything that is recognised by how it looks.
std::string redact_tokens(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t kept = 0;
    std::size_t no_jwt_before = 0;  // a run of letters is not measured again from its middle
    static constexpr ByteSet begins("geGt");
    for (std::size_t at = begins.find(text); at != npos; at = begins.find(text, at)) {
        const std::string_view rest = text.substr(at);
        const bool after_word = at > 0 && is_base64url(text[at - 1]);
        Found found;
        if (rest.starts_with("gl")) {
            found = gitlab_token(rest, after_word);
        } else if (rest.front() == 'G' || rest.front() == 't') {
            found = legacy_token(rest, after_word);
        } else if (rest.starts_with("eyJ") && at >= no_jwt_before) {
            std::size_t measured = 0;
            found = json_web_token(rest, measured);
            no_jwt_before = at + measured;
        }
        if (found.length == 0) {
            ++at;
            continue;
        }
        out += text.substr(kept, at - kept);
        out += marker(found.kind);
        at += found.length;
        kept = at;
    }
    out += text.substr(kept);
    return out;
}

// "https://user:password@host": both are replaced; "ssh://git@host" has nothing to hide.
std::string redact_url_credentials(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t kept = 0;
    static constexpr ByteSet ends("/ \t\r\n\"'<>?#\\");
    for (std::size_t at = text.find("://"); at != npos; at = text.find("://", at)) {
        const std::string_view scheme = text.substr(0, at);
        at += 3;
        const std::size_t end = std::min(ends.find(text, at), text.size());
        const std::string_view authority = text.substr(at, end - at);
        const std::size_t user_end = authority.rfind('@');
        if (user_end == npos || user_end == 0) continue;
        const bool password = authority.substr(0, user_end).find(':') != npos;
        if (!password && !scheme.ends_with("http") && !scheme.ends_with("https")) continue;
        out += text.substr(kept, at - kept);
        out += marker("url-credentials");
        kept = at + user_end;
        at = kept;
    }
    out += text.substr(kept);
    return out;
}

// Values behind keys named like secrets.
std::string redact_named_values(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t kept = 0;
    static constexpr ByteSet separators("=:");
    for (std::size_t at = separators.find(text); at != npos; at = separators.find(text, at)) {
        const SecretValue secret = secret_value_at(text, at, kept);
        if (secret.end == 0) {
            ++at;
            continue;
        }
        out += text.substr(kept, secret.begin - kept);
        out += marker(secret.kind);
        kept = at = secret.end;
    }
    out += text.substr(kept);
    return out;
}

constexpr std::string_view key_begin = "-----BEGIN ";
constexpr std::string_view key_end = "-----END ";

// Where a line of dashes that begins with `begin` at `at` and names a private key ends, or npos.
std::size_t key_line_end(std::string_view text, std::size_t at, std::string_view begin) {
    static constexpr std::size_t name_max = 64;
    const std::size_t from = at + begin.size();
    const std::string_view name = text.substr(from, name_max);
    const std::size_t end = name.find("-----");
    if (end == npos || name.substr(0, end).find("PRIVATE KEY") == npos) return npos;
    return from + end + 5;
}

std::size_t find_key_line(std::string_view text, std::size_t from, std::string_view begin,
                          std::size_t& end) {
    for (std::size_t at = text.find(begin, from); at != npos; at = text.find(begin, at + 1)) {
        end = key_line_end(text, at, begin);
        if (end != npos) return at;
    }
    return npos;
}

// Replaces private keys from BEGIN to END; `inside` says whether one is open at the start of the
// text, and afterwards whether one is at its end.
std::string redact_keys(std::string_view text, bool& inside) {
    std::string out;
    std::size_t at = 0;
    for (;;) {
        std::size_t end = 0;
        if (!inside) {
            const std::size_t begin = find_key_line(text, at, key_begin, end);
            out += text.substr(at, begin == npos ? npos : begin - at);
            if (begin == npos) return out;
            at = end;
        }
        out += marker("private-key");
        inside = find_key_line(text, at, key_end, end) == npos;
        if (inside) return out;
        at = end;
    }
}

std::string redact_all_but_keys(std::string_view text) {
    return redact_named_values(redact_url_credentials(redact_tokens(text)));
}

}  // namespace

std::string redact(std::string_view text) {
    if (text.find(key_begin) == npos) return redact_all_but_keys(text);
    bool inside = false;
    return redact_all_but_keys(redact_keys(text, inside));
}

std::string LineRedactor::line(std::string_view text) {
    bool inside = inside_key();
    if (!inside && text.find(key_begin) == npos) return redact_all_but_keys(text);
    const std::string without_keys = redact_keys(text, inside);
    // A key whose end never comes must not hide the log for ever.
    if (!inside)
        key_lines_ = 0;
    else if (key_lines_ == 0)
        key_lines_ = key_lines_max;
    else
        --key_lines_;
    return redact_all_but_keys(without_keys);
}

}  // namespace runnerwatch
