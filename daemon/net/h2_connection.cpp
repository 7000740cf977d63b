#include "daemon/net/h2_connection.h"

#include "daemon/net/dead_peer.h"
#include "daemon/net/h2_client.h"

#include <openssl/err.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace runnerwatch {
namespace {

using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds connect_timeout = 10s;  // and once more for TLS
constexpr std::chrono::seconds young = 5s;
// What the server may send before it hears that it was taken: log text is taken at once.
constexpr std::uint32_t stream_window = 1024 * 1024;
constexpr std::int32_t connection_window = 16 * 1024 * 1024;
// A busy connection does not keep the others waiting.
constexpr std::size_t turn_bytes_max = 256 * 1024;
constexpr std::size_t unsent_bytes_max = 16 * 1024;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv field(std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view of) {  // nghttp2 copies them
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(of.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

// What nghttp2 calls. Nothing throws here: streams keep what their takers throw.
struct H2Connection::Callbacks {
    static H2Connection& of(void* user) { return *static_cast<H2Connection*>(user); }

    static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
        if (H2Stream* stream = of(user).asked(frame->hd.stream_id))
            stream->header(text(name, name_size), text(value, value_size));
        return 0;
    }

    static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        H2Connection& self = of(user);
        if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
            self.settings_came();
        if (frame->hd.type == NGHTTP2_GOAWAY) self.told_to_go();
        if (frame->hd.type != NGHTTP2_HEADERS) return 0;
        H2Stream* stream = self.asked(frame->hd.stream_id);
        if (stream && !stream->headers_end()) self.reset(*stream);
        return 0;
    }

    static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                    std::size_t size, void* user) {
        H2Connection& self = of(user);
        const std::string_view piece = text(bytes, size);
        if (!self.client_.goes_behind(self.asked(id), piece)) self.client_.hand_over();
        // Who is handed something may give up this stream.
        if (H2Stream* stream = self.asked(id)) self.client_.gather(*stream, piece);
        return 0;
    }

    static int closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
        if (H2Stream* stream = of(user).asked(id)) of(user).stream_closed(*stream, error);
        return 0;
    }

    static const nghttp2_session_callbacks* all() {
        static const nghttp2_session_callbacks* const made = [] {
            nghttp2_session_callbacks* callbacks = nullptr;
            if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
            nghttp2_session_callbacks_set_on_header_callback(callbacks, &header);
            nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &frame);
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &data);
            nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &closed);
            return callbacks;
        }();
        return made;
    }
};

H2Connection::H2Connection(H2Client& client, const H2Request& first)
    : client_(client),
      where_(first.where()),
      resolver_(client.loop()),
      socket_(client.loop()),
      late_(client.loop()) {}

H2Connection::~H2Connection() = default;

void H2Connection::begin() {
    auto context = client_.contexts_.get(*where_.tls, born_);
    if (!context) return fail(context.error());
    context_ = std::move(*context);
    within(connect_timeout, &H2Connection::took_too_long);
    resolver_.async_resolve(
        where_.host, where_.port, [weak = weak_from_this()](auto error, Endpoints endpoints) {
            const auto self = weak.lock();
            if (!self || self->gone_) return;
            if (error) return self->fail("its name cannot be resolved: " + error.message());
            self->connect(endpoints, 0);
        });
}

// One address after the other, each for its share of the time: one that swallows what is sent to it
// does not hide those behind it.
void H2Connection::connect(const Endpoints& endpoints, std::size_t next) {
    error_code ignored;
    socket_.close(ignored);
    within(connect_timeout / endpoints.size(), &H2Connection::give_up_endpoint);
    const auto endpoint = std::next(endpoints.begin(), static_cast<std::ptrdiff_t>(next));
    socket_.async_connect(endpoint->endpoint(),
                          [weak = weak_from_this(), endpoints, next](auto error) {
                              const auto self = weak.lock();
                              if (!self || self->gone_) return;
                              if (!error) return self->secure();
                              if (next + 1 < endpoints.size())
                                  return self->connect(endpoints, next + 1);
                              if (error == asio::error::operation_aborted)
                                  return self->took_too_long();
                              self->fail("no connection: " + error.message());
                          });
}

void H2Connection::give_up_endpoint() {
    error_code ignored;
    socket_.close(ignored);
}

