#pragma once

#include "daemon/net/http_server.h"

#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// Takes POSTs as a webhook's receiver does, keeps them in the order of their arrival, and answers
// as it is told; 200 otherwise. Listens on a free port of this host. Confined to the loop; await
// stop() before destruction.
class WebhookReceiver {
public:
    explicit WebhookReceiver(Loop loop);

    std::string url(const std::string& path = "/hook") const;

    const std::vector<ServerRequest>& received() const { return received_; }
    // Returns when that many have arrived.
    asio::awaitable<void> arrived(std::size_t count);

    // What the next requests get, one after the other.
    void answer_next(ServerReply reply) { answers_.push_back(std::move(reply)); }
    void answer_next(int status, const std::string& retry_after = {});
    void never_answer_next() { answers_.push_back(std::nullopt); }

    asio::awaitable<void> stop() { return server_.stop(); }

private:
    asio::awaitable<void> take(ServerRequest request, Responder& responder);

    asio::steady_timer arrival_;
    std::vector<ServerRequest> received_;
    std::deque<std::optional<ServerReply>> answers_;  // nothing: never
    HttpServer server_;
    std::uint16_t port_ = 0;
};

}  // namespace runnerwatch
