#include "parsers/redaction.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/parsers/recordings.h"

namespace runnerwatch {
namespace {

// Twenty characters that stand for the secret part of a token.
const std::string body = "FAKEfakeFAKEfake0123";

std::string marked(const std::string& kind) { return "\u2039" + kind + "\u2026redacted\u203a"; }

struct Case {
    std::string text, redacted;
};

void expect_redacted(const std::vector<Case>& cases) {
    for (const auto& [text, redacted] : cases) {
        SCOPED_TRACE(text);
        EXPECT_EQ(redact(text), redacted);
        EXPECT_EQ(redact(redacted), redacted);
    }
}

TEST(Redaction, ReplacesTokensOfEveryKind) {
    std::vector<Case> cases;
    for (const std::string prefix : {"glrt-", "glpat-", "gldt-", "glcbt-", "glptt-", "glrtr-",
                                     "glagent-", "gloas-", "glft-", "glnew-", "GR1348941", "t1_"})
        cases.push_back(
            {"runner " + prefix + body + ", next", "runner " + marked(prefix) + ", next"});
    expect_redacted(cases);
    expect_redacted({
        {"glrt-t1_" + body, marked("glrt-")},
        {"glpat-" + body + ".01.0a1b2c3d4", marked("glpat-")},
        {"acme-glrt-" + body, "acme-" + marked("glrt-")},
        {"Runner \"https://gitlab.example.comglpat-" + body + "\" is",
         "Runner \"https://gitlab.example.com" + marked("glpat-") + "\" is"},
        {"glcbt-64_" + body, marked("glcbt-")},
        {"a eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl b", "a " + marked("jwt") + " b"},
        {"cut eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.", "cut " + marked("jwt")},
    });
}

TEST(Redaction, ReplacesCredentialsByWhereTheyStand) {
    expect_redacted({
        {"https://ci:secret@gitlab.example.com/a.git",
         "https://" + marked("url-credentials") + "@gitlab.example.com/a.git"},
        {"https://justatoken@gitlab.example.com",
         "https://" + marked("url-credentials") + "@gitlab.example.com"},
        {"redis://:pa@ss@cache:6379/0", "redis://" + marked("url-credentials") + "@cache:6379/0"},
        {"Authorization: Bearer abc.def", "Authorization: Bearer " + marked("authorization")},
        {"authorization: Basic dXNlcjpwYXNz next",
         "authorization: Basic " + marked("authorization") + " next"},
        {R"("Authorization":["Bearer abc"],"x":1)",
         R"("Authorization":["Bearer )" + marked("authorization") + R"("],"x":1)"},
        {"map[Authorization:[Bearer abc] Host:[h]]",
         "map[Authorization:[Bearer " + marked("authorization") + "] Host:[h]]"},
        {"curl -H 'PRIVATE-TOKEN: abc' url",
         "curl -H 'PRIVATE-TOKEN: " + marked("private-token") + "' url"},
        {"JOB-TOKEN: abc", "JOB-TOKEN: " + marked("job-token")},
        {"Runner-Token: abc", "Runner-Token: " + marked("runner-token")},
        {"?private_token=abc&page=2", "?private_token=" + marked("private-token") + "&page=2"},
        {"password=hunter2 user=a", "password=" + marked("password") + " user=a"},
        {R"({"db_password":"hun\"ter","n":1})",
         R"({"db_password":")" + marked("password") + R"(","n":1})"},
        {R"({\"passwd\":\"hunter2\"})", R"({\"passwd\":\")" + marked("passwd") + R"(\"})"},
        {"client_secret: abc", "client_secret: " + marked("secret")},
        {"AWS_SECRET_ACCESS_KEY=abc/def+x", "AWS_SECRET_ACCESS_KEY=" + marked("access-key")},
        {"apiKey = 'abc'", "apiKey = '" + marked("api-key") + "'"},
        {"token = \"" + body + "\"", "token = \"" + marked("token") + "\""},
        {"token=glpat-" + body, "token=" + marked("glpat-")},
    });
}

TEST(Redaction, ReplacesPrivateKeysInAnyForm) {
    const std::string key =
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----";
    const std::string escaped =
        R"({"key":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n","n":1})";
    expect_redacted({
        {"a " + key + " b " + key + " c",
         "a " + marked("private-key") + " b " + marked("private-key") + " c"},
        {escaped, R"({"key":")" + marked("private-key") + R"(\n","n":1})"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nnever ends", marked("private-key")},
        {"-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE"},
    });
}

