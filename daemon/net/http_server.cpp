#include "daemon/net/http_server.h"

#include "daemon/net/request_target.h"
#include "daemon/runtime/task_group.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <spdlog/spdlog.h>

#include <charconv>
#include <optional>
#include <vector>

namespace runnerwatch {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds write_time{30};  // for a client that does not read
constexpr std::chrono::seconds linger_time{2};  // for a refused one to read why
constexpr std::chrono::milliseconds accept_pause{100};

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

std::optional<ServerRequest> read_request(http::request<http::string_body>&& message) {
    ServerRequest request;
    request.method = view(message.method_string());
    if (!read_target(view(message.target()), request.path, request.query)) return std::nullopt;
    for (const auto& field : message) {
        auto& value = request.headers[lower(view(field.name_string()))];
        if (!value.empty()) value += ", ";
        value += view(field.value());
    }
    request.body = std::move(message.body());
    return request;
}

int status_of(const error_code& error) {
    if (error == http::error::body_limit) return 413;
    if (error == http::error::header_limit) return 431;
    return 400;
}

// Ends when the client has closed its side. Throws when there is nothing to be learned by
// watching: it has already sent its next request.
asio::awaitable<void> client_gone(tcp::socket& socket) {
    for (;;) {
        co_await socket.async_wait(tcp::socket::wait_read, asio::use_awaitable);
        char byte = 0;
        error_code error;
        auto size = socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
        if (error == asio::error::would_block) continue;
        if (error || size == 0) co_return;
        throw boost::system::system_error(asio::error::already_started);
    }
}

// One connection, and the answer to the request it is at.
class Connection : public Responder {
public:
    Connection(tcp::socket socket, const HttpServer::Handler& handler,
               const HttpServer::Limits& limits)
        : stream_(std::move(socket)), handler_(handler), limits_(limits) {}

    asio::awaitable<void> serve();

    asio::awaitable<void> send(ServerReply reply) override;
    asio::awaitable<void> begin_stream(int status, std::string content_type) override;
    asio::awaitable<void> write(std::string bytes) override;
    asio::awaitable<void> end_stream() override;

private:
    enum class Answer { none, streaming, whole };

    asio::awaitable<bool> answer_one();
    asio::awaitable<void> refuse(int status);
    asio::awaitable<void> handle(ServerRequest request);

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    const HttpServer::Handler& handler_;
    const HttpServer::Limits& limits_;

    Answer answer_ = Answer::none;
    unsigned version_ = 11;
    bool keep_alive_ = false;
    bool head_only_ = false;
};

asio::awaitable<void> Connection::serve() {
    error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    stream_.socket().non_blocking(true, ignored);  // for client_gone
    try {
        while (co_await answer_one()) continue;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    } catch (const boost::system::system_error&) {
        // The client has gone, or we stop: either way the connection closes.
    }
}

asio::awaitable<bool> Connection::answer_one() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(limits_.body_bytes);
    stream_.expires_after(limits_.request_time);
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await http::async_read(stream_, buffer_, parser, token);
    if (error == http::error::end_of_stream || error == http::error::partial_message)
        co_return false;
    if (error && error.category() == http::make_error_code(http::error::bad_method).category()) {
        co_await refuse(status_of(error));
        co_return false;
    }
    if (error) throw boost::system::system_error(error);
    stream_.expires_never();

    auto message = parser.release();
    version_ = message.version();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == http::verb::head;
    answer_ = Answer::none;
    auto request = read_request(std::move(message));
    if (!request) {
        co_await refuse(400);
        co_return false;
    }
    if (const auto peer = stream_.socket().remote_endpoint(error); !error)
        request->peer = peer.address().to_string();
    using namespace asio::experimental::awaitable_operators;
    co_await (handle(std::move(*request)) || client_gone(stream_.socket()));
    co_return keep_alive_&& answer_ == Answer::whole;
}

// Throws nothing, so that the outcome of the race with client_gone is this one's.
asio::awaitable<void> Connection::handle(ServerRequest request) {
    std::string path = request.path;
    try {
        try {
            co_await handler_(std::move(request), *this);
        } catch (const boost::system::system_error&) {
            throw;
        } catch (const std::exception& error) {
            spdlog::error("http: {}: {}", path, error.what());
        }
        if (answer_ != Answer::none) co_return;
        ServerReply reply;
        reply.status = 500;
        reply.body = R"({"status":500,"title":"Internal error"})";
        co_await send(std::move(reply));
    } catch (const boost::system::system_error&) {
        keep_alive_ = false;  // the client has gone, or we stop
    }
}

