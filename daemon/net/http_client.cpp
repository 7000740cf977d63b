#include "daemon/net/http_client.h"

#include "daemon/net/curl_multi.h"
#include "daemon/net/http_transfer.h"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::chrono::seconds headers_timeout{60};  // of a stream; the body may be quiet for ever
constexpr std::size_t stream_buffer_bytes = 4 * 1024;  // libcurl's, of each of thousands
constexpr std::size_t call_buffer_bytes = 16 * 1024;   // of the few others
constexpr std::size_t gathered_max = 64 * 1024;
constexpr std::size_t refusal_bytes_max = 16 * 1024;

constexpr long call_connections_max = 32;
// Connections that a GOAWAY is draining count as well; without room beside them new streams wait.
constexpr std::size_t spare_connections_first = 4;
constexpr std::size_t spare_connections_max = 64;

// What libcurl hands over in small pieces, put together while they come from one stream: streams
// share the memory that a large buffer of each would take. Empty between two turns of libcurl.
class Gathered {
public:
    using OnBytes = std::function<void(std::string_view)>;

    void add(HttpTransfer& transfer, const OnBytes& on_bytes, std::string_view bytes) {
        if (transfer_ != &transfer || bytes_.size() + bytes.size() > gathered_max) hand_over();
        transfer_ = &transfer;
        on_bytes_ = &on_bytes;
        bytes_ += bytes;
        full_ = full_ || bytes.size() >= stream_buffer_bytes;
    }

    // Whether a buffer of libcurl's was full since the last call.
    bool take_full() { return std::exchange(full_, false); }

    // What a taker throws must not pass through libcurl: its transfer is to be ended.
    void hand_over() {
        if (!transfer_) return;
        HttpTransfer* transfer = std::exchange(transfer_, nullptr);
        try {
            if (!transfer->thrown) (*on_bytes_)(bytes_);
        } catch (...) {
            transfer->thrown = std::current_exception();
            doomed_.push_back(transfer->easy.get());
        }
        bytes_.clear();
    }

    std::vector<CURL*> take_doomed() { return std::exchange(doomed_, {}); }

private:
    HttpTransfer* transfer_ = nullptr;
    const OnBytes* on_bytes_ = nullptr;
    std::string bytes_;
    bool full_ = false;
    std::vector<CURL*> doomed_;
};

}  // namespace

struct HttpClient::Impl {
    explicit Impl(Loop executor) : loop(executor), calls(executor), streams(executor) {
        calls.limit_connections_per_host(call_connections_max);
        calls.after_each_turn([this] { return std::exchange(call_buffer_full, false); });
        streams.after_each_turn([this] {
            gathered.hand_over();
            for (CURL* easy : gathered.take_doomed()) streams.finish(easy, CURLE_WRITE_ERROR);
            return gathered.take_full();
        });
    }

    // Only of a server that multiplexes is it known how many connections suffice.
    void note_version(CURL* easy) {
        long version = 0;
        curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
        if (version != CURL_HTTP_VERSION_NONE) multiplexes = version >= CURL_HTTP_VERSION_2_0;
    }

    void limit_stream_connections() {
        auto needed = streams.running() / CurlMulti::streams_per_connection + 1 + spare_connections;
        streams.limit_connections_per_host(multiplexes ? static_cast<long>(needed) : 0);
    }

    void give_up_waiting_for_headers(HttpTransfer& transfer) {
        // It may have waited for a connection.
        spare_connections = std::min(spare_connections * 2, spare_connections_max);
        std::strcpy(transfer.error, "no answer within 60 s");
        streams.finish(transfer.easy.get(), CURLE_OPERATION_TIMEDOUT);
    }

    Loop loop;
    CurlMulti calls;  // apart from the streams, so that none of them ever waits behind those
    CurlMulti streams;
    Gathered gathered;
    bool call_buffer_full = false;
    bool calls_suspect = false;  // one had no answer: its connection may be half open
    bool multiplexes = false;
    std::size_t spare_connections = spare_connections_first;
};

HttpClient::HttpClient(Loop loop) : impl_(std::make_unique<Impl>(std::move(loop))) {}
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

asio::awaitable<StreamEnd> HttpClient::stream(HttpCall call, std::function<void(int)> on_headers,
                                              std::function<void(std::string_view)> on_bytes) {
    StreamEnd end;
    HttpTransfer transfer(std::move(call));
    if (end.what = transfer.prepare(); !end.what.empty()) co_return end;
    CURL* easy = transfer.easy.get();
    set_option(easy, CURLOPT_BUFFERSIZE, static_cast<long>(stream_buffer_bytes));
    set_option(easy, CURLOPT_TIMEOUT_MS, 0L);  // it may last for ever
    transfer.call.headers = {};                // libcurl has its own
    transfer.call.url = {};

    // Shared, because an expiry that is already queued may fire after the transfer.
    auto late = std::make_shared<asio::steady_timer>(impl_->loop, headers_timeout);
    late->async_wait([this, &transfer, weak = std::weak_ptr(late)](auto error) {
        if (!error && weak.lock()) impl_->give_up_waiting_for_headers(transfer);
    });
    transfer.on_headers = [&] {
        late.reset();
        impl_->note_version(easy);
        if (transfer.status / 100 == 2) transfer.reply_headers = {};  // of use only in refusals
        if (on_headers) on_headers(transfer.status);
    };
    transfer.on_body = [&](std::string_view bytes) {
        if (transfer.status / 100 == 2) {
            impl_->gathered.add(transfer, on_bytes, bytes);
            return true;
        }
        end.body += bytes.substr(0, refusal_bytes_max - end.body.size());
        return end.body.size() < refusal_bytes_max;
    };

    impl_->limit_stream_connections();
    auto code = co_await impl_->streams.run(easy);
    late.reset();
    if (transfer.thrown) std::rethrow_exception(transfer.thrown);
    end.status = transfer.status;
    end.retry_after = transfer.header("retry-after");
    end.clean = code == CURLE_OK;
    end.what = end.clean ? transfer.host + ": HTTP " + std::to_string(end.status) + ", ended"
                         : transfer.in_words(code);
    co_return end;
}

}  // namespace runnerwatch
