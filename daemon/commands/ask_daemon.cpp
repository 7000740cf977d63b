#include "daemon/commands/ask_daemon.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace runnerwatch {

namespace {

Result<HttpReply, std::string> reply_to(HttpCall call, const std::string& address) {
    asio::io_context io;
    HttpClient client(io.get_executor());
    Result<HttpReply, HttpFailure> reply =
        failure(HttpFailure{HttpFailure::Kind::cancelled, "no answer"});
    const auto ask = [&]() -> asio::awaitable<void> {
        reply = co_await client.fetch(std::move(call));
    };
    const auto at_end = [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(io, ask, at_end);
    io.run();
    if (!reply)
        return failure("no daemon can be asked at " + address + ": " + reply.error().what + ". " +
                       where_to_ask);
    return std::move(*reply);
}

}  // namespace

Result<HttpReply, std::string> ask_daemon(const std::string& address, const std::string& target) {
    HttpCall call;
    call.url = "http://" + address + target;
    return reply_to(std::move(call), address);
}

Result<HttpReply, std::string> tell_daemon(const std::string& address, const std::string& target,
                                           const std::string& body) {
    HttpCall call;
    call.method = "POST";
    call.url = "http://" + address + target;
    call.headers = {{"Content-Type", "application/json"}};
    call.body = body;
    return reply_to(std::move(call), address);
}

}  // namespace runnerwatch
