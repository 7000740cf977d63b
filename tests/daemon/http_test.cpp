#include "daemon/net/http_client.h"
#include "daemon/net/http_server.h"
#include "daemon/net/url_parts.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Kind = HttpFailure::Kind;

asio::awaitable<void> for_ever() {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::use_awaitable);
}

// A server with one handler, a client, and tasks beside the test.
struct Rig {
    Rig(Loop loop, HttpServer::Handler handler, HttpServer::Limits limits = {})
        : server(loop, std::move(handler), limits), client(loop), tasks(loop, &fail_test) {
        auto listening = server.listen("127.0.0.1:0");
        if (!listening) throw std::runtime_error(listening.error());
        port = *listening;
    }
    HttpCall call(const std::string& target) const {
        HttpCall result;
        result.url = "http://127.0.0.1:" + std::to_string(port) + target;
        return result;
    }
    HttpCall streaming(const std::string& target) const {
        HttpCall result = call(target);
        result.timeout = 0ms;
        return result;
    }
    asio::awaitable<void> stop() {
        co_await tasks.stop();
        co_await server.stop();
    }

    HttpServer server;
    HttpClient client;
    std::uint16_t port = 0;
    TaskGroup tasks;
};

// Says what it was asked.
asio::awaitable<void> echo(ServerRequest request, Responder& responder) {
    ServerReply reply;
    reply.content_type = "text/plain";
    reply.body = request.method + " " + request.path + "\n" + request.body;
    for (const auto& [name, value] : request.query) reply.body += "\n?" + name + "=" + value;
    if (request.path == "/missing") reply.status = 404;
    if (auto it = request.headers.find("x-ask"); it != request.headers.end())
        reply.headers.emplace_back("X-Answer", it->second);
    co_await responder.send(std::move(reply));
}

asio::awaitable<void> never_answers(ServerRequest, Responder&) { co_await for_ever(); }

TEST(Http, CarriesMethodPathQueryHeadersAndBodyBothWays) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, &echo);
        auto call = rig.call("/a%20b/%C3%A9?x=1%262&y=a+b&empty");
        call.method = "POST";
        call.body = "ping";
        call.headers = {{"X-Ask", "why"}, {"Content-Type", "text/plain"}};
        auto reply = co_await rig.client.fetch(call);
        EXPECT_TRUE(reply);
        if (reply) {
            EXPECT_EQ(reply->status, 200);
            EXPECT_EQ(reply->body, "POST /a b/\xC3\xA9\nping\n?empty=\n?x=1&2\n?y=a b");
            EXPECT_EQ(reply->header("x-answer"), "why");
            EXPECT_EQ(reply->header("content-type"), "text/plain");
            EXPECT_EQ(reply->header("x-other"), "");
        }
        co_await rig.stop();
    });
}

TEST(Http, AnErrorStatusIsAnAnswer) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, &echo);
        auto reply = co_await rig.client.fetch(rig.call("/missing"));
        EXPECT_TRUE(reply && reply->status == 404);
        EXPECT_THAT(reply->body, HasSubstr("GET /missing"));
        co_await rig.stop();
    });
}

TEST(Http, OneConnectionServesOneRequestAfterTheOther) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        HttpServer::Limits one;
        one.connections = 1;
        Rig rig(loop, &echo, one);
        for (int i = 0; i < 20; ++i) {
            auto reply = co_await rig.client.fetch(rig.call("/"));
            EXPECT_TRUE(reply && reply->status == 200) << i;
        }
        co_await rig.stop();
    });
}

TEST(HttpClient, TellsWhyThereWasNoAnswerWithoutTheUrlsSecrets) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        HttpClient client(loop);
        const struct {
            const char* name;
            const char* url;
            Kind kind;
        } cases[] = {
            {"refused", "http://user:hunter2@127.0.0.1:1/services/hunter2?token=hunter2",
             Kind::connect},
            {"no such host", "http://user:hunter2@nowhere.invalid/hunter2", Kind::resolve},
            {"not a URL", "hunter2", Kind::broken},
            {"a protocol we do not speak", "ftp://user:hunter2@127.0.0.1/hunter2", Kind::broken},
        };
        for (const auto& [name, url, kind] : cases) {
            SCOPED_TRACE(name);
            HttpCall call;
            call.url = url;
            auto reply = co_await client.fetch(call);
            EXPECT_FALSE(reply);
            if (reply) continue;
            EXPECT_EQ(reply.error().kind, kind) << reply.error().what;
            EXPECT_THAT(reply.error().what, AllOf(Not(HasSubstr("hunter2")), Not("")));
        }
    });
}

