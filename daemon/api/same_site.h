#pragma once

#include "daemon/net/http_server.h"

#include <optional>
#include <string>

// Pages that are not ours.
namespace runnerwatch {

// `guarded`: callers say who they are, which a page that rebinds a name to us cannot; then we may
// have any name. The reply to a request that a page of another site made the browser send, or
// nothing. Such a page may reach us by a name of its own (DNS rebinding), but cannot name us; it
// may post a form, but no JSON; and browsers say where a request comes from.
std::optional<ServerReply> refuse_strangers(const ServerRequest& request, bool guarded);

}  // namespace runnerwatch
