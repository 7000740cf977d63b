#include "daemon/net/http_client.h"

#include "daemon/net/curl_stream.h"
#include "daemon/net/h2_client.h"
#include "daemon/net/http_client_state.h"
#include "daemon/net/url_parts.h"
#include "parsers/ascii_lower.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t call_buffer_bytes = 16 * 1024;
constexpr long call_connections_max = 32;
// Connections that a GOAWAY is draining count as well; without room beside them new streams wait.
constexpr std::size_t spare_connections_first = 4;
constexpr std::size_t spare_connections_max = 64;

// Hears a stream for whoever awaits its end.
struct Listener final : HttpStreamTaker {
    Listener(const Loop& loop, std::function<void(int)>& headers,
             std::function<void(std::string_view)>& bytes)
        : bell(loop, asio::steady_timer::time_point::max()), headers_(headers), bytes_(bytes) {}

    void on_headers(int status) override {
        if (headers_) headers_(status);
    }
    void on_bytes(std::string_view bytes) override {
        if (bytes_) bytes_(bytes);
    }
    void on_end(StreamEnd how) override {
        end = std::move(how);
        bell.cancel();
    }

    asio::steady_timer bell;  // cancelled when the stream has ended
    std::optional<StreamEnd> end;

private:
    std::function<void(int)>& headers_;
    std::function<void(std::string_view)>& bytes_;
};

bool by_proxy(const HttpCall& call, const UrlParts& parts) {
    if (call.tls && !call.tls->proxy_url.empty()) return true;
    if (parts.is_loopback()) return false;
    constexpr const char* names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    return std::any_of(std::begin(names), std::end(names), [](const char* name) {
        const char* value = std::getenv(name);
        return value && *value;
    });
}

// What can be asked over our own HTTP/2; nothing: libcurl has to.
std::optional<H2Request> as_h2(const HttpCall& call) {
    const CurlUrl url = parse_url(call.url);
    if (!url || call.method != "GET" || !call.body.empty()) return std::nullopt;
    const UrlParts parts = parts_of(url.get());
    if (parts.scheme != "https" || by_proxy(call, parts)) return std::nullopt;
    H2Request request;
    request.host = parts.host;
    if (request.host.starts_with('['))
        request.host = request.host.substr(1, request.host.size() - 2);
    request.port = parts.port.empty() ? "443" : parts.port;
    request.tls = call.tls ? call.tls : std::make_shared<const TlsOptions>();
    request.server_name =
        request.tls->server_name.empty() ? request.host : request.tls->server_name;
    request.authority = parts.host_and_port();
    const std::string query = part_of(url.get(), CURLUPART_QUERY);
    request.target = query.empty() ? parts.path : parts.path + "?" + query;
    request.headers.emplace_back("user-agent", "runnerwatch");
    for (const auto& [name, value] : call.headers) {
        if (smuggles(name, value)) return std::nullopt;
        request.headers.emplace_back(ascii_lower(name), value);
    }
    request.fresh_connection = call.fresh_connection;
    return request;
}

}  // namespace

HttpClient::Impl::Impl(Loop executor)
    : loop(executor),
      calls(executor),
      streams(executor),
      h2(std::make_shared<H2Client>(executor)),
      spare_connections(spare_connections_first) {
    calls.limit_connections_per_host(call_connections_max);
    calls.after_each_turn([this] { return std::exchange(call_buffer_full, false); });
    streams.after_each_turn([this] {
        gathered.hand_over();
        for (CURL* easy : gathered.take_doomed()) streams.finish(easy, CURLE_WRITE_ERROR);
        return gathered.take_full();
    });
}

void HttpClient::Impl::note_version(CURL* easy) {
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_NONE) multiplexes = version >= CURL_HTTP_VERSION_2_0;
}

void HttpClient::Impl::limit_stream_connections() {
    auto needed = streams.running() / CurlMulti::streams_per_connection + 1 + spare_connections;
    streams.limit_connections_per_host(multiplexes ? static_cast<long>(needed) : 0);
}

void HttpClient::Impl::spare_more_connections() {
    spare_connections = std::min(spare_connections * 2, spare_connections_max);
}

HttpClient::HttpClient(Loop loop) : impl_(std::make_shared<Impl>(std::move(loop))) {}
HttpClient::~HttpClient() = default;

std::string_view HttpReply::header(std::string_view name) const {
    return find_header(headers, name);
}

asio::awaitable<Result<HttpReply, HttpFailure>> HttpClient::fetch(HttpCall call) {
    HttpTransfer transfer(std::move(call));
    if (auto wrong = transfer.prepare(); !wrong.empty())
        co_return failure(HttpFailure{HttpFailure::Kind::broken, wrong});
    HttpReply reply;
    set_option(transfer.easy.get(), CURLOPT_BUFFERSIZE, static_cast<long>(call_buffer_bytes));
    if (impl_->calls_suspect) set_option(transfer.easy.get(), CURLOPT_FRESH_CONNECT, 1L);
    const std::size_t most = transfer.call.reply_bytes_max;
    transfer.on_body = [this, &reply, most](std::string_view bytes) {
        impl_->call_buffer_full |= bytes.size() >= call_buffer_bytes;
        if (bytes.size() > most - reply.body.size()) return false;
        reply.body += bytes;
        return true;
    };

    auto code = co_await impl_->calls.run(transfer.easy.get());
    impl_->calls_suspect = code == CURLE_OPERATION_TIMEDOUT;
    if (transfer.thrown) std::rethrow_exception(transfer.thrown);
    if (transfer.too_large)
        co_return failure(HttpFailure{HttpFailure::Kind::too_large,
                                      transfer.host + ": the answer is larger than allowed"});
    if (code != CURLE_OK)
        co_return failure(HttpFailure{failure_kind(code), transfer.in_words(code)});
    impl_->note_version(transfer.easy.get());
    reply.status = transfer.status;
    reply.headers = std::move(transfer.reply_headers);
    co_return reply;
}

std::shared_ptr<HttpStream> HttpClient::open(HttpCall call, HttpStreamTaker& taker) {
    if (impl_->multiplexes && !impl_->h2->met_http1()) {
        if (auto request = as_h2(call)) {
            auto stream = std::make_shared<H2Stream>(impl_->h2, std::move(*request), taker);
            stream->begin();
            return stream;
        }
    }
    auto stream = std::make_shared<CurlStream>(impl_, std::move(call), taker);
    stream->begin();
    return stream;
}

asio::awaitable<StreamEnd> HttpClient::stream(HttpCall call, std::function<void(int)> on_headers,
                                              std::function<void(std::string_view)> on_bytes) {
    const std::string host = url_for_people(call.url);
    Listener listener(impl_->loop, on_headers, on_bytes);
    const auto stream = open(std::move(call), listener);
    co_await listener.bell.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!listener.end) {
        StreamEnd cancelled;
        cancelled.what = host + ": cancelled";
        co_return cancelled;
    }
    if (listener.end->thrown) std::rethrow_exception(listener.end->thrown);
    co_return std::move(*listener.end);
}

}  // namespace runnerwatch