// Closing with unread bytes would reset the connection, and the client would not see why.
asio::awaitable<void> Connection::refuse(int status) {
    keep_alive_ = false;
    ServerReply reply;
    reply.status = status;
    reply.content_type = "application/problem+json";
    reply.body = R"({"type":"about:blank","title":")" +
                 std::string(view(http::obsolete_reason(http::int_to_status(unsigned(status))))) +
                 R"(","status":)" + std::to_string(status) + "}";
    co_await send(std::move(reply));
    error_code error;
    stream_.socket().shutdown(tcp::socket::shutdown_send, error);
    stream_.expires_after(linger_time);
    std::vector<char> rest(16 * 1024);
    auto token = asio::redirect_error(asio::use_awaitable, error);
    for (std::size_t left = 16 * limits_.body_bytes; left > 0 && !error;) {
        auto room = asio::buffer(rest);
        auto size = co_await stream_.async_read_some(room, token);
        left -= std::min(left, size);
    }
}

asio::awaitable<void> Connection::send(ServerReply reply) {
    http::response<http::string_body> message(http::int_to_status(unsigned(reply.status)),
                                              version_);
    message.keep_alive(keep_alive_);
    bool bodiless = reply.status == 204 || reply.status == 304;
    if (!bodiless) message.set(http::field::content_type, reply.content_type);
    for (const auto& [name, value] : reply.headers) message.insert(name, value);
    if (!bodiless) message.content_length(reply.body.size());
    if (!bodiless && !head_only_) message.body() = std::move(reply.body);
    answer_ = Answer::whole;
    stream_.expires_after(write_time);
    co_await http::async_write(stream_, message, asio::use_awaitable);
    stream_.expires_never();
}

asio::awaitable<void> Connection::begin_stream(int status, std::string content_type) {
    http::response<http::empty_body> message(http::int_to_status(unsigned(status)), version_);
    message.set(http::field::content_type, content_type);
    message.set(http::field::cache_control, "no-cache");
    if (version_ >= 11)
        message.chunked(true);
    else
        keep_alive_ = false;  // its end is the end of the connection
    message.keep_alive(keep_alive_);
    answer_ = Answer::streaming;
    http::response_serializer<http::empty_body> serializer(message);
    stream_.expires_after(write_time);
    co_await http::async_write_header(stream_, serializer, asio::use_awaitable);
    stream_.expires_never();
}

asio::awaitable<void> Connection::write(std::string bytes) {
    if (bytes.empty() || head_only_) co_return;  // an empty chunk would be the last
    auto buffer = asio::buffer(bytes);
    stream_.expires_after(write_time);
    if (version_ >= 11) {
        auto chunk = http::make_chunk(buffer);
        co_await asio::async_write(stream_, chunk, asio::use_awaitable);
    } else {
        co_await asio::async_write(stream_, buffer, asio::use_awaitable);
    }
    stream_.expires_never();
}

asio::awaitable<void> Connection::end_stream() {
    answer_ = Answer::whole;
    if (version_ < 11 || head_only_) co_return;
    auto last = http::make_chunk_last();
    stream_.expires_after(write_time);
    co_await asio::async_write(stream_, last, asio::use_awaitable);
    stream_.expires_never();
}

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
    asio::awaitable<void> serve(tcp::socket socket);

    Loop loop;
    Handler handler;
    Limits limits;
    tcp::acceptor acceptor;
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
            constexpr std::string_view full =
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n";
            socket.non_blocking(true, error);
            socket.write_some(asio::buffer(full), error);
        } else {
            connections.spawn("http connection", serve(std::move(socket)));
        }
    }
}

asio::awaitable<void> HttpServer::Impl::serve(tcp::socket socket) {
    Connection connection(std::move(socket), handler, limits);
    co_await connection.serve();
}

HttpServer::HttpServer(Loop loop, Handler handler, Limits limits)
    : impl_(std::make_unique<Impl>(std::move(loop), std::move(handler), limits)) {}
HttpServer::~HttpServer() = default;

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
