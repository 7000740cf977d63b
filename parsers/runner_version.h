#pragma once

#include "parsers/record.h"

#include <string>
#include <string_view>

// Which version of the runner writes a log. Its own word counts more than the tag of its image.
namespace runnerwatch {

// The version that the tag of an image says: "17.5.0" of
// "registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v17.5.0@sha256:…". Empty where it says none,
// as ":latest" and ":alpine" do.
std::string version_in_image(std::string_view image);

// The version that a runner names in the first record of its start, "Runtime platform"; empty where
// the record is another or names none, as a build from source does ("development version").
std::string version_in_start(const Record& record);

}  // namespace runnerwatch
