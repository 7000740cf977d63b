#pragma once

#include "daemon/runtime/loop.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/test_certificates.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// A server that speaks HTTP/2 over TLS (nghttp2's own) and does with each stream what the test
// wants, in order or not. Confined to the loop.
class FakeH2Server {
public:
    class Connection;

    // A request and the answer to it. Keep no longer than the server.
    struct Stream {
        std::shared_ptr<Connection> connection;
        std::int32_t id = 0;
        std::map<std::string, std::string> headers;  // with ":path" and its like

        void begin(int status, const std::string& retry_after = "") const;
        void write(const std::string& bytes) const;
        void end() const;
        void reset(std::uint32_t error) const;
        void cut() const;      // the whole connection
        void go_away() const;  // likewise, in order: what was asked is served on
    };

    struct Options {
        std::uint32_t streams_max = 100;
        bool speaks_h2 = true;                   // of new connections; else only HTTP/1.1
        bool wants_certificate = false;          // of the client
        std::string server_name = "server";      // its certificate's files
        std::function<void(Stream)> on_request;  // none: 200, "yes" and the end
    };

    FakeH2Server(Loop loop, const TestAuthority& authority, Options options);

    Options options;
    std::uint16_t port() const { return port_; }
    int connections() const { return connections_; }  // ever
    std::size_t living() const;                       // connections that speak HTTP/2
    std::string url(const std::string& target) const;
    const std::vector<std::uint32_t>& resets() const { return resets_; }  // by the client

    asio::awaitable<void> stop();  // before it is destroyed

private:
    friend class Connection;
    asio::awaitable<void> accept();

    asio::ip::tcp::acceptor acceptor_;
    asio::ssl::context tls_;
    std::uint16_t port_ = 0;
    int connections_ = 0;
    std::vector<std::uint32_t> resets_;
    std::vector<std::weak_ptr<Connection>> all_;
    TaskGroup tasks_;
};

}  // namespace runnerwatch
