#include "parsers/fingerprint.h"

#include <gtest/gtest.h>

#include <string>

namespace runnerwatch {
namespace {

TEST(Masked, TakesOutWhatDiffersBetweenTwoRecordsOfOneTrouble) {
    const struct {
        const char *text, *masked;
    } cases[] = {
        {"", ""},
        {"Job failed", "Job failed"},
        // numbers
        {"exit code 137", "exit code ‹n›"},
        {"after 1h0m0s, 1.5GiB, 30s and 12 %", "after ‹n›, ‹n›, ‹n› and ‹n› %"},
        {"status=403 Forbidden", "status=‹n› Forbidden"},
        {"at 2026-11-23T20:18:59.408797216Z.", "at ‹n›."},
        {"attempt 3/5 (-1)", "attempt ‹n› (‹n›)"},
        // names keep their digits
        {"x509: certificate of amd64 for http2 by sha256 v1",
         "x509: certificate of amd64 for http2 by sha256 v1"},
        // ids
        {"pod 123e4567-e89b-12d3-a456-426614174000 gone", "pod ‹id› gone"},
        {"correlation_id=01M850X7JRY15CFPRE40CYEXHT", "correlation_id=‹id›"},
        {"sha256:9f86d081884c7d659a2feaa0c55ad015", "sha256:‹id›"},
        {"goroutine at 0xc0001234a0", "goroutine at ‹id›"},
        {"commit deadbeef1", "commit ‹id›"},
        {"commit 12345678", "commit ‹id›"},
        {"the deceased facade", "the deceased facade"},
        // pods
        {"pods \"x\" of gitlab-runner-7d9f8b6c5-x2x9q",
         "pods \"‹text›\" of gitlab-runner-‹id›-‹id›"},
        {"runner-t1zhx9xy-project-42-concurrent-0-zk4wp is gone",
         "runner-‹id›-project-‹n›-concurrent-‹n›-‹id› is gone"},
        {"runner-abcdefgh-project-42-concurrent-0", "runner-‹id›-project-‹n›-concurrent-‹n›"},
        // addresses
        {"dial tcp 10.0.0.1:443: connect: connection refused",
         "dial tcp ‹address›: connect: connection refused"},
        {"lookup gitlab.example.com on 10.96.0.10:53: no such host",
         "lookup gitlab.example.com on ‹address›: no such host"},
        {"gitlab.example.com:8443 [::1]:80 fe80::1 10.0.0.0/8",
         "‹address› [‹address›]:‹n› ‹address› ‹address›"},
        {"Get https://gitlab.example.com:443/api?x=1 failed", "Get ‹url› failed"},
        // paths
        {"open /etc/gitlab-runner/config.toml: permission denied",
         "open ‹path›: permission denied"},
        {"open /.runner_system_id, C:\\builds\\x", "open ‹path›, ‹path›"},
        {"image registry.example.com/group/image:v1 by application/json",
         "image ‹path› by application/json"},
        {"read/write", "read/write"},
        // quoted
        {"pods \"runner-abc\" is forbidden: User 'system:x' can't get `y`",
         "pods \"‹text›\" is forbidden: User \"‹text›\" can't get \"‹text›\""},
        {"couldn't read the runner's file", "couldn't read the runner's file"},
        {R"(says "a \"b\" c" twice)", "says \"‹text›\" twice"},
        {"an open \"quote", "an open \"quote"},
        // blanks
        {"  a \t\n b  ", "a b"},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(masked(text), expected) << text;
}

TEST(Masked, IsItsOwnFixedPoint) {
    for (const char* text : {"dial tcp 10.0.0.1:443: i/o timeout after 30s", "open /etc/x: denied",
                             "pod gitlab-runner-7d9f8b6c5-x2x9q says 'no'", "Get https://a/b"})
        EXPECT_EQ(masked(masked(text)), masked(text)) << text;
}

TEST(Masked, IsCutAtACharacter) {
    std::string text;
    while (text.size() < 10 * masked_bytes_max) text += "wörter ";
    const std::string cut = masked(text);
    EXPECT_LE(cut.size(), masked_bytes_max);
    EXPECT_GT(cut.size(), masked_bytes_max - 8);
    EXPECT_TRUE(cut.ends_with("…"));
    const std::string words = cut.substr(0, cut.size() - 3);
    EXPECT_EQ(text.substr(0, words.size()), words);
}

}  // namespace
}  // namespace runnerwatch
