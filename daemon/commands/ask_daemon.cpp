#include "daemon/commands/ask_daemon.h"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <fstream>

namespace runnerwatch {

namespace {

constexpr const char* authorities_variable = "RUNNERWATCH_CA_FILE";

// Who asks: a token from the environment, or from a file that it names; empty: nobody says.
Result<std::string, std::string> own_token() {
    if (const char* token = std::getenv("RUNNERWATCH_TOKEN"); token != nullptr && *token != '\0')
        return std::string(token);
    const char* name = std::getenv("RUNNERWATCH_TOKEN_FILE");
    if (name == nullptr || *name == '\0') return std::string();
    std::string token;
    if (!(std::ifstream(name) >> token))
        return failure(
            std::string("the token in ") + name +
            " (RUNNERWATCH_TOKEN_FILE) cannot be read, or there is none in it. Write the "
            "token into that file, readable for you alone.");
    return token;
}

// "127.0.0.1:8090", or a whole URL, as where TLS is spoken.
std::string base_of(const std::string& address) {
    std::string base = address.find("://") == std::string::npos ? "http://" + address : address;
    while (base.ends_with('/')) base.pop_back();
    return base;
}

std::shared_ptr<const TlsOptions> trusted_authorities() {
    const char* file = std::getenv(authorities_variable);
    if (file == nullptr || *file == '\0') return nullptr;
    TlsOptions options;
    options.ca_file = file;
    return std::make_shared<const TlsOptions>(options);
}

// What may be wrong where there was no answer.
std::string advice(HttpFailure::Kind kind) {
    if (kind != HttpFailure::Kind::tls) return where_to_ask;
    return "Name the authority that signed its certificate: --ca-file FILE, or "
           "RUNNERWATCH_CA_FILE.";
}

Result<HttpReply, std::string> reply_to(HttpCall call, const std::string& address) {
    const auto token = own_token();
    if (!token) return failure(token.error());
    if (!token->empty()) call.headers.push_back({"Authorization", "Bearer " + *token});
    call.tls = trusted_authorities();
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
                       advice(reply.error().kind));
    return std::move(*reply);
}

}  // namespace

void add_authorities(CLI::App& command) {
    command.add_option_function<std::string>(
        "--ca-file",
        [](const std::string& file) { ::setenv(authorities_variable, file.c_str(), 1); },
        "PEM file of who signed the daemon's certificate (https://)");
}

Result<HttpReply, std::string> ask_daemon(const std::string& address, const std::string& target) {
    HttpCall call;
    call.url = base_of(address) + target;
    return reply_to(std::move(call), address);
}

Result<HttpReply, std::string> tell_daemon(const std::string& address, const std::string& target,
                                           const std::string& body) {
    HttpCall call;
    call.method = "POST";
    call.url = base_of(address) + target;
    call.headers = {{"Content-Type", "application/json"}};
    call.body = body;
    return reply_to(std::move(call), address);
}

}  // namespace runnerwatch