TEST(Redaction, LeavesDiagnosesIdsAndUrlsAlone) {
    const char* texts[] = {
        "runner=glpat-FAK status=403",
        "runner=FAKEfakeF",
        "Runner \"https://gitlab.example.comglpat-FAK\" is unhealthy",
        "runner=GR1348941FAKEfakeF",
        "token=glpat-FAKEfakeF",
        "correlation_id=01M850X7JRY15CFPRE40CYEXHT",
        "correlation_id=21fe32aee0e146c194640b075c95ec7c",
        "system_id=r_67LCCif0JstK job=4211",
        "POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden",
        "https://gitlab.example.com:8443/a@b",
        "ssh://git@gitlab.example.com/a.git",
        "english-language-documentation and single-node-cluster",
        "invalid header field value for \"Runner-Token\"",
        "token: '[MASKED]' password: null secret=\"\"",
        "Failed to fetch token: Get \"https://auth.example.com\"",
        "secretName=regcred tokenexpiresat=0001-01-01",
        "eyJ is how they begin",
    };
    for (const char* text : texts) EXPECT_EQ(redact(text), text);
}

TEST(Redaction, LeavesEveryRecordingAsItIs) {
    for (const std::string& name : recording_names()) {
        const std::string text = read_recording(name);
        EXPECT_EQ(redact(text), text) << name;
    }
}

TEST(Redaction, IsIdempotentAndKeepsNoTokenWhateverStandsAround) {
    const std::string secret = "glpat-" + body;
    const std::string pieces[] = {"token=",
                                  "password:",
                                  "\"",
                                  "\\\"",
                                  "'",
                                  " ",
                                  "://",
                                  "@",
                                  "eyJ",
                                  "gl",
                                  ".",
                                  "=",
                                  ":",
                                  "[",
                                  "Authorization: Bearer ",
                                  "-----BEGIN X PRIVATE KEY-----",
                                  "-----END X PRIVATE KEY-----",
                                  "\n",
                                  "\u2039",
                                  "https://u:p@h",
                                  "abcdefghijklm",
                                  "t1_",
                                  "GR1348941",
                                  "&",
                                  secret};
    std::mt19937 random(7);
    std::uniform_int_distribution<std::size_t> piece(0, std::size(pieces) - 1);
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (int i = 0; i < 8; ++i) text += pieces[piece(random)];
        const std::string once = redact(text);
        ASSERT_EQ(redact(once), once) << text;
        ASSERT_EQ(once.find(secret), std::string::npos) << text;
    }
}

TEST(Redaction, StaysLinearForHostileText) {
    for (const std::string piece :
         {"eyJ", "gl", "glab-", "t1_", "GR1348941", "password=a://", "token=", "\"password\":\"",
          "://", "-----BEGIN ", "Authorization: Bearer ", "eyJaaaaaaa.",
          "https://a:", "password='\""}) {
        std::string text;
        while (text.size() < 4'000'000) text += piece;
        // Quadratic work on four megabytes would not end within the test's time.
        EXPECT_FALSE(redact(text).empty());
    }
}

TEST(LineRedactor, HidesAKeyFromItsFirstLineToItsLast) {
    LineRedactor redactor;
    EXPECT_EQ(redactor.line("before"), "before");
    EXPECT_EQ(redactor.line("k: -----BEGIN EC PRIVATE KEY-----"), "k: " + marked("private-key"));
    EXPECT_TRUE(redactor.inside_key());
    EXPECT_EQ(redactor.line("MHcCAQEE"), marked("private-key"));
    EXPECT_EQ(redactor.line("-----END EC PRIVATE KEY----- after"),
              marked("private-key") + " after");
    EXPECT_FALSE(redactor.inside_key());
    EXPECT_EQ(redactor.line("MHcCAQEE"), "MHcCAQEE");
}

TEST(LineRedactor, DoesNotHideTheLogForEverWhenAKeyNeverEnds) {
    LineRedactor redactor;
    redactor.line("-----BEGIN PRIVATE KEY-----");
    int hidden = 0;
    while (redactor.inside_key()) {
        EXPECT_EQ(redactor.line("text"), marked("private-key"));
        ++hidden;
    }
    EXPECT_EQ(hidden, LineRedactor::key_lines_max);
    EXPECT_EQ(redactor.line("text"), "text");
}

TEST(RedactionCanary, IsFoundInTheTextAndGoneAfterRedaction) {
    EXPECT_TRUE(holds_canary_secret(redaction_canary()));
    EXPECT_FALSE(holds_canary_secret(redact(redaction_canary())));
    LineRedactor redactor;
    for (const std::string& line : lines_of(redaction_canary()))
        EXPECT_FALSE(holds_canary_secret(redactor.line(line))) << line;
}

}  // namespace
}  // namespace runnerwatch
