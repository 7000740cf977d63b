#pragma once

#include "daemon/net/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>

namespace runnerwatch {

// Serves the requests of one connection, one after the other, until either side ends it. With
// `tls` it speaks nothing else. `handler` and `limits` must outlive it. Part of HttpServer.
asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket,
                                       std::shared_ptr<asio::ssl::context> tls,
                                       const HttpServer::Handler& handler,
                                       const HttpServer::Limits& limits);

}  // namespace runnerwatch
