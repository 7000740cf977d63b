#pragma once

#include "daemon/net/http_client.h"
#include "parsers/result.h"

#include <string>

namespace CLI {
class App;
}

namespace runnerwatch {

// --ca-file of a command that asks a daemon.
void add_authorities(CLI::App& command);

// What a command says where a question had no answer.
inline constexpr const char* where_to_ask =
    "Name the http.listen of a running daemon with --api, or its database with --database FILE.";

// GET `target` ("/api/v1/…") of the daemon whose http.listen is `address`, or which is at that URL
// (with its http.path_prefix), with the token of RUNNERWATCH_TOKEN or RUNNERWATCH_TOKEN_FILE. By
// https:// the daemon must prove who it is: to the authorities of the system, or to those in the
// file that RUNNERWATCH_CA_FILE names. Blocks until there is a reply, whatever its status. The
// error is for people.
Result<HttpReply, std::string> ask_daemon(const std::string& address, const std::string& target);

// POST of a JSON document to it.
Result<HttpReply, std::string> tell_daemon(const std::string& address, const std::string& target,
                                           const std::string& body);

}  // namespace runnerwatch
