#pragma once

#include "daemon/net/http_client.h"
#include "daemon/net/http_transfer.h"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace runnerwatch {

// An endless answer, read for as long as this exists; made by HttpClient::open().
//
// There are thousands of them, quiet for hours: no coroutine belongs to one, and what is needed to
// ask is let go of once the answer has begun. Confined to the loop. Its client may go before it,
// its taker may not.
class HttpStream : public std::enable_shared_from_this<HttpStream> {
public:
    HttpStream(std::shared_ptr<HttpClient::Impl> client, HttpCall call, HttpStreamTaker& taker);
    ~HttpStream();  // aborts it; the taker hears nothing more
    HttpStream(const HttpStream&) = delete;
    HttpStream& operator=(const HttpStream&) = delete;

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
