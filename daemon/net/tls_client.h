#pragma once

#include "daemon/net/http_client.h"
#include "parsers/result.h"

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

struct SslFree {
    void operator()(SSL* tls) const { SSL_free(tls); }
};
using SslHandle = std::unique_ptr<SSL, SslFree>;

// What connections are secured with, by their options: one for all connections of a cluster, made
// again after a minute, because files rotate. Confined to the loop.
class TlsContexts {
public:
    using Now = std::chrono::steady_clock::time_point;

    // TLS 1.2 and later, HTTP/2 asked for, the server verified unless the options say not to. The
    // error says which certificate cannot be used, and never quotes one.
    Result<std::shared_ptr<SSL_CTX>, std::string> get(const TlsOptions& options, Now now);

private:
    struct Made {
        TlsOptions options;
        std::shared_ptr<SSL_CTX> context;
        Now at;
    };
    std::vector<Made> made_;
};

// The client's end of a connection over `socket`, which must outlive it and is not closed by it.
// The server's certificate has to be for `name`: a host name or an address without brackets. Null:
// there is no memory, or the name is none.
SslHandle new_tls_client(SSL_CTX& context, int socket, const std::string& name);

// Why the last call on `tls` failed, whose SSL_get_error() was `error`, in words.
std::string tls_trouble(const SSL& tls, int error);

}  // namespace runnerwatch
