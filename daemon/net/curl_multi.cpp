#include "daemon/net/curl_multi.h"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>
#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>

namespace runnerwatch {
namespace {

template <class Value>
void set_multi_option(CURLM* multi, CURLMoption option, Value value) {
    if (auto code = curl_multi_setopt(multi, option, value); code != CURLM_OK)
        throw std::logic_error(curl_multi_strerror(code));
}

}  // namespace

struct CurlMulti::Transfer {
    CURL* easy;
    Done done;
};

// curl owns its sockets and may close one before we hear of it, so we poll a duplicate: closing
// ours never disturbs curl's, and an epoll entry never outlives its descriptor.
struct CurlMulti::Watch {
    Watch(const Loop& loop, curl_socket_t s, int duplicate) : socket(s), poll(loop, duplicate) {}
    curl_socket_t socket;
    asio::posix::stream_descriptor poll;
    int wanted = 0;  // CURL_POLL_IN | CURL_POLL_OUT
    int armed = 0;   // same bits: waits now pending
};

CurlMulti::CurlMulti(Loop loop)
    : loop_(std::move(loop)),
      timer_(std::make_shared<asio::steady_timer>(loop_)),
      multi_(curl_multi_init()) {
    if (!multi_) throw std::bad_alloc();
    set_multi_option(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
    set_multi_option(multi_.get(), CURLMOPT_SOCKETDATA, this);
    set_multi_option(multi_.get(), CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
    set_multi_option(multi_.get(), CURLMOPT_TIMERDATA, this);
    set_multi_option(multi_.get(), CURLMOPT_MAX_CONCURRENT_STREAMS, long{streams_per_connection});
}

CurlMulti::~CurlMulti() {
    // A loop that is destroyed with coroutines in it never ends their transfers. curl must let go
    // of the handles before the frames free them.
    for (auto& [easy, transfer] : running_) curl_multi_remove_handle(multi_.get(), easy);
    auto abandoned = std::exchange(running_, {});
    multi_.reset();  // closing its connections calls on_socket, which needs watches_
}

asio::awaitable<CURLcode> CurlMulti::run(CURL* easy) {
    auto begin = [this, easy](auto handler) { start(easy, std::move(handler)); };
    auto code = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(CURLcode)>(
        begin, asio::use_awaitable);
    co_return code;
}

void CurlMulti::start(CURL* easy, Done done) {
    // The slot must come from the erased handler, or cancellation is lost.
    auto transfer = std::make_shared<Transfer>(Transfer{easy, std::move(done)});
    running_.emplace(easy, transfer);
    // Whoever awaits or cancels may stand in a curl callback, where curl cannot be called.
    // A transfer that is alive is one of ours, so the weak pointers also guard `this`.
    std::weak_ptr<Transfer> weak = transfer;
    if (auto slot = asio::get_associated_cancellation_slot(transfer->done); slot.is_connected())
        slot.assign([this, weak](asio::cancellation_type) {
            asio::post(loop_, [this, weak] {
                if (auto alive = weak.lock()) finish(alive->easy, CURLE_ABORTED_BY_CALLBACK);
            });
        });
    asio::post(loop_, [this, weak] {
        if (auto alive = weak.lock()) begin(alive);
    });
}

void CurlMulti::drop(CURL* easy) {
    if (running_.erase(easy) > 0) curl_multi_remove_handle(multi_.get(), easy);
}

void CurlMulti::begin(const std::shared_ptr<Transfer>& transfer) {
    if (curl_multi_add_handle(multi_.get(), transfer->easy) != CURLM_OK)
        finish(transfer->easy, CURLE_FAILED_INIT);
}

void CurlMulti::finish(CURL* easy, CURLcode code) {
    auto it = running_.find(easy);
    if (it == running_.end()) return;  // completed and cancelled in the same turn
    auto done = std::move(it->second->done);
    running_.erase(it);
    curl_multi_remove_handle(multi_.get(), easy);
    asio::post(loop_, asio::append(std::move(done), code));
}

void CurlMulti::limit_connections_per_host(long connections) {
    set_multi_option(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, connections);
}

int CurlMulti::on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void*) {
    static_cast<CurlMulti*>(self)->watch(easy, socket, what);
    return 0;
}

void CurlMulti::watch(CURL* easy, curl_socket_t socket, int what) {
    if (what == CURL_POLL_REMOVE) {
        watches_.erase(socket);
        return;
    }
    auto& watch = watches_[socket];
    if (!watch) {
        int duplicate = ::dup(socket);
        if (duplicate < 0) {  // no descriptors left: this transfer fails, the others go on
            watches_.erase(socket);
            if (auto it = running_.find(easy); it != running_.end())
                asio::post(loop_, [this, weak = std::weak_ptr(it->second)] {
                    if (auto alive = weak.lock()) finish(alive->easy, CURLE_COULDNT_CONNECT);
                });
            return;
        }
        watch = std::make_shared<Watch>(loop_, socket, duplicate);
    }
    watch->wanted = what;  // CURL_POLL_IN, _OUT and _INOUT are bits
    arm(watch, CURL_POLL_IN);
    arm(watch, CURL_POLL_OUT);
}

void CurlMulti::arm(const std::shared_ptr<Watch>& watch, int direction) {
    if (!(watch->wanted & direction) || (watch->armed & direction)) return;
    watch->armed |= direction;
    auto wait = direction == CURL_POLL_IN ? asio::posix::stream_descriptor::wait_read
                                          : asio::posix::stream_descriptor::wait_write;
    watch->poll.async_wait(wait, [this, weak = std::weak_ptr(watch), direction](auto error) {
        auto alive = weak.lock();  // curl may have closed the socket in between
        if (!alive || error) return;
        alive->armed &= ~direction;
        if (!(alive->wanted & direction)) return;
        act(alive->socket, direction == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
        // curl calls on_socket only on a change, and a wait is good for one event. If curl has
        // closed the socket, nothing is wanted that could be waited for any more.
        if (auto it = watches_.find(alive->socket); it != watches_.end() && it->second == alive)
            arm(alive, direction);
    });
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* self) {
    auto& multi = *static_cast<CurlMulti*>(self);
    if (milliseconds < 0) {
        multi.timer_->cancel();
        return 0;
    }
    // An expiry that is already queued still fires; curl takes an early call well.
    if (milliseconds == 0) {  // at every few kilobytes of a busy stream: not worth a timer
        multi.timer_->cancel();
        if (std::exchange(multi.turn_queued_, true)) return 0;
        asio::post(multi.loop_, [&multi, weak = std::weak_ptr(multi.timer_)] {
            if (!weak.lock()) return;
            multi.turn_queued_ = false;
            multi.act(CURL_SOCKET_TIMEOUT, 0);
        });
        return 0;
    }
    multi.timer_->expires_after(std::chrono::milliseconds(milliseconds));
    multi.timer_->async_wait([&multi, weak = std::weak_ptr(multi.timer_)](auto error) {
        if (!error && weak.lock()) multi.act(CURL_SOCKET_TIMEOUT, 0);
    });
    return 0;
}

void CurlMulti::act(curl_socket_t socket, int ready) {
    int still_running = 0;
    curl_multi_socket_action(multi_.get(), socket, ready, &still_running);
    if (after_turn_ && after_turn_()) read_on(socket);
    int queued = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
        if (message->msg != CURLMSG_DONE) continue;
        // The message dies with the handle's removal.
        CURL* easy = message->easy_handle;
        CURLcode code = message->data.result;
        finish(easy, code);
    }
}

// In a turn of the loop of its own, so that a busy stream does not keep the others waiting. A
// timer's turn does not say whose socket it was.
void CurlMulti::read_on(curl_socket_t socket) {
    for (const auto& [known, watch] : watches_) {
        if (socket != CURL_SOCKET_TIMEOUT && known != socket) continue;
        asio::post(loop_, [this, weak = std::weak_ptr(watch)] {
            if (auto alive = weak.lock()) act(alive->socket, CURL_CSELECT_IN);
        });
    }
}

}  // namespace runnerwatch
