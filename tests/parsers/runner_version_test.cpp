#include "parsers/runner_version.h"

#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

TEST(ImageVersion, IsTheOneInTheTagThatIsTheRunners) {
    const struct {
        const char *image, *version;
    } cases[] = {
        {"registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v17.5.0", "17.5.0"},
        {"registry.gitlab.com/gitlab-org/gitlab-runner:v18.3", "18.3"},
        {"gitlab/gitlab-runner:ubuntu-v16.11.1@sha256:0123456789abcdef", "16.11.1"},
        {"gitlab/gitlab-runner:17.0.0", "17.0.0"},
        {"gitlab/gitlab-runner:alpine3.19-v17.5.0", "17.5.0"},
        {"gitlab/gitlab-runner:alpine-v17.5.0-fips", "17.5.0"},
        {"gitlab/gitlab-runner:17.2.1-alpine3.19", "17.2.1"},
        {"gitlab/gitlab-runner:latest", ""},
        {"gitlab/gitlab-runner:alpine", ""},
        {"gitlab/gitlab-runner:20241124", ""},
        {"gitlab/gitlab-runner", ""},
        {"registry.example.com:5000/gitlab-runner", ""},
        {"registry.example.com:5000/gitlab-runner:v17.5.0", "17.5.0"},
        {"gitlab/gitlab-runner@sha256:17.5.0", ""},
        {"", ""},
    };
    for (const auto& [image, version] : cases) EXPECT_EQ(version_in_image(image), version) << image;
}

TEST(StartVersion, IsWhatTheRunnerSaysOfItselfWhateverTheFormat) {
    const struct {
        const char *line, *version;
    } cases[] = {
        {"Runtime platform                                  \x1b[0;m  arch\x1b[0;m=amd64 "
         "os\x1b[0;m=linux pid\x1b[0;m=34 revision\x1b[0;m=d79f3e7b version\x1b[0;m=19.4.0",
         "19.4.0"},
        {R"({"arch":"amd64","level":"info","msg":"Runtime platform","os":"linux","pid":34,)"
         R"("revision":"d79f3e7b","version":"19.4.0"})",
         "19.4.0"},
        {"time=\"2026-08-22T10:00:03Z\" level=info msg=\"Runtime platform\" arch=amd64 os=linux "
         "pid=7 revision=a1b2c3d4 version=19.3.0",
         "19.3.0"},
        {"level=info msg=\"Runtime platform\" version=18.0.0~pre.12.gab12cd34",
         "18.0.0~pre.12.gab12cd34"},
        {"level=info msg=\"Runtime platform\" version=\"development version\"", ""},
        {"level=info msg=\"Runtime platform\" version=\"1<script>\"", ""},
        {"level=info msg=\"Runtime platform\"", ""},
        {"level=info msg=\"Starting multi-runner\" version=17.0.0", ""},
    };
    for (const auto& [line, version] : cases)
        EXPECT_EQ(version_in_start(decode_record(line)), version) << line;
    const std::string long_one(65, '1');
    EXPECT_EQ(
        version_in_start(decode_record("level=info msg=\"Runtime platform\" version=" + long_one)),
        "");
}

}  // namespace
}  // namespace runnerwatch
