// The two ends of a daemon under load; tests/bench/api.sh starts both.
//
// daemon_load feed FILE PER_SECOND SECONDS RUNNERS: appends refusals of job requests to FILE, in
// turn of so many runners, at that pace.
// daemon_load listen PORT LISTENERS CHANGES: so many listeners to /api/v1/events, and how long it
// takes from a change's POST until the first, half, and all of them have it.
#include "daemon/runtime/loop.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using asio::ip::tcp;
using Steady = std::chrono::steady_clock;

std::string now_text() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                            now.time_since_epoch() % std::chrono::seconds(1))
                            .count();
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900,
                  utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                  static_cast<int>(micros));
    return text;
}

void feed(const std::string& file, int per_second, int seconds, int runners) {
    std::ofstream log(file, std::ios::app);
    asio::io_context io;
    asio::steady_timer pace(io);
    const auto began = Steady::now();
    const int all = per_second * seconds;
    for (int line = 0; line < all;) {
        const auto passed = std::chrono::duration<double>(Steady::now() - began).count();
        const int owed = std::min(all, static_cast<int>(passed * per_second));
        for (; line < owed; ++line) {
            char runner[16];
            std::snprintf(runner, sizeof runner, "glrt%05d", line % runners);
            log << R"({"correlation_id":"01M850ZMQ6F7S1RW)" << line
                << R"(","level":"error","msg":"Checking for jobs... forbidden","runner":")"
                << runner << R"(","runner_name":"k8s-)" << runner << R"(","status":"POST )"
                << R"(https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden","time":")"
                << now_text() << "\"}\n";
        }
        log.flush();
        pace.expires_after(std::chrono::milliseconds(10));
        pace.wait();
    }
}

class Listeners {
public:
    Listeners(asio::io_context& io, std::uint16_t port, int listeners)
        : io_(io), daemon_(asio::ip::address_v4::loopback(), port), listeners_(listeners) {}

    asio::awaitable<void> measure(int changes) {
        asio::steady_timer pause(io_);
        for (int i = 0; i < listeners_; ++i) {
            auto task = listen();
            asio::co_spawn(io_, std::move(task), [](std::exception_ptr) {});  // the daemon has gone
            pause.expires_after(std::chrono::milliseconds(i % 50 == 49 ? 50 : 0));
            co_await pause.async_wait(asio::use_awaitable);
        }
        const auto patience = Steady::now() + std::chrono::seconds(30);
        while (ready_ < listeners_ && Steady::now() < patience) {
            pause.expires_after(std::chrono::milliseconds(50));
            co_await pause.async_wait(asio::use_awaitable);
        }
        std::vector<double> first, half, all;
        int lost = 0;
        for (int change = 0; change < changes; ++change) {
            awaited_ = "bench-" + std::to_string(::getpid()) + "-" + std::to_string(change);
            heard_.clear();
            sent_ = Steady::now();
            co_await post(awaited_);
            pause.expires_after(std::chrono::seconds(2));
            co_await pause.async_wait(asio::use_awaitable);
            std::sort(heard_.begin(), heard_.end());
            lost += listeners_ - static_cast<int>(heard_.size());
            if (heard_.empty()) continue;
            first.push_back(heard_.front());
            half.push_back(heard_[heard_.size() / 2]);
            all.push_back(heard_.back());
        }
        const auto worst = [](const std::vector<double>& times) {
            return times.empty() ? 0.0 : *std::max_element(times.begin(), times.end());
        };
        std::printf(
            "%d listeners, %d changes, the slowest of each: first %.0f ms, half %.0f ms, "
            "all %.0f ms; not heard within 2 s: %d; %.1f MB of events\n",
            ready_, changes, worst(first), worst(half), worst(all), lost,
            static_cast<double>(bytes_) / 1e6);
        io_.stop();
    }

private:
    asio::awaitable<void> listen() {
        tcp::socket socket(io_);
        co_await socket.async_connect(daemon_, asio::use_awaitable);
        const std::string request =
            "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n";
        auto sending = asio::buffer(request);
        co_await asio::async_write(socket, sending, asio::use_awaitable);
        std::string text;
        std::vector<char> room(64 * 1024);
        bool greeted = false;
        std::string had;
        for (;;) {
            auto buffer = asio::buffer(room);
            const std::size_t size = co_await socket.async_read_some(buffer, asio::use_awaitable);
            bytes_ += size;
            text.append(room.data(), size);
            if (!greeted && text.find("event: hello") != text.npos) {
                greeted = true;
                ++ready_;
            }
            if (had != awaited_ && text.find("\"" + awaited_ + "\"") != text.npos) {
                had = awaited_;
                heard_.push_back(
                    std::chrono::duration<double, std::milli>(Steady::now() - sent_).count());
            }
            if (text.size() > 4'096) text.erase(0, text.size() - 4'096);
        }
    }

    asio::awaitable<void> post(std::string tag) {
        tcp::socket socket(io_);
        co_await socket.async_connect(daemon_, asio::use_awaitable);
        // The tag before goes, so that there is room for the next.
        const std::string body =
            R"({"actor":"bench","acts":[{"incident":"1","act":"tag","tags":[")" + tag + R"("]})" +
            (tag_before_.empty()
                 ? ""
                 : R"(,{"incident":"1","act":"untag","tags":[")" + tag_before_ + R"("]})") +
            "]}";
        tag_before_ = tag;
        const std::string request =
            "POST /api/v1/incidents:batch HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        auto sending = asio::buffer(request);
        co_await asio::async_write(socket, sending, asio::use_awaitable);
        std::string answer;
        auto into = asio::dynamic_buffer(answer);
        auto token = asio::as_tuple(asio::use_awaitable);
        co_await asio::async_read_until(socket, into, "\r\n\r\n", token);
        if (answer.find(" 200 ") == answer.npos) std::cerr << answer << "\n";
    }

    asio::io_context& io_;
    tcp::endpoint daemon_;
    int listeners_, ready_ = 0;
    std::string awaited_ = "none", tag_before_;
    std::vector<double> heard_;  // milliseconds
    Steady::time_point sent_{};
    std::uint64_t bytes_ = 0;
};

}  // namespace
}  // namespace runnerwatch

int main(int argc, char** argv) {
    using namespace runnerwatch;
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 5 && words[0] == "feed") {
        feed(words[1], std::stoi(words[2]), std::stoi(words[3]), std::stoi(words[4]));
    } else if (words.size() == 4 && words[0] == "listen") {
        asio::io_context io;
        Listeners listeners(io, static_cast<std::uint16_t>(std::stoi(words[1])),
                            std::stoi(words[2]));
        auto task = listeners.measure(std::stoi(words[3]));
        asio::co_spawn(io, std::move(task), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        io.run();
    } else {
        std::cerr << "usage: daemon_load feed FILE PER_SECOND SECONDS RUNNERS\n"
                     "       daemon_load listen PORT LISTENERS CHANGES\n";
        return 2;
    }
}