TEST(HttpClient, AnUnusableProxyIsNotQuoted) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        HttpClient client(loop);
        for (const char* proxy : {"foo://user:hunter2@127.0.0.1:1", "user:hunter2@127.0.0.1:x"}) {
            SCOPED_TRACE(proxy);
            HttpCall call;
            call.url = "http://example.invalid/";
            auto tls = std::make_shared<TlsOptions>();
            tls->proxy_url = proxy;
            call.tls = tls;
            auto reply = co_await client.fetch(call);
            EXPECT_FALSE(reply);
            if (!reply) {
                EXPECT_THAT(reply.error().what, Not(HasSubstr("hunter2")));
            }
        }
    });
}

TEST(HttpClient, RefusesAHeaderThatWouldSmuggleInAnother) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, &echo);
        auto call = rig.call("/");
        call.headers = {{"Authorization", "Bearer a\r\nX-Ask: b"}};
        auto reply = co_await rig.client.fetch(call);
        EXPECT_FALSE(reply);
        if (!reply) {
            EXPECT_EQ(reply.error().kind, Kind::broken);
        }
        co_await rig.stop();
    });
}

TEST(HttpClient, GivesUpOnAServerThatNeverAnswers) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, &never_answers);
        auto call = rig.call("/");
        call.timeout = 20ms;
        auto reply = co_await rig.client.fetch(call);
        EXPECT_FALSE(reply);
        if (!reply) {
            EXPECT_EQ(reply.error().kind, Kind::timeout);
        }
        co_await rig.stop();
    });
}

TEST(HttpClient, ReadsNoMoreOfAnAnswerThanAllowed) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        auto large = [](ServerRequest request, Responder& responder) -> asio::awaitable<void> {
            ServerReply reply;
            reply.body.assign(request.path == "/fits" ? 1000 : 1001, 'x');
            co_await responder.send(std::move(reply));
        };
        Rig rig(loop, large);
        for (const char* path : {"/fits", "/too-large"}) {
            auto call = rig.call(path);
            call.reply_bytes_max = 1000;
            auto reply = co_await rig.client.fetch(call);
            if (std::string(path) == "/fits") {
                EXPECT_TRUE(reply && reply->body.size() == 1000);
            } else {
                EXPECT_TRUE(!reply && reply.error().kind == Kind::too_large);
            }
        }
        co_await rig.stop();
    });
}

TEST(HttpClient, ACancelledFetchEndsAtOnceAndTheServerNotices) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        int begun = 0, ended = 0;
        auto handler = [&](ServerRequest, Responder&) -> asio::awaitable<void> {
            ++begun;
            try {
                co_await for_ever();
            } catch (const boost::system::system_error&) {
                ++ended;
                throw;
            }
        };
        Rig rig(loop, handler);
        bool cancelled = false;
        auto caller = [&]() -> asio::awaitable<void> {
            auto reply = co_await rig.client.fetch(rig.streaming("/"));
            cancelled = !reply && reply.error().kind == Kind::cancelled;
        };
        TaskGroup callers(loop, &fail_test);
        callers.spawn("caller", caller());
        auto handled = [&] { return begun == 1; };
        co_await until(handled);
        co_await callers.stop();
        EXPECT_TRUE(cancelled);
        auto noticed = [&] { return ended == 1; };
        co_await until(noticed);
        co_await rig.stop();
    });
}

TEST(HttpClient, MayBeDestroyedRightAfterItsTransfersWereCancelled) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, &never_answers);
        for (int turns = 0; turns < 6; ++turns) {  // each a step further in the transfer's life
            auto client = std::make_unique<HttpClient>(loop);
            auto caller = [&]() -> asio::awaitable<void> {
                auto reply = co_await client->fetch(rig.streaming("/"));
                EXPECT_FALSE(reply);
            };
            TaskGroup callers(loop, &fail_test);
            callers.spawn("caller", caller());
            for (int i = 0; i < turns; ++i) co_await asio::post(loop, asio::use_awaitable);
            co_await callers.stop();
            client.reset();
        }
        co_await rig.stop();
    });
}

