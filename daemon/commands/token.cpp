#include "daemon/commands/token.h"

#include "daemon/api/access.h"

namespace runnerwatch {
namespace {

// A YAML scalar that can be nothing else.
std::string quoted(const std::string& text) {
    std::string safe = "'";
    for (const char c : text) safe += c == '\'' ? std::string("''") : std::string(1, c);
    return safe + "'";
}

}  // namespace

int print_new_token(const TokenOptions& options, std::ostream& out) {
    const NewToken made = make_token();
    out << made.token << "\n\n"
        << "This is the token of " << options.name << ". It is kept nowhere: hand it over now. Its "
        << "user puts it\ninto RUNNERWATCH_TOKEN, or into a file that RUNNERWATCH_TOKEN_FILE "
        << "names, or sends it as\nAuthorization: Bearer TOKEN. Into the configuration goes its "
        << "hash:\n\n"
        << "http:\n  tokens:\n    - name: " << quoted(options.name)
        << "\n      role: " << options.role << "\n      sha256: " << made.sha256 << "\n";
    if (!options.namespaces.empty()) {
        out << "      namespaces: [";
        for (std::size_t i = 0; i < options.namespaces.size(); ++i)
            out << (i > 0 ? ", " : "") << quoted(options.namespaces[i]);
        out << "]\n";
    }
    return 0;
}

}  // namespace runnerwatch
