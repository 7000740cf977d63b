// The server with TLS on it: real certificates, real handshakes.
#include "daemon/net/http_client.h"
#include "daemon/net/http_server.h"
#include "daemon/net/tls_identity.h"
#include "tests/daemon/run_on_loop.h"
#include "tests/daemon/test_certificates.h"
#include "tests/storage/sample_rows.h"

#include <unistd.h>

#include <openssl/ssl.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>

#include <fstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using TlsStream = asio::ssl::stream<tcp::socket>;

class Tls : public testing::Test {
protected:
    Tls() : authority_(folder_.file() + ".tls") { authority_.make("server"); }

    TlsFiles files() const {
        return {authority_.file("server.pem"), authority_.file("server.key")};
    }

    HttpCall call(std::uint16_t port, const std::string& target = "/") const {
        TlsOptions options;
        options.ca_file = authority_.file("ca.pem");
        HttpCall call;
        call.url = "https://127.0.0.1:" + std::to_string(port) + target;
        call.tls = std::make_shared<const TlsOptions>(options);
        return call;
    }

    TestFolder folder_;
    TestAuthority authority_;
};

// Permissions of files count, also where tests are run by root.
class WithoutPrivileges {
public:
    WithoutPrivileges() {
        if (before_ == 0 && ::seteuid(65'534) != 0) throw std::runtime_error("seteuid failed");
    }
    ~WithoutPrivileges() {
        if (before_ == 0 && ::seteuid(before_) != 0) std::abort();
    }

private:
    uid_t before_ = ::geteuid();
};

struct TlsRig {
    TlsRig(Loop loop, const TlsFiles& files, HttpServer::Handler handler) : client(loop) {
        auto read = TlsIdentity::read(files);
        if (!read) throw std::runtime_error(read.error());
        identity = std::move(*read);
        HttpServer::Limits limits;
        limits.request_time = 5s;
        server = std::make_unique<HttpServer>(loop, std::move(handler), limits);
        server->speak_tls(*identity);
        const auto listening = server->listen("127.0.0.1:0");
        if (!listening) throw std::runtime_error(listening.error());
        port = *listening;
    }
    std::unique_ptr<TlsIdentity> identity;
    std::unique_ptr<HttpServer> server;
    HttpClient client;
    std::uint16_t port = 0;
};

asio::awaitable<void> says_whether_secure(ServerRequest request, Responder& responder) {
    ServerReply reply;
    reply.content_type = "text/plain";
    reply.body = (request.secure ? "secure " : "plain ") + request.body;
    co_await responder.send(std::move(reply));
}

// The name in the certificate that the server shows to a new connection.
asio::awaitable<std::string> shown_by(TlsStream& stream, std::uint16_t port) {
    const tcp::endpoint there(asio::ip::address_v4::loopback(), port);
    co_await stream.next_layer().async_connect(there, asio::use_awaitable);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    X509* shown = SSL_get1_peer_certificate(stream.native_handle());
    char name[100] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
    X509_free(shown);
    co_return std::string(name);
}

asio::awaitable<std::string> answer_on(TlsStream& stream) {
    const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(request), asio::use_awaitable);
    std::string answer(1'000, '\0');
    auto room = asio::buffer(answer);
    answer.resize(co_await stream.async_read_some(room, asio::use_awaitable));
    co_return answer;
}

TEST_F(Tls, RequestsAndAnswersGoThroughIt) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        TlsRig rig(loop, files(), &says_whether_secure);
        auto large = call(rig.port);
        large.method = "POST";
        large.body = std::string(300'000, 'x');
        for (int i = 0; i < 3; ++i) {
            const auto reply = co_await rig.client.fetch(large);
            EXPECT_TRUE(reply) << reply.error().what;
            if (reply) {
                EXPECT_EQ(reply->body, "secure " + large.body);
            }
        }
        co_await rig.server->stop();
    });
}

