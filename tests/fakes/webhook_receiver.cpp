#include "tests/fakes/webhook_receiver.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <stdexcept>

namespace runnerwatch {

WebhookReceiver::WebhookReceiver(Loop loop)
    : arrival_(loop, asio::steady_timer::time_point::max()),
      server_(loop, [this](ServerRequest request, Responder& responder) {
          return take(std::move(request), responder);
      }) {
    auto port = server_.listen("127.0.0.1:0");
    if (!port) throw std::runtime_error(port.error());
    port_ = *port;
}

std::string WebhookReceiver::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
}

asio::awaitable<void> WebhookReceiver::arrived(std::size_t count) {
    boost::system::error_code ignored;
    while (received_.size() < count)
        co_await arrival_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void WebhookReceiver::answer_next(int status, const std::string& retry_after) {
    ServerReply reply;
    reply.status = status;
    if (!retry_after.empty()) reply.headers.emplace_back("Retry-After", retry_after);
    answer_next(std::move(reply));
}

asio::awaitable<void> WebhookReceiver::take(ServerRequest request, Responder& responder) {
    std::optional<ServerReply> reply = ServerReply();
    if (request.method != "POST") {
        reply->status = 405;
    } else {
        received_.push_back(std::move(request));
        arrival_.cancel();
        if (!answers_.empty()) {
            reply = std::move(answers_.front());
            answers_.pop_front();
        }
    }
    if (reply) {
        co_await responder.send(std::move(*reply));
    } else {
        auto loop = co_await asio::this_coro::executor;
        asio::steady_timer for_ever(loop, asio::steady_timer::time_point::max());
        co_await for_ever.async_wait(asio::use_awaitable);
    }
}

}  // namespace runnerwatch
