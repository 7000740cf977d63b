#include "daemon/api/access.h"

#include "daemon/api/history_api.h"
#include "daemon/api/visibility.h"
#include "parsers/digest.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace runnerwatch {
namespace {

constexpr std::size_t token_bytes = 32;

// Of "Bearer TOKEN"; the word's case does not matter (RFC 7235).
std::string bearer_token(const std::string& authorization) {
    static constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size()) return {};
    for (std::size_t i = 0; i < scheme.size(); ++i)
        if ((authorization[i] | 0x20) != scheme[i]) return {};
    const std::size_t begin = authorization.find_first_not_of(' ', scheme.size());
    return begin == std::string::npos ? std::string() : authorization.substr(begin);
}

ServerReply unauthorized(const std::string& detail) {
    ServerReply reply = problem_reply(401, "Unauthorized", detail);
    reply.headers.emplace_back("www-authenticate", "Bearer realm=\"runnerwatch\"");
    return reply;
}

// The user that a proxy names, if it is one that is believed.
std::optional<Caller> proxied(const ServerRequest& request, const Config::Http::Proxy& proxy) {
    const bool believed =
        std::find(proxy.from.begin(), proxy.from.end(), request.peer) != proxy.from.end();
    if (!believed) return std::nullopt;
    std::string user = request.header(proxy.user_header);
    if (user.empty()) return std::nullopt;
    return Caller{std::move(user), proxy.role, {}};
}

}  // namespace

bool Caller::may_see(const std::string& namespace_) const {
    return is_visible(namespaces, namespace_);
}

bool is_guarded(const Config::Http& http) {
    return !http.tokens.empty() || !http.proxy.user_header.empty();
}

Result<Caller, ServerReply> caller_of(const ServerRequest& request, const Config::Http& http) {
    if (!is_guarded(http)) return Caller{};
    if (!http.proxy.user_header.empty())
        if (auto caller = proxied(request, http.proxy)) return *std::move(caller);
    const std::string token = bearer_token(request.header("authorization"));
    if (token.empty())
        return failure(
            unauthorized("Say who asks: send Authorization: Bearer TOKEN. With the "
                         "commands, put the token into RUNNERWATCH_TOKEN or name its "
                         "file in RUNNERWATCH_TOKEN_FILE."));
    const std::string hash = sha256_hex(token);
    const auto known = std::find_if(http.tokens.begin(), http.tokens.end(),
                                    [&](const auto& one) { return one.sha256 == hash; });
    if (known == http.tokens.end())
        return failure(unauthorized("This token is none of those in http.tokens."));
    return Caller{known->name, known->role, known->namespaces};
}

std::optional<ServerReply> refuse_without(Role needed, const Caller& caller) {
    if (caller.role >= needed) return std::nullopt;
    return problem_reply(403, "Forbidden",
                         caller.name + " is " + to_string(caller.role) + ", and this is for " +
                             to_string(needed) + "s. Nothing was changed.");
}

NewToken make_token() {
    std::array<unsigned char, token_bytes> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
        throw std::runtime_error("the system gives no random bytes");
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string token = "rwt_";
    unsigned bits = 0;
    int held = 0;
    for (const unsigned char byte : random) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6) token += digits[bits >> (held - 6) & 63];
    }
    if (held > 0) token += digits[bits << (6 - held) & 63];
    return {token, sha256_hex(token)};
}

}  // namespace runnerwatch
