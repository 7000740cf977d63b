#pragma once

#include "daemon/runtime/loop.h"
#include "parsers/result.h"

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// How the other end is authenticated, and we to it. PEM texts and paths; data wins over files.
struct TlsOptions {
    std::string ca_file, ca_data;
    std::string client_certificate_file, client_certificate_data;
    std::string client_key_file, client_key_data;
    std::string server_name;  // checked instead of the URL's host when set
    std::string proxy_url;
    bool insecure_skip_verify = false;
    bool operator==(const TlsOptions&) const = default;
};

struct HttpCall {
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds timeout{30'000};  // real time; 0: none (streams)
    std::size_t reply_bytes_max = 16 * 1024 * 1024;
    bool fresh_connection = false;          // not one that is there
    std::shared_ptr<const TlsOptions> tls;  // null: verified by the system's authorities
};

struct HttpReply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;

    std::string_view header(std::string_view name) const;  // empty when absent
};

// Why there was no HTTP answer. `what` names host and reason, never a URL's secrets.
struct HttpFailure {
    enum class Kind { resolve, connect, tls, timeout, cancelled, too_large, broken } kind;
    std::string what;
};

// What a stream saw until it ended. An end never means that the container ended.
struct StreamEnd {
    int status = 0;    // 0: no answer at all
    std::string body;  // of a non-2xx answer, shortened
    std::string retry_after;
    bool clean = false;         // the server ended it in order
    std::string what;           // in words
    std::exception_ptr thrown;  // by its taker: why it was ended
};

// An endless answer, read for as long as this exists; made by HttpClient::open(). There are
// thousands of them, quiet for hours. Its client may go before it, its taker may not.
class HttpStream {
public:
    static constexpr std::chrono::seconds headers_timeout{60};  // the body may be quiet for ever
    static constexpr std::size_t refusal_bytes_max = 16 * 1024;

    HttpStream() = default;
    virtual ~HttpStream() = default;  // aborts it; the taker hears nothing more
    HttpStream(const HttpStream&) = delete;
    HttpStream& operator=(const HttpStream&) = delete;
};

// Hears an endless answer. Called on the loop, the first two from inside libcurl: they must neither
// block nor end the stream. What they throw ends it, and is told by the last.
class HttpStreamTaker {
public:
    virtual void on_headers(int status) = 0;            // once
    virtual void on_bytes(std::string_view bytes) = 0;  // the body of a 2xx answer, as it comes
    virtual void on_end(StreamEnd end) = 0;             // once, last

protected:
    ~HttpStreamTaker() = default;
};

// HTTP on the loop: requests over libcurl's multi interface (HTTP/2 where offered); endless answers
// over nghttp2 where the server is known to speak HTTP/2 and no proxy is between, else over
// libcurl.
//
// Confined to the loop. Cancelling an await aborts its transfer. Every connection of the client
// is to be shared only by callers with the same credentials: one client per (cluster, user).
class HttpClient {
public:
    explicit HttpClient(Loop loop);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    asio::awaitable<Result<HttpReply, HttpFailure>> fetch(HttpCall call);

    // Reads an endless answer for as long as what it returns is kept.
    std::shared_ptr<HttpStream> open(HttpCall call, HttpStreamTaker& taker);

    // The same, awaited. `on_headers` gets the status once; `on_bytes` gets the body of a
    // 2xx answer as it comes, on the loop, and must not block.
    asio::awaitable<StreamEnd> stream(HttpCall call, std::function<void(int)> on_headers,
                                      std::function<void(std::string_view)> on_bytes);

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;  // and of its streams
};

}  // namespace runnerwatch
