#include "parsers/exec_credential.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto v1 = "client.authentication.k8s.io/v1";

Result<ExecCredential, std::string> printed(const std::string& status) {
    return parse_exec_credential(R"({"kind": "ExecCredential", "apiVersion": ")" + std::string(v1) +
                                     R"(", "status": )" + status + "}",
                                 v1);
}

TEST(ExecCredential, ReadsATokenWithItsExpiryAndACertificate) {
    const auto token = printed(R"({"token": "t", "expirationTimestamp": "2026-11-23T20:45:45Z"})");
    ASSERT_TRUE(token) << token.error();
    EXPECT_EQ(token->token, "t");
    EXPECT_EQ(format_time(token->expires.value()), "2026-11-23T20:45:45.000000000Z");
    const auto pair = printed(R"({"clientCertificateData": "C", "clientKeyData": "K"})");
    ASSERT_TRUE(pair) << pair.error();
    EXPECT_EQ(pair->client_certificate + pair->client_key, "CK");
    EXPECT_FALSE(pair->expires);
}

TEST(ExecCredential, RefusesWhatIsNoneWithoutQuotingIt) {
    struct {
        const char *text, *says;
    } const cases[] = {
        {"", "something else than an ExecCredential"},
        {"SECRET", "something else than an ExecCredential"},
        {R"({"kind": "ExecCredential", "apiVersion": "v2", "status": {"token": "SECRET"}})",
         "of another version"},
        {R"({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1"})",
         "has no status"},
    };
    for (const auto& [text, says] : cases) {
        const auto read = parse_exec_credential(text, v1);
        ASSERT_FALSE(read) << text;
        EXPECT_THAT(read.error(), HasSubstr(says));
        EXPECT_THAT(read.error(), Not(HasSubstr("SECRET")));
    }
    EXPECT_THAT(printed("{}").error(), HasSubstr("neither a token nor a client certificate"));
    EXPECT_THAT(printed(R"({"clientKeyData": "SECRET"})").error(), HasSubstr("without the other"));
    EXPECT_THAT(printed(R"({"token": "a\r\nHost: b"})").error(), HasSubstr("line break"));
    EXPECT_THAT(printed(R"({"token": "a", "expirationTimestamp": "soon"})").error(),
                HasSubstr("no RFC 3339 time"));
}

TEST(ExecInfo, TellsThePluginItsClusterOnlyWhereItWantsTo) {
    ExecPlugin plugin;
    plugin.api_version = v1;
    const ExecClusterInfo cluster{"https://c", "", "PEM!", "", false};
    auto info = nlohmann::json::parse(exec_info(plugin, cluster));
    EXPECT_EQ(info["kind"], "ExecCredential");
    EXPECT_EQ(info["apiVersion"], v1);
    EXPECT_EQ(info["spec"], nlohmann::json::parse(R"({"interactive": false})"));
    plugin.wants_cluster = true;
    info = nlohmann::json::parse(exec_info(plugin, cluster));
    EXPECT_EQ(info["spec"]["cluster"], nlohmann::json::parse(R"({
        "server": "https://c", "certificate-authority-data": "UEVNIQ=="})"));
}

}  // namespace
}  // namespace runnerwatch
