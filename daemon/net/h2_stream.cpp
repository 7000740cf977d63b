#include "daemon/net/h2_stream.h"

#include "daemon/net/h2_client.h"

#include <boost/asio/post.hpp>

#include <charconv>
#include <chrono>

namespace runnerwatch {
namespace {

constexpr int refusals_max = 3;

}  // namespace

H2Request H2Request::where() const {
    H2Request result;
    result.host = host;
    result.port = port;
    result.server_name = server_name;
    result.tls = tls;
    return result;
}

bool H2Request::goes_with(const H2Request& other) const {
    return host == other.host && port == other.port && server_name == other.server_name &&
           (tls == other.tls || *tls == *other.tls);
}

H2Stream::H2Stream(std::shared_ptr<H2Client> client, H2Request request, HttpStreamTaker& taker)
    : client_(std::move(client)),
      taker_(taker),
      request_(std::make_unique<H2Request>(std::move(request))),
      host_(request_->authority) {}

H2Stream::~H2Stream() {
    client_->forget(*this);
    if (connection) connection->remove(*this);
}

void H2Stream::begin() {
    late_ = std::make_unique<asio::steady_timer>(client_->loop(), headers_timeout);
    late_->async_wait([weak = weak_from_this()](auto error) {
        const auto alive = weak.lock();
        if (!error && alive && alive->late_) alive->give_up_waiting();
    });
    client_->place(*this);
}

void H2Stream::give_up_waiting() {
    if (connection) {
        connection->doubt();
        connection->remove(*this);
    }
    end(false, "no answer within 60 s");
}

void H2Stream::header(std::string_view name, std::string_view value) {
    if (!request_) return;  // of a trailer
    if (name == ":status") std::from_chars(value.data(), value.data() + value.size(), status_);
    if (name == "retry-after") retry_after_ = value;
}

template <class Work>
bool H2Stream::guarded(Work work) {
    if (thrown_) return false;
    try {
        work();
    } catch (...) {
        thrown_ = std::current_exception();
    }
    return !thrown_;
}

bool H2Stream::headers_end() {
    if (!request_ || status_ < 200) return true;  // a trailer, or "100 Continue"
    late_.reset();
    request_.reset();
    return guarded([this] { taker_.on_headers(status_); });
}

bool H2Stream::bytes(std::string_view text) {
    if (status_ / 100 == 2) return guarded([&] { taker_.on_bytes(text); });
    refusal_ += text.substr(0, refusal_bytes_max - refusal_.size());
    return refusal_.size() < refusal_bytes_max;
}

void H2Stream::refused(std::string why) {
    if (++refusals_ > refusals_max) return end(false, std::move(why));
    asio::post(client_->loop(), [weak = weak_from_this()] {
        // Unless it was given up in between.
        if (const auto alive = weak.lock(); alive && alive->late_) alive->client_->place(*alive);
    });
}

void H2Stream::end(bool clean, std::string why) {
    late_.reset();
    StreamEnd end;
    end.status = status_;
    end.body = std::move(refusal_);
    end.retry_after = std::move(retry_after_);
    end.clean = clean && status_ != 0;
    end.what =
        host_ + ": " + (end.clean ? "HTTP " + std::to_string(status_) + ", ended" : std::move(why));
    end.thrown = thrown_;
    asio::post(client_->loop(), [weak = weak_from_this(), end = std::move(end)]() mutable {
        if (const auto alive = weak.lock()) alive->taker_.on_end(std::move(end));
    });
}

}  // namespace runnerwatch
