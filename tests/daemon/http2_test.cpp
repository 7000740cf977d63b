// Endless answers over HTTP/2: real TLS, real frames, a server that does what the test wants.
#include "daemon/net/http_client.h"
#include "tests/daemon/run_on_loop.h"
#include "tests/fakes/h2_server.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <nghttp2/nghttp2.h>

#include <fstream>
#include <list>
#include <optional>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Stream = FakeH2Server::Stream;
using Options = FakeH2Server::Options;

// Keeps what it hears.
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

struct H2Rig {
    H2Rig(Loop loop, const TestAuthority& authority, Options options)
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

TEST_F(Http2, StreamsShareAConnectionAndComePieceByPiece) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& one = rig.open("/a");
        Heard& two = rig.open("/b");
        co_await until_asked(2);
        EXPECT_EQ(rig.stream_connections(), 1);
        for (const auto& stream : asked_) stream.begin(200);
        asked_[0].write("half a ");
        asked_[1].write("other");
        co_await until_text(one, 7);
        co_await until_text(two, 5);
        EXPECT_EQ(one.status, 200);
        asked_[0].write("line\n");
        asked_[0].end();
        co_await until_ended(one);
        EXPECT_EQ(one.text, "half a line\n");
        EXPECT_TRUE(one.end->clean);
        EXPECT_EQ(one.end->status, 200);
        EXPECT_THAT(one.end->what, AllOf(StartsWith("127.0.0.1:"), HasSubstr("HTTP 200, ended")));
        EXPECT_EQ(two.text, "other");
        EXPECT_FALSE(two.ended());
    });
}

TEST_F(Http2, ARequestSaysWhereWhatAndWhoAsks) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        HttpCall call = rig.call("/api/v1/pods?watch=1&x=a%20b");
        call.headers = {{"Authorization", "Bearer secret"}, {"Accept", "application/json"}};
        rig.open(call);
        co_await until_asked(1);
        auto& headers = asked_[0].headers;
        EXPECT_EQ(headers[":path"], "/api/v1/pods?watch=1&x=a%20b");
        EXPECT_EQ(headers[":authority"], "127.0.0.1:" + std::to_string(rig.server.port()));
        EXPECT_EQ(headers[":method"], "GET");
        EXPECT_EQ(headers["authorization"], "Bearer secret");
        EXPECT_EQ(headers["accept"], "application/json");
        EXPECT_EQ(headers["user-agent"], "runnerwatch");
    });
}

TEST_F(Http2, ARefusalIsToldWithItsReasonAndIsNoContent) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& heard = rig.open("/a");
        co_await until_asked(1);
        asked_[0].begin(429, "5");
        asked_[0].write(std::string(100'000, 'n'));
        asked_[0].end();
        co_await until_ended(heard);
        EXPECT_EQ(heard.end->status, 429);
        EXPECT_EQ(heard.end->retry_after, "5");
        EXPECT_EQ(heard.end->body, std::string(16 * 1024, 'n')) << "shortened";
        EXPECT_EQ(heard.text, "");
    });
}

TEST_F(Http2, MoreTextThanAnyWindowComesWhole) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        std::string sent;
        for (int i = 0; sent.size() < 20'000'000; ++i) sent += std::to_string(i) + "\n";
        Heard& heard = rig.open("/a");
        co_await until_asked(1);
        asked_[0].begin(200);
        asked_[0].write(sent);
        asked_[0].end();
        co_await until_ended(heard);
        EXPECT_TRUE(heard.text == sent) << heard.text.size();
    });
}

TEST_F(Http2, AServerThatTakesFewStreamsGetsMoreConnections) {
    Options few;
    few.streams_max = 2;
    with_server(few, [this](H2Rig& rig) -> asio::awaitable<void> {
        for (int i = 0; i < 7; ++i) rig.open("/" + std::to_string(i));
        co_await until_asked(7);
        EXPECT_EQ(rig.stream_connections(), 4);
        for (const auto& stream : asked_) stream.begin(200);
        for (const Heard& heard : rig.all) {
            const auto begun = [&heard] { return heard.status == 200; };
            co_await until(begun);
        }
    });
}

TEST_F(Http2, FiftyStreamsAreOnAConnectionAtMost) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        for (int i = 0; i < 120; ++i) rig.open("/" + std::to_string(i));
        co_await until_asked(120);
        EXPECT_EQ(rig.stream_connections(), 3);
    });
}

