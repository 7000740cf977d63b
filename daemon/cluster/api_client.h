#pragma once

#include "daemon/net/http_client.h"
#include "parsers/kubeconfig.h"
#include "parsers/pod.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace runnerwatch {

// Why the API server did not give what was asked, in words that name verb, resource, namespace
// and what to do.
struct ApiError {
    int code = 0;  // HTTP status, 0: no answer
    std::string reason, kind;
    std::string what;
    std::string retry_after;
    std::string next;  // of a list whose place was forgotten: what gives its rest
};

// One cluster's API: authentication, TLS, base URL. Tokens from files are read again every 60 s
// and after a 401. Confined to the loop.
class ApiClient {
public:
    ApiClient(Loop loop, ClusterAccess access);

    // `path` begins with "/api/"; a path prefix of the server is kept.
    asio::awaitable<Result<std::string, ApiError>> get(std::string path);
    // `on_headers` is not told of a 401 that a newer token may cure.
    asio::awaitable<StreamEnd> stream(std::string path, std::function<void(int)> on_headers,
                                      std::function<void(std::string_view)> on_bytes);

    // Why a stream was refused or broke.
    ApiError explain(std::string_view path, const StreamEnd& end) const;

    const std::string& server() const { return access_.server; }

private:
    HttpCall call(const std::string& path);
    const std::string& token();
    bool may_renew_token(int status);
    ApiError refused(std::string_view path, int status, std::string_view body,
                     std::string retry_after) const;

    ClusterAccess access_;
    HttpClient client_;
    std::string token_;  // as last read from its file
    std::chrono::steady_clock::time_point token_read_{};
};

// The access of a pod in a cluster, from its service account; refused with a sentence elsewhere.
Result<ClusterAccess, KubeconfigError> in_cluster_access();

// Reads the files named ("a:b", as $KUBECONFIG) and resolves the context.
Result<ClusterAccess, KubeconfigError> kubeconfig_access(const std::string& paths,
                                                         const std::string& context);

}  // namespace runnerwatch
