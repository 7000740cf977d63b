#pragma once

#include "daemon/net/http_client.h"
#include "daemon/net/http_transfer.h"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace runnerwatch {

// An endless answer over libcurl: by HTTP/1.1, without TLS or through a proxy.
//
// No coroutine belongs to one, and what is needed to ask is let go of once the answer has begun.
// Confined to the loop.
class CurlStream final : public HttpStream, public std::enable_shared_from_this<CurlStream> {
public:
    CurlStream(std::shared_ptr<HttpClient::Impl> client, HttpCall call, HttpStreamTaker& taker);
    ~CurlStream() override;

    void begin();  // once, after construction

private:
    friend class GatheredBytes;
    void headers_came();
    bool body_came(std::string_view bytes);
    void give_up_waiting();
    void ended(CURLcode code);

    std::shared_ptr<HttpClient::Impl> client_;
    HttpTransfer transfer_;
    HttpStreamTaker& taker_;
    std::unique_ptr<asio::steady_timer> late_;  // until the headers come
    std::string refusal_;                       // the body of an answer that is not 2xx
};

}  // namespace runnerwatch
