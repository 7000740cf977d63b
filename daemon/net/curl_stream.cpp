#include "daemon/net/curl_stream.h"

#include "daemon/net/http_client_state.h"

#include <boost/asio/post.hpp>

#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t buffer_bytes = 2 * 1024;  // libcurl's, of each of thousands
constexpr std::size_t gathered_max = 64 * 1024;

}  // namespace

void GatheredBytes::add(CurlStream& stream, std::string_view bytes) {
    if (stream_ != &stream || bytes_.size() + bytes.size() > gathered_max) hand_over();
    stream_ = &stream;
    bytes_ += bytes;
    full_ = full_ || bytes.size() >= buffer_bytes;
}

// What a taker throws must not pass through libcurl: its transfer is to be ended.
void GatheredBytes::hand_over() {
    if (!stream_) return;
    CurlStream& stream = *std::exchange(stream_, nullptr);
    HttpTransfer& transfer = stream.transfer_;
    try {
        if (!transfer.thrown) stream.taker_.on_bytes(bytes_);
    } catch (...) {
        transfer.thrown = std::current_exception();
        doomed_.push_back(transfer.easy.get());
    }
    bytes_.clear();
}

CurlStream::CurlStream(std::shared_ptr<HttpClient::Impl> client, HttpCall call,
                       HttpStreamTaker& taker)
    : client_(std::move(client)), transfer_(std::move(call)), taker_(taker) {}

CurlStream::~CurlStream() { client_->streams.drop(transfer_.easy.get()); }

void CurlStream::begin() {
    const std::weak_ptr<CurlStream> weak = weak_from_this();
    if (StreamEnd end; end.what = transfer_.prepare(), !end.what.empty()) {
        asio::post(client_->loop, [weak, end] {
            if (auto alive = weak.lock()) alive->taker_.on_end(end);
        });
        return;
    }
    CURL* easy = transfer_.easy.get();
    set_option(easy, CURLOPT_BUFFERSIZE, static_cast<long>(buffer_bytes));
    set_option(easy, CURLOPT_TIMEOUT_MS, 0L);  // it may last for ever
    transfer_.on_headers = [this] { headers_came(); };
    transfer_.on_body = [this](std::string_view bytes) { return body_came(bytes); };
    late_ = std::make_unique<asio::steady_timer>(client_->loop, headers_timeout);
    late_->async_wait([weak](auto error) {
        auto alive = weak.lock();
        if (!error && alive && alive->late_) alive->give_up_waiting();
    });
    client_->limit_stream_connections();
    client_->streams.start(easy, [weak](CURLcode code) {
        if (auto alive = weak.lock()) alive->ended(code);
    });
}

void CurlStream::headers_came() {
    late_.reset();
    client_->note_version(transfer_.easy.get());
    if (transfer_.status / 100 == 2) transfer_.forget_request();
    taker_.on_headers(transfer_.status);
}

bool CurlStream::body_came(std::string_view bytes) {
    if (transfer_.status / 100 == 2) {
        client_->gathered.add(*this, bytes);
        return true;
    }
    refusal_ += bytes.substr(0, refusal_bytes_max - refusal_.size());
    return refusal_.size() < refusal_bytes_max;
}

void CurlStream::give_up_waiting() {
    client_->spare_more_connections();
    std::strcpy(transfer_.error, "no answer within 60 s");
    client_->streams.finish(transfer_.easy.get(), CURLE_OPERATION_TIMEDOUT);
}

void CurlStream::ended(CURLcode code) {
    late_.reset();
    StreamEnd end;
    end.status = transfer_.status;
    end.body = std::move(refusal_);
    end.retry_after = transfer_.header("retry-after");
    end.clean = code == CURLE_OK;
    end.what = end.clean ? transfer_.host + ": HTTP " + std::to_string(end.status) + ", ended"
                         : transfer_.in_words(code);
    end.thrown = transfer_.thrown;
    taker_.on_end(std::move(end));
}

}  // namespace runnerwatch
