#pragma once

#include "daemon/net/h2_connection.h"
#include "daemon/net/h2_stream.h"
#include "daemon/net/tls_client.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// The HTTP/2 connections of a client and who is on them. Confined to the loop. Streams keep it.
class H2Client {
public:
    // Few enough that what ends with a connection is little, and below the 100 that the API server
    // allows.
    static constexpr std::size_t streams_per_connection = 50;

    explicit H2Client(Loop loop) : loop_(std::move(loop)) {}
    ~H2Client();
    H2Client(const H2Client&) = delete;
    H2Client& operator=(const H2Client&) = delete;

    // Asks over a connection that has room, or a new one.
    void place(H2Stream& stream);

    // A server was met that does not speak HTTP/2, although it did.
    bool met_http1() const { return met_http1_; }
    std::size_t connections() const { return connections_.size(); }
    const Loop& loop() const { return loop_; }

private:
    friend class H2Connection;
    friend class H2Stream;

    // What comes in small pieces, put together while it comes from one stream. What does not go
    // behind that comes after it was handed over.
    bool goes_behind(const H2Stream* stream, std::string_view bytes) const;
    void gather(H2Stream& stream, std::string_view bytes);
    void hand_over();
    static void hand_over(H2Stream& stream, std::string_view bytes);
    void forget(const H2Stream& stream);
    void forget(const H2Connection& connection);

    Loop loop_;
    TlsContexts contexts_;
    std::vector<std::shared_ptr<H2Connection>> connections_;  // the newest last
    std::size_t streams_max_ = streams_per_connection;        // or fewer, if the server said so
    bool met_http1_ = false;
    H2Stream* gathering_ = nullptr;  // whose bytes stand in gathered_
    std::string gathered_;
    std::array<char, 16 * 1024> read_;  // a TLS record
};

}  // namespace runnerwatch