TEST(HttpClient, DeliversAStreamChunkByChunk) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        int allowed = 0;
        auto handler = [&](ServerRequest, Responder& responder) -> asio::awaitable<void> {
            co_await responder.begin_stream(200, "text/plain");
            for (int i = 1; i <= 3; ++i) {
                auto may_go_on = [&] { return allowed >= i; };
                co_await until(may_go_on);
                co_await responder.write("chunk " + std::to_string(i) + "\n");
            }
            co_await responder.end_stream();
        };
        Rig rig(loop, handler);
        std::string got;
        int status = 0;
        bool clean = false;
        auto reader = [&]() -> asio::awaitable<void> {
            auto on_headers = [&](int value) { status = value; };
            auto on_bytes = [&](std::string_view bytes) { got += bytes; };
            auto end = co_await rig.client.stream(rig.streaming("/"), on_headers, on_bytes);
            clean = end.clean;
            EXPECT_EQ(end.status, 200);
        };
        rig.tasks.spawn("reader", reader());
        auto headers_came = [&] { return status != 0; };
        co_await until(headers_came);
        EXPECT_EQ(status, 200) << "the headers come before the first chunk";
        std::string expected;
        for (allowed = 1; allowed <= 3; ++allowed) {
            expected += "chunk " + std::to_string(allowed) + "\n";
            auto chunk_came = [&] { return got.size() >= expected.size(); };
            co_await until(chunk_came);
            EXPECT_EQ(got, expected);
        }
        auto stream_ended = [&] { return rig.tasks.running() == 0; };
        co_await until(stream_ended);
        EXPECT_TRUE(clean);
        co_await rig.stop();
    });
}

TEST(HttpClient, TellsHowAStreamEnded) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        auto handler = [&](ServerRequest request, Responder& responder) -> asio::awaitable<void> {
            if (request.path == "/forbidden") {
                ServerReply reply;
                reply.status = 429;
                reply.headers = {{"Retry-After", "5"}};
                reply.body = std::string(100'000, 'n');
                co_await responder.send(std::move(reply));
                co_return;
            }
            co_await responder.begin_stream(200, "text/plain");
            co_await responder.write("half a");
            if (request.path == "/cut") co_return;  // without the last chunk
            co_await responder.end_stream();
        };
        Rig rig(loop, handler);
        std::string got;
        auto on_bytes = [&](std::string_view bytes) { got += bytes; };

        auto clean = co_await rig.client.stream(rig.streaming("/clean"), nullptr, on_bytes);
        EXPECT_TRUE(clean.clean) << clean.what;
        auto cut = co_await rig.client.stream(rig.streaming("/cut"), nullptr, on_bytes);
        EXPECT_FALSE(cut.clean);
        EXPECT_EQ(cut.status, 200);
        EXPECT_THAT(cut.what, StartsWith("127.0.0.1:"));
        EXPECT_EQ(got, "half ahalf a");

        auto refused = co_await rig.client.stream(rig.streaming("/forbidden"), nullptr, on_bytes);
        EXPECT_EQ(refused.status, 429);
        EXPECT_EQ(refused.retry_after, "5");
        EXPECT_EQ(refused.body, std::string(16 * 1024, 'n')) << "shortened";
        EXPECT_EQ(got, "half ahalf a") << "a refusal is not content";

        HttpCall nobody;
        nobody.url = "http://127.0.0.1:1/";
        auto none = co_await rig.client.stream(nobody, nullptr, on_bytes);
        EXPECT_EQ(none.status, 0);
        EXPECT_FALSE(none.clean);
        co_await rig.stop();
    });
}

TEST(HttpClient, WhatACallbackThrowsEndsTheStreamAndReachesItsReader) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, &echo);
        auto on_bytes = [](std::string_view) { throw std::runtime_error("no room"); };
        std::string thrown;
        try {
            auto end = co_await rig.client.stream(rig.streaming("/"), nullptr, on_bytes);
            ADD_FAILURE() << end.what;
        } catch (const std::runtime_error& error) {
            thrown = error.what();
        }
        EXPECT_EQ(thrown, "no room");
        co_await rig.stop();
    });
}

