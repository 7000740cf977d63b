#pragma once

#include "daemon/config.h"
#include "daemon/net/http_server.h"
#include "parsers/result.h"

#include <optional>
#include <string>
#include <vector>

// Who asks the API, and what he may see and do. Where neither tokens nor a proxy are configured the
// API is served on loopback only, and being able to reach that is all that is asked of anybody.
namespace runnerwatch {

struct Caller {
    std::string name;  // of the token, or the user a proxy names; empty: not known
    Role role = Role::admin;
    std::vector<std::string> namespaces;  // empty: all

    bool may_see(const std::string& namespace_) const;
};

// Whether callers must say who they are.
bool is_guarded(const Config::Http& http);

// The caller, or the reply that refuses him: 401 for a token that is missing or none of ours.
// Tokens are compared by their hashes, so how long it takes says nothing of them.
Result<Caller, ServerReply> caller_of(const ServerRequest& request, const Config::Http& http);

// The reply to somebody who lacks the role; nothing: he has it.
std::optional<ServerReply> refuse_without(Role needed, const Caller& caller);

// A new token ("rwt_…", 256 random bits) and the hash by which it is configured.
struct NewToken {
    std::string token, sha256;
};
NewToken make_token();

}  // namespace runnerwatch
