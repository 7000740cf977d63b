// Endless answers over HTTP/2: real TLS, real frames, a server that does what the test wants.
#include "tests/daemon/http2_rig.h"

#include <gmock/gmock.h>
#include <nghttp2/nghttp2.h>

namespace runnerwatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

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
        Heard& in_short = rig.open("/b");
        co_await until_asked(2);
        asked_[1].begin(403);
        asked_[1].write("pods is forbidden");
        asked_[1].end();
        co_await until_ended(in_short);
        EXPECT_EQ(in_short.end->status, 403);
        EXPECT_EQ(in_short.end->body, "pods is forbidden");
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

TEST_F(Http2, WhatACutConnectionHadNotAnsweredIsAskedAgain) {
    with_server({}, [this](H2Rig& rig) -> asio::awaitable<void> {
        Heard& read = rig.open("/a");
        Heard& asked = rig.open("/b");
        co_await until_asked(2);
        asked_[0].begin(200);
        asked_[0].write("text");
        co_await until_text(read, 4);
        asked_[0].cut();
        co_await until_ended(read);
        co_await until_asked(3);
        EXPECT_EQ(asked_[2].headers[":path"], "/b");
        EXPECT_FALSE(asked.ended());
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
