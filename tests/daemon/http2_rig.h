#pragma once

#include "daemon/net/http_client.h"
#include "tests/daemon/run_on_loop.h"
#include "tests/fakes/h2_server.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

#include <list>
#include <optional>

namespace runnerwatch {

// Keeps what it hears of a stream.
struct Heard final : HttpStreamTaker {
    void on_headers(int its_status) override { status = its_status; }
    void on_bytes(std::string_view bytes) override {
        text += bytes;
        if (text == throws_at) throw std::runtime_error("no room");
    }
    void on_end(StreamEnd how) override { end = std::move(how); }
    bool ended() const { return end.has_value(); }

    int status = 0;
    std::string text, throws_at = "(never)";
    std::optional<StreamEnd> end;
    std::shared_ptr<HttpStream> stream;
};

// A client and a server that speak HTTP/2.
struct H2Rig {
    H2Rig(Loop loop, const TestAuthority& authority, FakeH2Server::Options options)
        : server(loop, authority, std::move(options)), client(loop) {
        tls.ca_file = authority.file("ca.pem");
    }
    HttpCall call(const std::string& target) const {
        HttpCall call;
        call.url = server.url(target);
        call.tls = std::make_shared<const TlsOptions>(tls);
        return call;
    }
    // The client knows from an answer that the server speaks HTTP/2.
    asio::awaitable<void> meet() {
        HttpCall version = call("/version");
        TlsOptions trusting = tls;
        trusting.insecure_skip_verify = true;
        trusting.server_name.clear();
        version.tls = std::make_shared<const TlsOptions>(trusting);
        const auto reply = co_await client.fetch(version);
        EXPECT_TRUE(reply && reply->body == "yes");
        met_over = server.connections();
    }
    Heard& open(const std::string& target) { return open(call(target)); }
    Heard& open(HttpCall what) {
        Heard& heard = all.emplace_back();
        heard.stream = client.open(std::move(what), heard);
        return heard;
    }
    int stream_connections() const { return server.connections() - met_over; }
    asio::awaitable<void> stop() {
        all.clear();
        co_await server.stop();
    }

    FakeH2Server server;
    HttpClient client;
    TlsOptions tls;
    std::list<Heard> all;
    int met_over = 0;
};

class Http2 : public testing::Test {
protected:
    using Stream = FakeH2Server::Stream;
    using Options = FakeH2Server::Options;

    Http2() : authority_(folder_.file() + ".h2") { authority_.make("server"); }

    // Runs `test` with a server whose streams are kept in `asked_`.
    template <class Test>
    void with_server(Options options, Test test) {
        if (!options.on_request)
            options.on_request = [this](Stream stream) { asked_.push_back(std::move(stream)); };
        run_on_loop([&](Loop loop) -> asio::awaitable<void> {
            H2Rig rig(loop, authority_, options);
            co_await rig.meet();
            co_await test(rig);
            co_await rig.stop();
            asked_.clear();
        });
    }
    asio::awaitable<void> until_asked(std::size_t count) {
        const auto asked = [this, count] { return asked_.size() >= count; };
        co_await until(asked);
    }
    static asio::awaitable<void> until_ended(const Heard& heard) {
        const auto over = [&heard] { return heard.ended(); };
        co_await until(over);
    }
    static asio::awaitable<void> until_text(const Heard& heard, std::size_t size) {
        const auto came = [&heard, size] { return heard.text.size() >= size; };
        co_await until(came);
    }

    TestFolder folder_;
    TestAuthority authority_;
    std::vector<Stream> asked_;
};

}  // namespace runnerwatch