void H2Connection::took_too_long() { fail("no connection within 10 s"); }

void H2Connection::secure() {
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    notice_dead_peer(socket_.native_handle());
    tls_ = new_tls_client(*context_, socket_.native_handle(), where_.server_name);
    if (!tls_) return fail("TLS cannot be begun with " + where_.server_name);
    within(connect_timeout, &H2Connection::took_too_long);
    shake_hands();
}

void H2Connection::shake_hands() {
    ERR_clear_error();
    const int result = SSL_connect(tls_.get());
    if (result == 1) return speak();
    const int error = SSL_get_error(tls_.get(), result);
    if (!wait_if_wanted(error, &H2Connection::shake_hands)) fail(tls_trouble(*tls_, error));
}

void H2Connection::speak() {
    late_.cancel();
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls_.get(), &protocol, &size);
    if (text(protocol, size) != "h2") {
        client_.met_http1_ = true;
        return fail("the server does not speak HTTP/2 any more");
    }
    nghttp2_session* session = nullptr;
    if (nghttp2_session_client_new(&session, Callbacks::all(), this) != 0) throw std::bad_alloc();
    session_.reset(session);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window}};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window);
    end_turn();
    if (!gone_) read();
}

void H2Connection::wait(asio::ip::tcp::socket::wait_type what, Step then) {
    socket_.async_wait(what, [weak = weak_from_this(), then](auto error) {
        const auto self = weak.lock();
        if (self && !self->gone_ && !error) (self.get()->*then)();
    });
}

bool H2Connection::wait_if_wanted(int error, Step then) {
    if (error == SSL_ERROR_WANT_READ)
        wait(asio::ip::tcp::socket::wait_read, then);
    else if (error == SSL_ERROR_WANT_WRITE)
        wait(asio::ip::tcp::socket::wait_write, then);
    else
        return false;
    return true;
}

void H2Connection::within(std::chrono::milliseconds time, Step then) {
    late_.expires_after(time);
    late_.async_wait([weak = weak_from_this(), then](auto error) {
        const auto self = weak.lock();
        if (self && !self->gone_ && !error) (self.get()->*then)();
    });
}

bool H2Connection::takes(const H2Request& request) const {
    return !gone_ && takes_more_ && streams() < client_.streams_max_ && where_.goes_with(request) &&
           (!request.fresh_connection || std::chrono::steady_clock::now() - born_ < young);
}

void H2Connection::add(H2Stream& stream) {
    stream.connection = this;
    if (!settled_) {
        waiting_.push_back(&stream);
        return;
    }
    submit(stream);
    end_turn();
}

void H2Connection::remove(H2Stream& stream) {
    const auto self = shared_from_this();
    if (stream.id != 0) {
        reset(stream);
        asked_.erase(stream.id);
    }
    std::erase(waiting_, &stream);
    stream.connection = nullptr;
    stream.id = 0;
    end_turn();
}

void H2Connection::reset(const H2Stream& stream) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
}

H2Stream* H2Connection::asked(std::int32_t id) const {
    const auto found = asked_.find(id);
    return found == asked_.end() ? nullptr : found->second;
}

void H2Connection::submit(H2Stream& stream) {
    const H2Request& request = *stream.request();
    std::vector<nghttp2_nv> fields = {field(":method", "GET"), field(":scheme", "https"),
                                      field(":authority", request.authority),
                                      field(":path", request.target)};
    for (const auto& [name, value] : request.headers) fields.push_back(field(name, value));
    const std::int32_t id = nghttp2_submit_request(session_.get(), nullptr, fields.data(),
                                                   fields.size(), nullptr, nullptr);
    if (id < 0) {  // no more numbers, after a thousand million streams
        takes_more_ = false;
        stream.connection = nullptr;
        return stream.refused(nghttp2_strerror(id));
    }
    stream.id = id;
    asked_.emplace(id, &stream);
}

