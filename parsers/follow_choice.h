#pragma once

#include "parsers/pod.h"

#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Which of the pods that the API server gives are to be followed.
struct FollowWish {
    // What the API server has already selected by; only for the words of a choice.
    std::string selector{}, field_selector{};
    // "Deployment/gitlab-runner", "Pod/runner-*": kind and name of the owner, `*` for anything.
    std::vector<std::string> workloads{};

    bool empty() const { return selector.empty() && field_selector.empty() && workloads.empty(); }
};

struct FollowChoice {
    bool follow = false;
    std::string why;  // for people, begins in lower case
};

// Whether a container's log is read, and why or why not.
//
// Without a wish only GitLab Runner managers are: told by image, chart label and command (runner
// docs and chart gitlab-runner). With one, every container of the pods it selects. Job pods, whose
// logs are the jobs' own, only where `workloads` names them as Pod/NAME.
FollowChoice choose_container(const FollowWish& wish, const Pod& pod,
                              const PodContainer& container);

// Whether `text` is `pattern`, in which `*` stands for any characters.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace runnerwatch
