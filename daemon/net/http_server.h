#pragma once

#include "daemon/runtime/loop.h"
#include "parsers/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

class TlsIdentity;

struct ServerRequest {
    std::string method, path;                    // path percent-decoded, without the query
    std::map<std::string, std::string> query;    // decoded
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::string peer;     // the client's IP address
    bool secure = false;  // it came by TLS

    std::string query_value(const std::string& name) const;  // empty when absent
    std::string header(const std::string& name) const;       // in lower case; empty when absent
};

struct ServerReply {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

// Answers one request, whole or as a stream. Writing to a client that has gone throws
// boost::system::system_error, which ends the handler.
class Responder {
public:
    virtual ~Responder() = default;
    virtual asio::awaitable<void> send(ServerReply reply) = 0;
    virtual asio::awaitable<void> begin_stream(int status, std::string content_type) = 0;
    virtual asio::awaitable<void> write(std::string bytes) = 0;  // one chunk, flushed
    virtual asio::awaitable<void> end_stream() = 0;
};

// A small HTTP/1.1 server on Beast, with TLS where it is asked for: the API, the probe listener,
// the replay server of the demonstration and the fakes of the tests. Confined to the loop. Bounded:
// connections, header and body bytes, time for a request to arrive.
class HttpServer {
public:
    using Handler = std::function<asio::awaitable<void>(ServerRequest, Responder&)>;
    struct Limits {
        std::size_t connections = 512;
        std::size_t body_bytes = 1024 * 1024;
        std::size_t header_bytes = 16 * 1024;
        std::chrono::seconds request_time{30};
    };

    HttpServer(Loop loop, Handler handler) : HttpServer(loop, std::move(handler), Limits{}) {}
    HttpServer(Loop loop, Handler handler, Limits limits);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Before listen(): connections speak TLS and nothing else. `identity` must outlive the server.
    void speak_tls(TlsIdentity& identity);

    // "127.0.0.1:8080", "[::1]:0", ":9000" (all addresses). Returns the port. Port 0: any free.
    Result<std::uint16_t, std::string> listen(const std::string& address);

    // Stops accepting, cancels the connections, returns when the last has ended.
    asio::awaitable<void> stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace runnerwatch
