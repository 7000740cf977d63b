#pragma once

#include "parsers/exec_credential.h"
#include "parsers/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// Who requests are made as, beside the credentials' own user; empty: as that one.
struct Impersonation {
    std::string user, uid;
    std::vector<std::string> groups;
    std::vector<std::pair<std::string, std::string>> extra;  // a key once per value
};

// How one cluster is reached, with paths made absolute against the kubeconfig's folder. Holds
// credentials: never print it.
struct ClusterAccess {
    std::string context;
    std::string server;            // URL, may carry a path prefix
    std::string ca_file, ca_data;  // PEM; data wins
    std::string client_certificate_file, client_certificate_data;
    std::string client_key_file, client_key_data;
    std::string token, token_file;  // the file wins and is re-read
    std::optional<ExecPlugin> exec;
    Impersonation as;
    std::string tls_server_name, proxy_url;
    std::string default_namespace;
    bool insecure_skip_tls_verify = false;
};

struct KubeconfigError {
    std::string what;  // four parts, no secret
};

// A kubeconfig that was read: `folder` is where relative paths start.
struct KubeconfigFile {
    std::string name, folder, text;
};

// Merges the files as kubectl does (the first to define a name wins, the first current-context
// wins) and resolves `context` (empty: the current one). Auth providers and plugins that need a
// terminal are refused with a sentence. Source: client-go clientcmd/loader.go, validation.go.
Result<ClusterAccess, KubeconfigError> read_kubeconfig(const std::vector<KubeconfigFile>& files,
                                                       std::string_view context);

}  // namespace runnerwatch
