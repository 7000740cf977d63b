#pragma once

#include "daemon/net/http_client.h"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

class H2Client;
class H2Connection;

// What is sent to ask, in the form HTTP/2 has it.
struct H2Request {
    std::string host, port;   // to connect to; an IPv6 address without brackets
    std::string server_name;  // that the certificate has to be for
    std::string authority, target;
    std::vector<std::pair<std::string, std::string>> headers;
    std::shared_ptr<const TlsOptions> tls;  // not null
    bool fresh_connection = false;

    H2Request where() const;  // without what is asked there
    // Whether both may go over one connection.
    bool goes_with(const H2Request& other) const;
};

// An endless answer over HTTP/2, made by HttpClient::open(): a hundred bytes and what nghttp2 keeps
// of a stream. Confined to the loop; its taker must not go before it.
class H2Stream final : public HttpStream, public std::enable_shared_from_this<H2Stream> {
public:
    H2Stream(std::shared_ptr<H2Client> client, H2Request request, HttpStreamTaker& taker);
    ~H2Stream() override;  // tells the server; the taker hears nothing more

    void begin();  // once, after construction

    // Null once the answer has begun.
    const H2Request* request() const { return request_.get(); }

    // From here on what its connection tells. Where it has no connection any more, it is not told.
    void header(std::string_view name, std::string_view value);
    bool headers_end();                     // false: the stream is to be reset
    bool bytes(std::string_view text);      // likewise
    void end(bool clean, std::string why);  // `why`: of an end that is not clean
    // The server did not look at the request: it may be asked again.
    void refused(std::string why);

    H2Connection* connection = nullptr;  // who owns none of it
    std::int32_t id = 0;                 // there; 0: not asked yet

private:
    void give_up_waiting();
    template <class Work>
    bool guarded(Work work);

    std::shared_ptr<H2Client> client_;
    HttpStreamTaker& taker_;
    std::unique_ptr<H2Request> request_;
    std::unique_ptr<asio::steady_timer> late_;  // until the headers come
    std::string host_;                          // for people
    int status_ = 0;
    int refusals_ = 0;
    std::string retry_after_;
    std::string refusal_;  // the body of an answer that is not 2xx
    std::exception_ptr thrown_;
};

}  // namespace runnerwatch
