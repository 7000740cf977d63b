#pragma once

#include "daemon/runtime/loop.h"
#include "parsers/exec_credential.h"

#include <string>

namespace runnerwatch {

// Runs a credential plugin and reads what it prints. It gets no terminal and no input, 60 s and
// 1 MiB; beyond that, and when the await is cancelled, it and what it started are killed.
//
// The error says what the plugin did, with what it wrote to standard error, redacted; never what
// it printed. Source of the protocol: client-go, plugin/pkg/client/auth/exec/exec.go.
asio::awaitable<Result<ExecCredential, std::string>> run_exec_plugin(ExecPlugin plugin,
                                                                     ExecClusterInfo cluster);

}  // namespace runnerwatch