TEST_F(Tls, StreamsGoThroughItPieceByPiece) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        const auto stream = [](ServerRequest, Responder& responder) -> asio::awaitable<void> {
            co_await responder.begin_stream(200, "text/event-stream");
            for (const char* piece : {"data: 1\n\n", "data: 2\n\n"}) {
                std::string bytes = piece;
                co_await responder.write(std::move(bytes));
            }
            co_await responder.end_stream();
        };
        TlsRig rig(loop, files(), stream);
        const auto reply = co_await rig.client.fetch(call(rig.port));
        EXPECT_TRUE(reply && reply->body == "data: 1\n\ndata: 2\n\n");
        co_await rig.server->stop();
    });
}

TEST_F(Tls, AClientThatDoesNotKnowTheAuthorityIsNotServed) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        TlsRig rig(loop, files(), &says_whether_secure);
        auto unknowing = call(rig.port);
        unknowing.tls = nullptr;
        const auto reply = co_await rig.client.fetch(unknowing);
        EXPECT_FALSE(reply);
        if (!reply) {
            EXPECT_EQ(reply.error().kind, HttpFailure::Kind::tls) << reply.error().what;
        }
        const auto again = co_await rig.client.fetch(call(rig.port));
        EXPECT_TRUE(again) << "the server goes on";
        co_await rig.server->stop();
    });
}

TEST_F(Tls, PlainHttpIsToldWhatIsSpokenHere) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        TlsRig rig(loop, files(), &says_whether_secure);
        auto plain = call(rig.port);
        plain.url.replace(0, 5, "http");
        const auto reply = co_await rig.client.fetch(plain);
        EXPECT_TRUE(reply && reply->status == 400);
        if (reply) {
            EXPECT_THAT(reply->body, HasSubstr("https://"));
        }
        co_await rig.server->stop();
    });
}

TEST_F(Tls, VersionsBefore12AreRefused) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        TlsRig rig(loop, files(), &says_whether_secure);
        const auto agrees = [&](int version) -> asio::awaitable<bool> {
            asio::ssl::context context(asio::ssl::context::tls_client);
            SSL_CTX_set_security_level(context.native_handle(), 0);
            SSL_CTX_set_min_proto_version(context.native_handle(), version);
            SSL_CTX_set_max_proto_version(context.native_handle(), version);
            TlsStream stream(loop, context);
            const tcp::endpoint there(asio::ip::address_v4::loopback(), rig.port);
            co_await stream.next_layer().async_connect(there, asio::use_awaitable);
            boost::system::error_code error;
            auto token = asio::redirect_error(asio::use_awaitable, error);
            co_await stream.async_handshake(asio::ssl::stream_base::client, token);
            co_return !error;
        };
        EXPECT_FALSE(co_await agrees(TLS1_1_VERSION));
        EXPECT_TRUE(co_await agrees(TLS1_2_VERSION));
        EXPECT_TRUE(co_await agrees(TLS1_3_VERSION));
        co_await rig.server->stop();
    });
}

TEST_F(Tls, NewFilesServeNewConnectionsAndOldOnesGoOn) {
    run_on_loop([this](Loop loop) -> asio::awaitable<void> {
        TlsRig rig(loop, files(), &says_whether_secure);
        asio::ssl::context context(asio::ssl::context::tls_client);
        TlsStream before(loop, context), after(loop, context);
        EXPECT_EQ(co_await shown_by(before, rig.port), "server");
        EXPECT_THAT(co_await answer_on(before), HasSubstr("secure"));

        authority_.make("renewed");
        std::filesystem::rename(authority_.file("renewed.key"), authority_.file("server.key"));
        std::filesystem::rename(authority_.file("renewed.pem"), authority_.file("server.pem"));
        EXPECT_EQ(co_await shown_by(after, rig.port), "renewed");
        EXPECT_THAT(co_await answer_on(before), HasSubstr("secure"));
        EXPECT_EQ(rig.identity->trouble(), "");
        co_await rig.server->stop();
    });
}

