#pragma once

#include "parsers/result.h"
#include "parsers/timestamp.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// A program that prints credentials (users[].exec of a kubeconfig). May hold secrets in its
// arguments and environment: never print them.
struct ExecPlugin {
    std::string command;  // a path, or a bare name for $PATH
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;  // beside the process's own
    std::string api_version;  // client.authentication.k8s.io/…
    std::string install_hint;
    bool wants_cluster = false;  // to be told which cluster it is for
};

// What a plugin printed. Holds secrets.
struct ExecCredential {
    std::string token, client_certificate, client_key;  // PEM
    std::optional<Timestamp> expires;                   // none: until it is refused
};

// Reads a plugin's output (kind ExecCredential, the version that was asked for). The error says
// what is wrong and holds nothing of the output.
Result<ExecCredential, std::string> parse_exec_credential(std::string_view json,
                                                          std::string_view api_version);

// What a plugin gets as $KUBERNETES_EXEC_INFO: nobody can be asked. `server` and the rest describe
// the cluster; they are left out unless the plugin wants them.
struct ExecClusterInfo {
    std::string server, tls_server_name, ca_data, proxy_url;
    bool insecure_skip_tls_verify = false;
};
std::string exec_info(const ExecPlugin& plugin, const ExecClusterInfo& cluster);

}  // namespace runnerwatch
