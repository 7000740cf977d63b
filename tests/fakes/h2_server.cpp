#include "tests/fakes/h2_server.h"

#include <nghttp2/nghttp2.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace runnerwatch {

using asio::ip::tcp;
namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

std::string text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv field(const char* name, const std::string& value) {
    const auto bytes = [](const char* of) {
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(of));
    };
    return {bytes(name), bytes(value.c_str()), std::strlen(name), value.size(),
            NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

class FakeH2Server::Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(FakeH2Server& its_server, tcp::socket socket)
        : server(&its_server), stream(std::move(socket), its_server.tls_) {}
    ~Connection() { nghttp2_session_del(session); }

    asio::awaitable<void> serve() {
        const auto self = shared_from_this();
        auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::server, as_tuple);
        if (refused || !server) co_return;
        begin();
        std::array<char, 16'384> bytes;
        while (server) {
            auto room = asio::buffer(bytes);
            auto [error, size] = co_await stream.async_read_some(room, as_tuple);
            if (error) co_return;
            const auto got = reinterpret_cast<const std::uint8_t*>(bytes.data());
            if (nghttp2_session_mem_recv(session, got, size) < 0) co_return;
            flush();
        }
    }

    void flush() {
        if (writing_) return;
        const std::uint8_t* bytes = nullptr;
        for (ssize_t size; (size = nghttp2_session_mem_send(session, &bytes)) > 0;)
            unsent_ += text(bytes, static_cast<std::size_t>(size));
        if (unsent_.empty()) return;
        writing_ = true;
        asio::async_write(stream, asio::buffer(unsent_),
                          [self = shared_from_this()](auto error, std::size_t) {
                              self->writing_ = false;
                              self->unsent_.clear();
                              if (!error) self->flush();
                          });
    }

    void close() {
        boost::system::error_code ignored;
        stream.next_layer().close(ignored);
    }

    FakeH2Server* server;  // null: it has stopped
    asio::ssl::stream<tcp::socket> stream;
    nghttp2_session* session = nullptr;
    struct Body {
        std::string text;
        std::size_t sent = 0;
        bool over = false;
    };
    std::map<std::int32_t, Body> bodies;
    std::map<std::int32_t, Stream> requests;

private:
    static Connection& of(void* user) { return *static_cast<Connection*>(user); }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                         std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                         std::uint8_t, void* user) {
        of(user).requests[frame->hd.stream_id].headers[text(name, name_size)] =
            text(value, value_size);
        return 0;
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Connection& self = of(user);
        if (!self.server) return 0;
        if (frame->hd.type == NGHTTP2_RST_STREAM)
            self.server->resets_.push_back(frame->rst_stream.error_code);
        if (frame->hd.type != NGHTTP2_HEADERS) return 0;
        Stream stream = self.requests[frame->hd.stream_id];
        stream.connection = self.shared_from_this();
        stream.id = frame->hd.stream_id;
        if (self.server->options.on_request && stream.headers[":path"] != "/version")
            self.server->options.on_request(std::move(stream));
        else
            stream.begin(200), stream.write("yes"), stream.end();
        return 0;
    }

    static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
        Body& body = of(user).bodies[id];
        size = std::min(size, body.text.size() - body.sent);
        if (size == 0 && !body.over) return NGHTTP2_ERR_DEFERRED;
        std::memcpy(into, body.text.data() + body.sent, size);
        body.sent += size;
        if (body.over && body.sent == body.text.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }

    void begin() {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &on_frame);
        nghttp2_session_server_new(&session, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        const nghttp2_settings_entry most{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                          server->options.streams_max};
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &most, 1);
        flush();
    }

    friend struct Stream;
    std::string unsent_;
    bool writing_ = false;
};

void FakeH2Server::Stream::begin(int status, const std::string& retry_after) const {
    const std::string code = std::to_string(status);
    std::vector<nghttp2_nv> fields = {field(":status", code)};
    if (!retry_after.empty()) fields.push_back(field("retry-after", retry_after));
    nghttp2_data_provider body{};
    body.read_callback = &Connection::on_read;
    nghttp2_submit_response(connection->session, id, fields.data(), fields.size(), &body);
    asio::post(connection->stream.get_executor(), [to = connection] { to->flush(); });
}

void FakeH2Server::Stream::write(const std::string& bytes) const {
    connection->bodies[id].text += bytes;
    nghttp2_session_resume_data(connection->session, id);
    asio::post(connection->stream.get_executor(), [to = connection] { to->flush(); });
}

void FakeH2Server::Stream::end() const {
    connection->bodies[id].over = true;
    write("");
}

void FakeH2Server::Stream::reset(std::uint32_t error) const {
    nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, id, error);
    asio::post(connection->stream.get_executor(), [to = connection] { to->flush(); });
}

void FakeH2Server::Stream::cut() const { connection->close(); }

void FakeH2Server::Stream::go_away() const {
    const auto last = nghttp2_session_get_last_proc_stream_id(connection->session);
    nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr,
                          0);
    asio::post(connection->stream.get_executor(), [to = connection] { to->flush(); });
}

FakeH2Server::FakeH2Server(Loop loop, const TestAuthority& authority, Options how)
    : options(std::move(how)),
      acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      tls_(asio::ssl::context::tls_server),
      port_(acceptor_.local_endpoint().port()),
      tasks_(loop, [](const std::string& task, std::exception_ptr) {
          throw std::logic_error("the test's server: " + task + " failed");
      }) {
    tls_.use_certificate_chain_file(authority.file(options.server_name + ".pem"));
    tls_.use_private_key_file(authority.file(options.server_name + ".key"),
                              asio::ssl::context::pem);
    if (options.wants_certificate) {
        tls_.load_verify_file(authority.file("ca.pem"));
        tls_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    const auto choose = [](SSL*, const unsigned char** chosen, unsigned char* size,
                           const unsigned char*, unsigned, void* self) {
        const bool h2 = static_cast<FakeH2Server*>(self)->options.speaks_h2;
        *chosen = reinterpret_cast<const unsigned char*>(h2 ? "h2" : "http/1.1");
        *size = h2 ? 2 : 8;
        return SSL_TLSEXT_ERR_OK;
    };
    SSL_CTX_set_alpn_select_cb(tls_.native_handle(), choose, this);
    tasks_.spawn("accept", accept());
}

asio::awaitable<void> FakeH2Server::accept() {
    for (;;) {
        auto [error, socket] = co_await acceptor_.async_accept(as_tuple);
        if (error) co_return;
        ++connections_;
        const auto connection = std::make_shared<Connection>(*this, std::move(socket));
        all_.push_back(connection);
        tasks_.spawn("connection", connection->serve());
    }
}

std::size_t FakeH2Server::living() const {
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [](const auto& one) { return !one.expired(); }));
}

std::string FakeH2Server::url(const std::string& target) const {
    return "https://127.0.0.1:" + std::to_string(port_) + target;
}

asio::awaitable<void> FakeH2Server::stop() {
    acceptor_.close();
    for (const auto& one : std::exchange(all_, {}))
        if (const auto alive = one.lock()) {
            alive->server = nullptr;
            alive->close();
        }
    co_await tasks_.stop();
}

}  // namespace runnerwatch
