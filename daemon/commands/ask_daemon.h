#pragma once

#include "daemon/net/http_client.h"
#include "parsers/result.h"

#include <string>

namespace runnerwatch {

// What a command says where a question had no answer.
inline constexpr const char* where_to_ask =
    "Name the http.listen of a running daemon with --api, or its database with --database FILE.";

// GET `target` ("/api/v1/…") of the daemon whose http.listen is `address`, or which is at that URL,
// with the token of RUNNERWATCH_TOKEN or RUNNERWATCH_TOKEN_FILE. Blocks until there is a
// reply, whatever its status. The error is for people.
Result<HttpReply, std::string> ask_daemon(const std::string& address, const std::string& target);

// POST of a JSON document to it.
Result<HttpReply, std::string> tell_daemon(const std::string& address, const std::string& target,
                                           const std::string& body);

}  // namespace runnerwatch