TEST_F(Tls, FilesThatDoNotFitLeaveTheOldOnesInServiceAndSaySo) {
    auto identity = TlsIdentity::read(files());
    ASSERT_TRUE(identity) << identity.error();
    const auto first = (*identity)->current();
    EXPECT_EQ((*identity)->current(), first);

    authority_.make("renewed");
    std::filesystem::rename(authority_.file("renewed.key"), authority_.file("server.key"));
    EXPECT_EQ((*identity)->current(), first) << "only the key is new so far";
    EXPECT_THAT((*identity)->trouble(),
                AllOf(HasSubstr("server.key"), HasSubstr("key values mismatch"),
                      HasSubstr("read before is served on")));
    std::filesystem::remove(authority_.file("server.pem"));
    EXPECT_EQ((*identity)->current(), first);
    std::filesystem::rename(authority_.file("renewed.pem"), authority_.file("server.pem"));
    const auto second = (*identity)->current();
    EXPECT_NE(second, first);
    EXPECT_EQ((*identity)->current(), second) << "files that stay are not read again";
    EXPECT_EQ((*identity)->trouble(), "");
}

TEST_F(Tls, ANewKeyThatMayNotBeReadLeavesTheOldOneInServiceUntilItMay) {
    auto identity = TlsIdentity::read(files());
    ASSERT_TRUE(identity) << identity.error();
    const auto first = (*identity)->current();
    authority_.make("renewed");
    std::filesystem::rename(authority_.file("renewed.pem"), authority_.file("server.pem"));
    std::filesystem::rename(authority_.file("renewed.key"), authority_.file("server.key"));
    for (const auto& folder : {folder_.path, std::filesystem::path(folder_.file() + ".tls")})
        std::filesystem::permissions(folder, std::filesystem::perms(0755));
    std::filesystem::permissions(files().key, std::filesystem::perms::none);
    {
        const WithoutPrivileges as_a_daemon;
        EXPECT_EQ((*identity)->current(), first);
    }
    EXPECT_THAT((*identity)->trouble(),
                AllOf(HasSubstr("the key in " + files().key), HasSubstr("Permission denied"),
                      HasSubstr("read before is served on")));
    // Nothing but the right is changed.
    std::filesystem::permissions(files().key, std::filesystem::perms(0644));
    const WithoutPrivileges as_a_daemon;
    EXPECT_NE((*identity)->current(), first);
    EXPECT_EQ((*identity)->trouble(), "");
}

TEST_F(Tls, WhatCannotBeReadIsSaidWithFileAndReason) {
    const auto why = [](const TlsFiles& files) {
        const auto read = TlsIdentity::read(files);
        return read ? std::string() : read.error();
    };
    EXPECT_THAT(why({"/nowhere/tls.crt", files().key}),
                AllOf(HasSubstr("the certificate in /nowhere/tls.crt cannot be used"),
                      HasSubstr("as PEM")));
    EXPECT_THAT(why({files().certificate, files().certificate}),
                HasSubstr("the key in " + files().certificate + " cannot be used"));
    authority_.run("ec -in server.key -aes128 -passout pass:secret -out locked.key");
    EXPECT_THAT(why({files().certificate, authority_.file("locked.key")}),
                HasSubstr("without a passphrase"));
    std::ofstream(authority_.file("empty.pem")) << "nothing\n";
    EXPECT_THAT(why({authority_.file("empty.pem"), files().key}), HasSubstr("no start line"));
}

TEST_F(Tls, TheEndOfTheCertificateIsKnownAlsoOfANewOne) {
    const auto identity = TlsIdentity::read(files());
    ASSERT_TRUE(identity);
    const auto left = [&] { return (*identity)->ends() - std::chrono::system_clock::now(); };
    EXPECT_GT(left(), 23h);
    EXPECT_LE(left(), 24h);
    authority_.make("server", "ec -pkeyopt ec_paramgen_curve:P-256", 2);
    (*identity)->current();
    EXPECT_GT(left(), 47h);
    EXPECT_LE(left(), 48h);
}

}  // namespace
}  // namespace runnerwatch