TEST(HttpClient, AHundredStreamsCancelledMidwayLeaveNothingBehind) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        int serving = 0;
        auto handler = [&](ServerRequest, Responder& responder) -> asio::awaitable<void> {
            struct Count {
                int& n;
                explicit Count(int& count) : n(count) { ++n; }
                ~Count() { --n; }
            } count(serving);
            co_await responder.begin_stream(200, "text/plain");
            for (;;) {
                co_await responder.write(std::string(100, 'x'));
                co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            }
        };
        Rig rig(loop, handler);
        std::size_t reading = 0, ended = 0;
        auto reader = [&]() -> asio::awaitable<void> {
            std::size_t bytes = 0;
            auto on_bytes = [&](std::string_view chunk) {
                if (bytes == 0) ++reading;
                bytes += chunk.size();
            };
            auto end = co_await rig.client.stream(rig.streaming("/"), nullptr, on_bytes);
            EXPECT_FALSE(end.clean);
            ++ended;
        };
        TaskGroup readers(loop, &fail_test);
        for (int i = 0; i < 100; ++i) readers.spawn("reader", reader());
        auto all_read = [&] { return reading == 100; };
        co_await until(all_read);
        EXPECT_EQ(serving, 100);
        co_await readers.stop();
        EXPECT_EQ(ended, 100u);
        auto none_served = [&] { return serving == 0; };
        co_await until(none_served);
        co_await rig.stop();
    });
}

// What a client says byte by byte, and all that the server answers until it closes.
asio::awaitable<std::string> raw(std::uint16_t port, std::string request) {
    asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
    asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    co_await socket.async_connect(endpoint, asio::use_awaitable);
    boost::system::error_code ignored;
    auto bytes = asio::buffer(request);
    co_await asio::async_write(socket, bytes, asio::redirect_error(asio::use_awaitable, ignored));
    std::string answer;
    auto rest = asio::dynamic_buffer(answer);
    co_await asio::async_read(socket, rest, asio::redirect_error(asio::use_awaitable, ignored));
    co_return answer;
}

TEST(HttpServer, RefusesWhatIsNoRequestOrTooLarge) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        HttpServer::Limits limits;
        limits.header_bytes = 1024;
        limits.body_bytes = 1000;
        Rig rig(loop, &echo, limits);
        const std::string host = "\r\nHost: h\r\n";
        const struct {
            const char* name;
            std::string request;
            const char* answer;
        } cases[] = {
            {"garbage", "hello\r\n\r\n", "HTTP/1.1 400 "},
            {"half an escape", "GET /%4 HTTP/1.1" + host + "\r\n", "HTTP/1.1 400 "},
            {"no hexadecimal", "GET /%zz HTTP/1.1" + host + "\r\n", "HTTP/1.1 400 "},
            {"escape in the query", "GET /?a=%f HTTP/1.1" + host + "\r\n", "HTTP/1.1 400 "},
            {"not a path", "GET http://other/ HTTP/1.1" + host + "\r\n", "HTTP/1.1 400 "},
            {"header too large",
             "GET / HTTP/1.1" + host + "X: " + std::string(2000, 'x') + "\r\n\r\n",
             "HTTP/1.1 431 "},
            {"body too large",
             "POST / HTTP/1.1" + host + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'),
             "HTTP/1.1 413 "},
            {"body as large as allowed",
             "POST / HTTP/1.1" + host + "Connection: close\r\nContent-Length: 1000\r\n\r\n" +
                 std::string(1000, 'x'),
             "HTTP/1.1 200 "},
        };
        for (const auto& [name, request, answer] : cases) {
            SCOPED_TRACE(name);
            auto got = co_await raw(rig.port, request);
            EXPECT_THAT(got, StartsWith(answer));
        }
        co_await rig.stop();
    });
}

TEST(HttpServer, ClosesAConnectionWhoseRequestDoesNotArriveInTime) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        HttpServer::Limits limits;
        limits.request_time = 0s;
        Rig rig(loop, &echo, limits);
        auto got = co_await raw(rig.port, "GET / HT");
        EXPECT_EQ(got, "");
        co_await rig.stop();
    });
}