void H2Connection::settings_came() {
    const std::uint32_t said = nghttp2_session_get_remote_settings(
        session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    client_.streams_max_ = std::clamp<std::size_t>(said, 1, H2Client::streams_per_connection);
    settled_ = true;
    for (H2Stream* stream : std::exchange(waiting_, {})) {
        if (asked_.size() < client_.streams_max_) {
            submit(*stream);
        } else {
            stream->connection = nullptr;
            stream->refused("the server takes fewer streams");
        }
    }
}

// What it does not answer any more nghttp2 closes as refused.
void H2Connection::told_to_go() {
    takes_more_ = false;
    for (H2Stream* stream : std::exchange(waiting_, {})) {
        stream->connection = nullptr;
        stream->refused("the server ends the connection");
    }
}

void H2Connection::stream_closed(H2Stream& stream, std::uint32_t error) {
    client_.hand_over();
    asked_.erase(stream.id);
    stream.connection = nullptr;
    stream.id = 0;
    if (error == NGHTTP2_REFUSED_STREAM && stream.request())
        return stream.refused("the server refused the stream");
    stream.end(error == NGHTTP2_NO_ERROR,
               std::string("the server ended the stream with ") + nghttp2_http2_strerror(error));
}

void H2Connection::read() {
    const auto self = shared_from_this();
    std::string trouble;
    in_turn_ = true;
    const bool all = take_what_came(trouble);
    in_turn_ = false;
    client_.hand_over();
    if (!trouble.empty()) return fail(trouble);
    end_turn();
    if (gone_ || all) return;
    asio::post(client_.loop(), [weak = weak_from_this()] {
        if (const auto alive = weak.lock(); alive && !alive->gone_) alive->read();
    });
}

bool H2Connection::take_what_came(std::string& trouble) {
    for (std::size_t taken = 0; taken < turn_bytes_max;) {
        ERR_clear_error();
        auto& buffer = client_.read_;
        const int size = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) {
            const int error = SSL_get_error(tls_.get(), size);
            if (!wait_if_wanted(error, &H2Connection::read)) trouble = tls_trouble(*tls_, error);
            return true;
        }
        const auto bytes = reinterpret_cast<const std::uint8_t*>(buffer.data());
        const auto used =
            nghttp2_session_mem_recv(session_.get(), bytes, static_cast<std::size_t>(size));
        if (used < 0) {
            trouble = nghttp2_strerror(static_cast<int>(used));
            return true;
        }
        taken += static_cast<std::size_t>(size);
    }
    return false;
}

void H2Connection::write() {
    if (in_turn_ || writing_ || gone_ || !session_) return;
    while (fill_unsent()) {
        ERR_clear_error();
        const int sent = SSL_write(tls_.get(), unsent_.data(), static_cast<int>(unsent_.size()));
        if (sent > 0) {
            unsent_.erase(0, static_cast<std::size_t>(sent));
            continue;
        }
        const int error = SSL_get_error(tls_.get(), sent);
        writing_ = wait_if_wanted(error, &H2Connection::write_on);
        if (!writing_) fail(tls_trouble(*tls_, error));
        return;
    }
    if (!gone_ && !nghttp2_session_want_read(session_.get()) &&
        !nghttp2_session_want_write(session_.get()))
        fail("the server ended the connection");
}

void H2Connection::write_on() {
    writing_ = false;
    end_turn();
}

// Whether there is something to send.
bool H2Connection::fill_unsent() {
    in_turn_ = true;
    while (unsent_.size() < unsent_bytes_max) {
        const std::uint8_t* bytes = nullptr;
        const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
        if (size <= 0) break;
        unsent_ += text(bytes, static_cast<std::size_t>(size));
    }
    in_turn_ = false;
    return !unsent_.empty();
}

// An idle connection would be work that keeps the loop from its end.
void H2Connection::end_turn() {
    const auto self = shared_from_this();
    write();
    if (!in_turn_ && streams() == 0) fail("it was idle");
}

void H2Connection::fail(const std::string& why) {
    if (std::exchange(gone_, true)) return;
    const auto self = shared_from_this();
    client_.hand_over();
    error_code ignored;
    late_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
    std::vector<H2Stream*> left = std::exchange(waiting_, {});
    for (const auto& [id, stream] : std::exchange(asked_, {})) left.push_back(stream);
    for (H2Stream* stream : left) {
        stream->connection = nullptr;
        // A connection that stood may have been closed when the server had not seen the request.
        const bool unseen = settled_ && stream->id != 0 && stream->request();
        stream->id = 0;
        if (unseen)
            stream->refused(why);
        else
            stream->end(false, why);
    }
    client_.forget(*this);
}

}  // namespace runnerwatch
