#include "daemon/commands/ask_daemon.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace runnerwatch {

Result<HttpReply, std::string> ask_daemon(const std::string& address, const std::string& target) {
    asio::io_context io;
    HttpClient client(io.get_executor());
    HttpCall call;
    call.url = "http://" + address + target;
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

}  // namespace runnerwatch
