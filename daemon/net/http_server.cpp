#include "daemon/net/http_server.h"

#include "daemon/net/http_connection.h"
#include "daemon/net/tls_identity.h"
#include "daemon/runtime/task_group.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>

#include <spdlog/spdlog.h>

#include <charconv>
#include <string_view>

namespace runnerwatch {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds accept_pause{100};

void report(const std::string& task, const std::exception_ptr& failed) {
    try {
        std::rethrow_exception(failed);
    } catch (const std::exception& error) {
        spdlog::error("{}: {}", task, error.what());
    }
}

Result<tcp::endpoint, std::string> read_address(const std::string& address) {
    auto colon = address.rfind(':');
    if (colon == address.npos) return failure("\"" + address + "\" is not HOST:PORT");
    std::string host = address.substr(0, colon);
    const char* begin = address.data() + colon + 1;
    const char* end = address.data() + address.size();
    std::uint16_t port = 0;
    if (auto [rest, wrong] = std::from_chars(begin, end, port); wrong != std::errc() || rest != end)
        return failure("\"" + address + "\": the port is not a number from 0 to 65535");
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host.empty()) host = "::";
    if (host == "localhost") host = "127.0.0.1";
    error_code error;
    auto ip = asio::ip::make_address(host, error);
    if (error) return failure("\"" + address + "\": \"" + host + "\" is not an IP address");
    return tcp::endpoint(ip, port);
}

}  // namespace

std::string ServerRequest::query_value(const std::string& name) const {
    auto it = query.find(name);
    return it == query.end() ? std::string() : it->second;
}

std::string ServerRequest::header(const std::string& name) const {
    auto it = headers.find(name);
    return it == headers.end() ? std::string() : it->second;
}

struct HttpServer::Impl {
    Impl(Loop executor, Handler on_request, Limits most)
        : loop(executor),
          handler(std::move(on_request)),
          limits(most),
          acceptor(executor),
          connections(executor, &report),
          listening(executor, &report) {}

    error_code open(const tcp::endpoint& endpoint, bool any_family);
    asio::awaitable<void> accept();
    void turn_away(tcp::socket& socket) const;

    Loop loop;
    Handler handler;
    Limits limits;
    tcp::acceptor acceptor;
    TlsIdentity* identity = nullptr;  // null: plain HTTP
    TaskGroup connections;
    TaskGroup listening;
};

error_code HttpServer::Impl::open(const tcp::endpoint& endpoint, bool any_family) {
    error_code error;
    auto wrong = [&] { return bool(error); };
    if (acceptor.open(endpoint.protocol(), error); wrong()) return error;
    if (acceptor.set_option(tcp::acceptor::reuse_address(true), error); wrong()) return error;
    if (any_family && endpoint.protocol() == tcp::v6())
        if (acceptor.set_option(asio::ip::v6_only(false), error); wrong()) return error;
    if (acceptor.bind(endpoint, error); wrong()) return error;
    acceptor.listen(tcp::acceptor::max_listen_connections, error);
    return error;
}

asio::awaitable<void> HttpServer::Impl::accept() {
    asio::steady_timer pause(loop);
    for (;;) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        tcp::socket socket = co_await acceptor.async_accept(token);
        if (error == asio::error::operation_aborted) co_return;
        if (error) {  // no descriptors left, or the client was quicker
            pause.expires_after(accept_pause);
            co_await pause.async_wait(asio::use_awaitable);
        } else if (connections.running() >= limits.connections) {
            turn_away(socket);
        } else {
            auto context = identity ? identity->current() : nullptr;
            connections.spawn(
                "http connection",
                serve_connection(std::move(socket), std::move(context), handler, limits));
        }
    }
}

// By TLS there is no word before the handshake, and that is what there is no room for.
void HttpServer::Impl::turn_away(tcp::socket& socket) const {
    constexpr std::string_view full =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    if (identity) return;
    error_code error;
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(full), error);
}

HttpServer::HttpServer(Loop loop, Handler handler, Limits limits)
    : impl_(std::make_unique<Impl>(std::move(loop), std::move(handler), limits)) {}
HttpServer::~HttpServer() = default;

void HttpServer::speak_tls(TlsIdentity& identity) { impl_->identity = &identity; }

Result<std::uint16_t, std::string> HttpServer::listen(const std::string& address) {
    auto endpoint = read_address(address);
    if (!endpoint) return failure(endpoint.error());
    bool all = address.front() == ':';
    auto error = impl_->open(*endpoint, all);
    if (error && all) {  // a kernel without IPv6
        error_code ignored;
        impl_->acceptor.close(ignored);
        error = impl_->open(tcp::endpoint(tcp::v4(), endpoint->port()), false);
    }
    if (error) return failure("cannot listen on " + address + ": " + error.message());
    impl_->listening.spawn("http accept", impl_->accept());
    return impl_->acceptor.local_endpoint().port();
}

asio::awaitable<void> HttpServer::stop() {
    error_code ignored;
    impl_->acceptor.close(ignored);
    co_await impl_->listening.stop();
    co_await impl_->connections.stop();
}

}  // namespace runnerwatch
