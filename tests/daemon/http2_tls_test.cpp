// Whom HTTP/2 connections trust, and as whom they come.
#include "tests/daemon/http2_rig.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace runnerwatch
