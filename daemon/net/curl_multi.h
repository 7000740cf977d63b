#pragma once

#include "daemon/runtime/loop.h"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/steady_timer.hpp>

#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>

namespace runnerwatch {

// Drives libcurl transfers on the loop.
//
// Confined to the loop: every call, and every curl callback, runs there. A transfer is started by
// awaiting run() and is aborted by cancelling that await. Await no run() of a destroyed object.
class CurlMulti {
public:
    // Few enough that one busy stream does not wake a hundred others (multi.c wakes all transfers
    // of a socket), below the 100 that the API server allows; a connection is some 100 KiB.
    static constexpr int streams_per_connection = 50;

    explicit CurlMulti(Loop loop);
    ~CurlMulti();
    CurlMulti(const CurlMulti&) = delete;
    CurlMulti& operator=(const CurlMulti&) = delete;

    // Performs `easy`. Resumes once curl has let go of the handle, so the caller may then free
    // it. CURLE_ABORTED_BY_CALLBACK means that the await was cancelled.
    asio::awaitable<CURLcode> run(CURL* easy);

    // The same without an await: `done` is called in a turn of the loop of its own.
    using Done = asio::any_completion_handler<void(CURLcode)>;
    void start(CURL* easy, Done done);
    // Aborts what start() began, if it still runs, and nothing is called. Not from a curl callback.
    // libcurl 7.88 tells an HTTP/2 server only when it next sends something over that connection.
    void drop(CURL* easy);

    // Ends a transfer with `code`, if it still runs. Not from a curl callback.
    void finish(CURL* easy, CURLcode code);

    // Connections to one host; 0: as many as there are transfers.
    void limit_connections_per_host(long connections);

    // Called after each turn of libcurl, before transfers that ended in it are told. True: a
    // transfer's buffer was full. libcurl 7.88 may then hold more of it, stops reading that
    // connection, and goes on only when the socket is said to be ready again.
    void after_each_turn(std::function<bool()> f) { after_turn_ = std::move(f); }

    std::size_t running() const { return running_.size(); }

private:
    struct Transfer;
    struct Watch;
    struct MultiFree {
        void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    };

    static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void*);
    static int on_timer(CURLM*, long milliseconds, void* self);
    void begin(const std::shared_ptr<Transfer>& transfer);
    void watch(CURL* easy, curl_socket_t socket, int what);
    void arm(const std::shared_ptr<Watch>& watch, int direction);
    void act(curl_socket_t socket, int ready);
    void read_on(curl_socket_t socket);

    Loop loop_;
    std::function<bool()> after_turn_;
    std::map<CURL*, std::shared_ptr<Transfer>> running_;
    std::map<curl_socket_t, std::shared_ptr<Watch>> watches_;
    std::shared_ptr<asio::steady_timer> timer_;  // shared: its waits may outlive us by one turn
    bool turn_queued_ = false;
    std::unique_ptr<CURLM, MultiFree> multi_;
};

}  // namespace runnerwatch
