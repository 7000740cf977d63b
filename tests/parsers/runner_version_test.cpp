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

}  // namespace
}  // namespace runnerwatch
