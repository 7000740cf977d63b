#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// Replaces secrets by "‹kind…redacted›": GitLab tokens of full length (glrt-, glpat-, gldt-,
// glcbt-, glptt-, GR1348941… and any gl…- prefix), JSON web tokens, credentials in URLs,
// Authorization values, private keys, and values of fields named like secrets.
//
// Short tokens as the runner prints them (a prefix and at most 9 characters) are the diagnosis,
// not a secret, and stay. Run it before anything is cut: half a token would pass.
std::string redact(std::string_view text);

// The same over the lines of one source: a private key is redacted from its BEGIN line to its
// END line, in however many lines and records they come (at most `key_lines_max`).
class LineRedactor {
public:
    static constexpr int key_lines_max = 200;
    std::string line(std::string_view text);
    bool inside_key() const { return key_lines_ > 0; }

private:
    int key_lines_ = 0;
};

// Text with one planted secret of each kind, and whether `kept` (what came out of the whole
// path) is free of all of them. Run at every start.
std::string redaction_canary();
bool holds_canary_secret(std::string_view kept);

}  // namespace runnerwatch
