#pragma once

#include "parsers/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// How one cluster is reached, with paths made absolute against the kubeconfig's folder. Holds
// credentials: never print it.
struct ClusterAccess {
    std::string context;
    std::string server;            // URL, may carry a path prefix
    std::string ca_file, ca_data;  // PEM; data wins
    std::string client_certificate_file, client_certificate_data;
    std::string client_key_file, client_key_data;
    std::string token, token_file;  // the file wins and is re-read
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
// wins) and resolves `context` (empty: the current one). Exec plugins and auth providers are
// refused with a sentence: they come later. Source: client-go clientcmd/loader.go.
Result<ClusterAccess, KubeconfigError> read_kubeconfig(const std::vector<KubeconfigFile>& files,
                                                       std::string_view context);

}  // namespace runnerwatch