TEST(HttpServer, TellsAClientTooManyToComeAgain) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        int begun = 0;
        auto handler = [&](ServerRequest, Responder&) -> asio::awaitable<void> {
            ++begun;
            co_await for_ever();
        };
        HttpServer::Limits limits;
        limits.connections = 2;
        Rig rig(loop, handler, limits);
        auto caller = [&]() -> asio::awaitable<void> {
            auto reply = co_await rig.client.fetch(rig.streaming("/"));
            EXPECT_FALSE(reply) << "cancelled at the end";
        };
        rig.tasks.spawn("first", caller());
        rig.tasks.spawn("second", caller());
        auto both_handled = [&] { return begun == 2; };
        co_await until(both_handled);
        auto third = co_await raw(rig.port, "");
        EXPECT_THAT(third, StartsWith("HTTP/1.1 503 "));
        co_await rig.stop();
    });
}

TEST(HttpServer, AnswersForAHandlerThatFails) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        auto handler = [](ServerRequest request, Responder&) -> asio::awaitable<void> {
            if (request.path == "/throws") throw std::logic_error("a bug");
            co_return;
        };
        Rig rig(loop, handler);
        for (const char* path : {"/throws", "/says-nothing"}) {
            SCOPED_TRACE(path);
            auto reply = co_await rig.client.fetch(rig.call(path));
            EXPECT_TRUE(reply && reply->status == 500);
        }
        co_await rig.stop();
    });
}

TEST(HttpServer, SpeaksToOldClientsAndToHeadRequests) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        auto handler = [](ServerRequest request, Responder& responder) -> asio::awaitable<void> {
            if (request.path == "/whole") co_return co_await echo(request, responder);
            co_await responder.begin_stream(200, "text/plain");
            co_await responder.write("a");
            co_await responder.write("b");
            co_await responder.end_stream();
        };
        Rig rig(loop, handler);
        auto old = co_await raw(rig.port, "GET /stream HTTP/1.0\r\n\r\n");
        EXPECT_THAT(old, AllOf(testing::EndsWith("\r\n\r\nab"), Not(HasSubstr("chunked"))));
        auto head = co_await raw(rig.port, "HEAD /whole HTTP/1.1\r\nConnection: close\r\n\r\n");
        EXPECT_THAT(head, AllOf(HasSubstr("Content-Length: 12"), testing::EndsWith("\r\n\r\n")));
        co_await rig.stop();
    });
}

TEST(HttpServer, ListensWhereItIsTold) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        const struct {
            const char* address;
            const char* trouble;  // empty: it listens
        } cases[] = {
            {"127.0.0.1:0", ""},
            {":0", ""},
            {"localhost:0", ""},
            {"127.0.0.1", "not HOST:PORT"},
            {"127.0.0.1:http", "not a number"},
            {"127.0.0.1:65536", "not a number"},
            {"example.com:80", "not an IP address"},
            {"192.0.2.1:80", "cannot listen on 192.0.2.1:80: "},
        };
        for (const auto& [address, trouble] : cases) {
            SCOPED_TRACE(address);
            HttpServer server(loop, &echo);
            auto port = server.listen(address);
            EXPECT_EQ(port.has_value(), *trouble == '\0');
            if (port) {
                HttpClient client(loop);
                HttpCall call;
                call.url = "http://127.0.0.1:" + std::to_string(*port) + "/";
                auto reply = co_await client.fetch(call);
                EXPECT_TRUE(reply);
            } else {
                EXPECT_THAT(port.error(), HasSubstr(trouble));
            }
            co_await server.stop();
        }
    });
}

TEST(UrlForPeople, KeepsNoSecret) {
    const struct {
        const char* url;
        const char* shown;
    } cases[] = {
        {"https://user:hunter2@host:8443/path?token=hunter2#hunter2", "https://host:8443/path"},
        {"http://[::1]:80/", "http://[::1]:80/"},
        {"hunter2", "(a URL that cannot be read)"},
        {"https://host", "https://host/"},
    };
    for (const auto& [url, shown] : cases) EXPECT_EQ(url_for_people(url), shown);
}

}  // namespace
}  // namespace runnerwatch
