#include "daemon/net/http_connection.h"

#include "daemon/net/request_target.h"
#include "parsers/ascii_lower.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <spdlog/spdlog.h>

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

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

std::optional<ServerRequest> read_request(http::request<http::string_body>&& message) {
    ServerRequest request;
    request.method = view(message.method_string());
    if (!read_target(view(message.target()), request.path, request.query)) return std::nullopt;
    for (const auto& field : message) {
        auto& value = request.headers[ascii_lower(std::string(view(field.name_string())))];
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
// watching: it has already sent its next request, or says by TLS that it closes.
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

// A TCP connection, with TLS on it or not: what is read and written goes the right way, so that
// Beast is compiled for one kind of stream.
class Stream {
public:
    using executor_type = beast::tcp_stream::executor_type;

    Stream(tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
        : tcp_(std::move(socket)), context_(std::move(context)) {
        if (context_) tls_.emplace(tcp_, *context_);
    }
    executor_type get_executor() { return tcp_.get_executor(); }
    beast::tcp_stream& below() { return tcp_; }
    tcp::socket& socket() { return tcp_.socket(); }
    asio::ssl::stream<beast::tcp_stream&>* tls() { return tls_ ? &*tls_ : nullptr; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                    : tcp_.async_read_some(buffers, std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                    : tcp_.async_write_some(buffers, std::forward<Token>(token));
    }

private:
    beast::tcp_stream tcp_;
    std::shared_ptr<asio::ssl::context> context_;
    std::optional<asio::ssl::stream<beast::tcp_stream&>> tls_;
};

// One connection, and the answer to the request it is at.
class Connection : public Responder {
public:
    Connection(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls,
               const HttpServer::Handler& handler, const HttpServer::Limits& limits)
        : stream_(std::move(socket), std::move(tls)), handler_(handler), limits_(limits) {}

    asio::awaitable<void> serve();

    asio::awaitable<void> send(ServerReply reply) override;
    asio::awaitable<void> begin_stream(int status, std::string content_type) override;
    asio::awaitable<void> write(std::string bytes) override;
    asio::awaitable<void> end_stream() override;

private:
    enum class Answer { none, streaming, whole };

    asio::awaitable<bool> agreed_on_tls();
    asio::awaitable<bool> answer_one();
    asio::awaitable<void> refuse(int status);
    asio::awaitable<void> handle(ServerRequest request);

    Stream stream_;
    beast::flat_buffer buffer_;
    const HttpServer::Handler& handler_;
    const HttpServer::Limits& limits_;

    Answer answer_ = Answer::none;
    unsigned version_ = 11;
    bool keep_alive_ = false;
    bool head_only_ = false;
};

// Waits for a first byte, at most so long.
asio::awaitable<void> arrived(tcp::socket& socket, std::chrono::seconds most) {
    asio::steady_timer late(socket.get_executor(), most);
    using namespace asio::experimental::awaitable_operators;
    const auto first = co_await (socket.async_wait(tcp::socket::wait_read, asio::use_awaitable) ||
                                 late.async_wait(asio::use_awaitable));
    if (first.index() == 1) throw boost::system::system_error(asio::error::timed_out);
}

asio::awaitable<void> Connection::serve() {
    error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    stream_.socket().non_blocking(true, ignored);  // for client_gone
    try {
        if (stream_.tls() && !co_await agreed_on_tls()) co_return;
        while (co_await answer_one()) continue;
        if (stream_.tls()) {
            stream_.below().expires_after(linger_time);
            auto token = asio::redirect_error(asio::use_awaitable, ignored);
            co_await stream_.tls()->async_shutdown(token);
        }
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    } catch (const boost::system::system_error&) {
        // The client has gone, or we stop: either way the connection closes.
    }
}

// A client that speaks plain HTTP is told so; it would see a broken connection only.
asio::awaitable<bool> Connection::agreed_on_tls() {
    constexpr char tls_handshake = 0x16;
    stream_.below().expires_after(limits_.request_time);
    char first = 0;
    auto room = asio::buffer(&first, 1);
    error_code error;
    do {
        co_await arrived(stream_.socket(), limits_.request_time);
        stream_.socket().receive(room, tcp::socket::message_peek, error);
    } while (error == asio::error::would_block);
    if (error) co_return false;
    if (first != tls_handshake) {
        constexpr std::string_view told =
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 47\r\n"
            "Connection: close\r\n\r\nThis address speaks TLS only: ask by https://.\n";
        stream_.socket().write_some(asio::buffer(told), error);
        co_return false;
    }
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await stream_.tls()->async_handshake(asio::ssl::stream_base::server, token);
    co_return !error;
}

asio::awaitable<bool> Connection::answer_one() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(limits_.body_bytes);
    stream_.below().expires_after(limits_.request_time);
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
    stream_.below().expires_never();

    auto message = parser.release();
    version_ = message.version();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == http::verb::head;
    answer_ = Answer::none;
    auto request = read_request(std::move(message));
    if (request) request->secure = stream_.tls() != nullptr;
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
    stream_.below().expires_after(linger_time);
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
    stream_.below().expires_after(write_time);
    co_await http::async_write(stream_, message, asio::use_awaitable);
    stream_.below().expires_never();
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
    stream_.below().expires_after(write_time);
    co_await http::async_write_header(stream_, serializer, asio::use_awaitable);
    stream_.below().expires_never();
}

asio::awaitable<void> Connection::write(std::string bytes) {
    if (bytes.empty() || head_only_) co_return;  // an empty chunk would be the last
    auto buffer = asio::buffer(bytes);
    stream_.below().expires_after(write_time);
    if (version_ >= 11) {
        auto chunk = http::make_chunk(buffer);
        co_await asio::async_write(stream_, chunk, asio::use_awaitable);
    } else {
        co_await asio::async_write(stream_, buffer, asio::use_awaitable);
    }
    stream_.below().expires_never();
}

asio::awaitable<void> Connection::end_stream() {
    answer_ = Answer::whole;
    if (version_ < 11 || head_only_) co_return;
    auto last = http::make_chunk_last();
    stream_.below().expires_after(write_time);
    co_await asio::async_write(stream_, last, asio::use_awaitable);
    stream_.below().expires_never();
}

}  // namespace

asio::awaitable<void> serve_connection(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls,
                                       const HttpServer::Handler& handler,
                                       const HttpServer::Limits& limits) {
    Connection connection(std::move(socket), std::move(tls), handler, limits);
    co_await connection.serve();
}

}  // namespace runnerwatch