TEST_F(Http2, AfterAGoawayWhatIsReadGoesOnAndNewStreamsGoElsewhere) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& old = rig.open("/old");
        co_await until_asked(1);
        asked_[0].begin(200);
        asked_[0].write("a");
        asked_[0].go_away();
        asked_[0].write("b");
        co_await until_text(old, 2);
        Heard& young = rig.open("/young");
        co_await until_asked(2);
        EXPECT_EQ(rig.stream_connections(), 2);
        asked_[1].begin(200);
        asked_[1].write("c");
        co_await until_text(young, 1);
        asked_[0].write("d");
        asked_[0].end();
        co_await until_ended(old);
        EXPECT_EQ(old.text, "abd");
        EXPECT_TRUE(old.end->clean);
        EXPECT_FALSE(young.ended());
    });
}

TEST_F(Http2, WhatTheServerRefusedUnseenIsAskedAgain) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& heard = rig.open("/a");
        for (std::size_t i = 0; i < 2; ++i) {
            co_await until_asked(i + 1);
            asked_[i].reset(NGHTTP2_REFUSED_STREAM);
        }
        co_await until_asked(3);
        asked_[2].begin(200);
        asked_[2].write("at last");
        co_await until_text(heard, 7);
        EXPECT_FALSE(heard.ended());
    });
}

TEST_F(Http2, WhoIsRefusedAlwaysIsToldInTheEnd) {
    Options refusing;
    refusing.on_request = [](Stream stream) { stream.reset(NGHTTP2_REFUSED_STREAM); };
    with_server(refusing, [](H2Rig& rig) -> asio::awaitable<void> {
        Heard& heard = rig.open("/a");
        co_await until_ended(heard);
        EXPECT_EQ(heard.end->status, 0);
        EXPECT_FALSE(heard.end->clean);
        EXPECT_THAT(heard.end->what, HasSubstr("refused the stream"));
    });
}

TEST_F(Http2, AStreamThatIsResetIsNotACleanEnd) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& heard = rig.open("/a");
        co_await until_asked(1);
        asked_[0].begin(200);
        asked_[0].write("half a li");
        co_await until_text(heard, 9);
        asked_[0].reset(NGHTTP2_INTERNAL_ERROR);
        co_await until_ended(heard);
        EXPECT_FALSE(heard.end->clean);
        EXPECT_EQ(heard.end->status, 200);
        EXPECT_THAT(heard.end->what, HasSubstr("INTERNAL_ERROR"));
    });
}

TEST_F(Http2, ACutConnectionEndsItsStreamsAfterWhatTheyGot) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& one = rig.open("/a");
        Heard& two = rig.open("/b");
        co_await until_asked(2);
        for (const auto& stream : asked_) stream.begin(200), stream.write("text");
        co_await until_text(one, 4);
        co_await until_text(two, 4);
        asked_[0].cut();
        co_await until_ended(one);
        co_await until_ended(two);
        for (const Heard* heard : {&one, &two}) {
            EXPECT_FALSE(heard->end->clean);
            EXPECT_EQ(heard->text, "text");
            EXPECT_THAT(heard->end->what, HasSubstr("the connection was closed"));
        }
        rig.open("/c");
        co_await until_asked(3);
        EXPECT_EQ(rig.stream_connections(), 2);
    });
}

TEST_F(Http2, AServerThatIsGoneIsNamed) {
    with_server({}, [](H2Rig& rig) -> asio::awaitable<void> {
        co_await rig.server.stop();
        Heard& heard = rig.open("/a");
        co_await until_ended(heard);
        EXPECT_EQ(heard.end->status, 0);
        EXPECT_THAT(heard.end->what, AllOf(StartsWith("127.0.0.1:"), HasSubstr("refused")));
    });
}

TEST_F(Http2, AStreamThatIsGivenUpIsResetAtOnceAndTheOthersGoOn) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& one = rig.open("/a");
        Heard& two = rig.open("/b");
        co_await until_asked(2);
        for (const auto& stream : asked_) stream.begin(200), stream.write("text");
        co_await until_text(one, 4);
        one.stream.reset();
        const auto reset = [&rig] { return !rig.server.resets().empty(); };
        co_await until(reset);
        EXPECT_THAT(rig.server.resets(), ElementsAre(NGHTTP2_CANCEL));
        asked_[1].write(" more");
        co_await until_text(two, 9);
        EXPECT_FALSE(one.ended());
    });
}

