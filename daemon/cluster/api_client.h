#pragma once

#include "daemon/cluster/cluster_access.h"
#include "daemon/cluster/credentials.h"
#include "daemon/cluster/open_pacer.h"
#include "daemon/net/http_client.h"
#include "parsers/pod.h"

#include <functional>
#include <memory>
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

// One cluster's API: authentication, TLS, base URL. Confined to the loop.
class ApiClient {
public:
    // `open_rate`: log streams that may be opened a second.
    ApiClient(Loop loop, ClusterAccess access, double open_rate = OpenPacer::rate_default);

    // `path` begins with "/api/"; a path prefix of the server is kept. 204 (the log of a pod that
    // has no node) is an error, too.
    asio::awaitable<Result<std::string, ApiError>> get(std::string path);
    // `on_headers` may be told of a 401 and, with newer credentials, of another answer.
    asio::awaitable<StreamEnd> stream(std::string path, std::function<void(int)> on_headers,
                                      std::function<void(std::string_view)> on_bytes);

    // Begins an answer that `taker` hears for as long as the result is kept. `fresh`: not over a
    // connection that is there, it may be dead. No answer begins without credentials.
    struct Opened {
        std::shared_ptr<HttpStream> stream;
        std::uint64_t credentials;  // what it was asked with
    };
    asio::awaitable<Result<Opened, ApiError>> open(std::string path, HttpStreamTaker& taker,
                                                   bool fresh);
    // After a 401: whether there are newer credentials to ask with.
    asio::awaitable<bool> renew(std::uint64_t credentials) {
        return credentials_.renew(credentials);
    }

    // Why a stream was refused or broke.
    ApiError explain(std::string_view path, const StreamEnd& end) const;

    // To be asked before a log is.
    OpenPacer& pacer() { return pacer_; }

    const std::string& server() const { return access_.server; }

private:
    HttpCall call(const std::string& path, const Credentials::Current& credentials);
    std::shared_ptr<const TlsOptions> tls(const Credentials::Current& credentials);
    ApiError refused(std::string_view path, int status, std::string_view body,
                     std::string retry_after) const;

    const ClusterAccess access_;
    Credentials credentials_;
    OpenPacer pacer_;
    std::shared_ptr<const TlsOptions> tls_;
    std::uint64_t tls_generation_ = 0;
    HttpClient client_;
};

}  // namespace runnerwatch
