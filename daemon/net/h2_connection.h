#pragma once

#include "daemon/net/h2_stream.h"
#include "daemon/net/tls_client.h"

#include <nghttp2/nghttp2.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// One HTTP/2 connection over TLS (nghttp2 has the protocol, OpenSSL the records): connects, asks
// for the streams it is given, tells them what comes, and ends all of them when it ends. Part of
// H2Client, which owns it and outlives it. Confined to the loop.
class H2Connection : public std::enable_shared_from_this<H2Connection> {
public:
    H2Connection(H2Client& client, const H2Request& first);  // to where `first` goes
    ~H2Connection();
    H2Connection(const H2Connection&) = delete;
    H2Connection& operator=(const H2Connection&) = delete;

    void begin();  // once, after construction and the first add()

    bool takes(const H2Request& request) const;
    void add(H2Stream& stream);
    void remove(H2Stream& stream);         // it is of no interest any more: the server is told
    void reset(const H2Stream& stream);    // the same, and the stream is told when it has ended
    void doubt() { takes_more_ = false; }  // it may be dead: no more streams go over it

private:
    struct SessionFree {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };
    struct Callbacks;
    using Endpoints = asio::ip::tcp::resolver::results_type;
    using Step = void (H2Connection::*)();

    void connect(const Endpoints& endpoints, std::size_t next);
    void give_up_endpoint();
    void secure();
    void shake_hands();
    void speak();
    void took_too_long();

    void wait(asio::ip::tcp::socket::wait_type what, Step then);
    bool wait_if_wanted(int error, Step then);
    void within(std::chrono::milliseconds time, Step then);

    void read();
    bool take_what_came(std::string& trouble);  // false: there may be more
    void write();
    void write_on();
    bool fill_unsent();

    std::size_t streams() const { return asked_.size() + waiting_.size(); }
    H2Stream* asked(std::int32_t id) const;
    void settings_came();
    void told_to_go();
    void submit(H2Stream& stream);
    void stream_closed(H2Stream& stream, std::uint32_t error);
    void end_turn();
    void fail(const std::string& why);

    H2Client& client_;
    const H2Request where_;  // what of it says where to connect
    const std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
    asio::ip::tcp::resolver resolver_;
    asio::ip::tcp::socket socket_;
    asio::steady_timer late_;
    std::shared_ptr<SSL_CTX> context_;
    SslHandle tls_;
    std::unique_ptr<nghttp2_session, SessionFree> session_;
    std::map<std::int32_t, H2Stream*> asked_;
    std::vector<H2Stream*> waiting_;  // to be asked once the server has said how many it takes
    std::string unsent_;
    bool writing_ = false;  // it waits until more can be sent
    bool in_turn_ = false;  // nghttp2 calls us: nothing can be asked of it to be sent
    bool settled_ = false;  // the server has said how many streams it takes
    bool takes_more_ = true;
    bool gone_ = false;
};

}  // namespace runnerwatch
