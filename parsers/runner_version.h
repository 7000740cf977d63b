#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// The version that the tag of an image says: "17.5.0" of
// "registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v17.5.0@sha256:…". Empty where it says none,
// as ":latest" and ":alpine" do.
std::string version_in_image(std::string_view image);

}  // namespace runnerwatch