TEST_F(Http2, WhatATakerThrowsEndsItsStreamAlone) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& one = rig.open("/a");
        Heard& two = rig.open("/b");
        one.throws_at = "text";
        co_await until_asked(2);
        for (const auto& stream : asked_) stream.begin(200), stream.write("text");
        co_await until_ended(one);
        EXPECT_TRUE(one.end->thrown);
        asked_[1].write(" more");
        co_await until_text(two, 9);
    });
}

TEST_F(Http2, AConnectionThatNobodyIsLeftOnIsClosed) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        const std::size_t others = rig.server.living();
        Heard& heard = rig.open("/a");
        heard.throws_at = "text";
        co_await until_asked(1);
        asked_[0].begin(200);
        asked_[0].write("text");
        asked_.clear();
        co_await until_ended(heard);
        const auto closed = [&rig, others] { return rig.server.living() == others; };
        co_await until(closed);
    });
}

TEST_F(Http2, AnUntrustedOrWrongCertificateIsRefusedWithItsReason) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        rig.tls.server_name = "elsewhere.example.com";
        Heard& elsewhere = rig.open("/a");
        co_await until_ended(elsewhere);
        EXPECT_THAT(elsewhere.end->what, HasSubstr("ostname mismatch"));

        TestFolder other_folder;
        const TestAuthority other(other_folder.file() + ".other");
        rig.tls.server_name.clear();
        rig.tls.ca_file = other.file("ca.pem");
        Heard& untrusted = rig.open("/a");
        co_await until_ended(untrusted);
        EXPECT_THAT(untrusted.end->what, HasSubstr("certificate is not accepted"));

        rig.tls.ca_file = folder_.file() + ".nowhere";
        Heard& unreadable = rig.open("/a");
        co_await until_ended(unreadable);
        EXPECT_THAT(unreadable.end->what,
                    HasSubstr("no certificate can be read from " + rig.tls.ca_file));

        rig.tls.insecure_skip_verify = true;
        rig.open("/a");
        co_await until_asked(1);
        rig.tls.insecure_skip_verify = false;
        rig.tls.ca_file = authority_.file("ca.pem");
        rig.tls.server_name = "localhost";
        rig.open("/b");
        co_await until_asked(2);
        EXPECT_EQ(asked_[1].headers[":authority"], asked_[0].headers[":authority"]);
    });
}

TEST_F(Http2, AClientCertificateIsShownAndOneThatCannotBeReadIsNamed) {
    const auto read = [this](const std::string& name) {
        std::ifstream file(authority_.file(name));
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    };
    authority_.make("client");
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Options wanting;
        wanting.wants_certificate = true;
        wanting.on_request = [this](Stream stream) { asked_.push_back(std::move(stream)); };
        H2Rig rig(loop, authority_, wanting);
        rig.tls.client_certificate_data = read("client.pem");
        rig.tls.client_key_data = read("client.key");
        co_await rig.meet();
        rig.open("/a");
        co_await until_asked(1);
        rig.tls.client_key_data = read("server.key");
        Heard& mixed = rig.open("/b");
        co_await until_ended(mixed);
        EXPECT_THAT(mixed.end->what, HasSubstr("not that of the client certificate"));
        co_await rig.stop();
        asked_.clear();
    });
}

TEST_F(Http2, AServerThatNoLongerSpeaksItIsReadWithoutIt) {
    with_server({}, [](H2Rig& rig) -> asio::awaitable<void> {
        rig.server.options.speaks_h2 = false;
        Heard& first = rig.open("/a");
        co_await until_ended(first);
        EXPECT_THAT(first.end->what, HasSubstr("does not speak HTTP/2"));
        Heard& second = rig.open("/a");
        co_await until_ended(second);  // by HTTP/1.1, which this server has none of
        EXPECT_THAT(second.end->what, testing::Not(HasSubstr("does not speak HTTP/2")));
    });
}

TEST_F(Http2, MayBeDestroyedInAnyTurn) {
    for (int turns = 0; turns < 60; turns += 3) {
        with_server({}, [turns](H2Rig& rig) -> asio::awaitable<void> {
            rig.open("/a");
            rig.open("/b");
            const auto loop = co_await asio::this_coro::executor;
            for (int i = 0; i < turns; ++i) co_await asio::post(loop, asio::use_awaitable);
        });
    }
}

}  // namespace
}  // namespace runnerwatch
