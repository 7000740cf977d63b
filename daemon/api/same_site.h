#pragma once

#include "daemon/net/http_server.h"

#include <optional>
#include <string>

// Who may ask the API, while being able to reach loopback is all that is asked of anybody.
namespace runnerwatch {

// The reply to a request that a page of another site made the browser send, or nothing. Such a page
// may reach us by a name of its own (DNS rebinding), but cannot name us; it may post a form, but no
// JSON; and browsers say where a request comes from.
std::optional<ServerReply> refuse_strangers(const ServerRequest& request);

}  // namespace runnerwatch
