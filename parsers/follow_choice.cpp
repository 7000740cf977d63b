#include "parsers/follow_choice.h"

#include <algorithm>

namespace runnerwatch {

namespace {

// "registry/group/gitlab-runner:alpine@sha256:…" is an image of gitlab-runner, "…-helper" and the
// operator's are not.
bool is_runner_image(std::string_view image) {
    image = image.substr(0, image.find('@'));
    const std::size_t slash = image.rfind('/');
    if (slash != std::string_view::npos) image.remove_prefix(slash + 1);
    image = image.substr(0, image.find(':'));
    return image.find("gitlab-runner") != std::string_view::npos && !image.ends_with("-helper") &&
           image.find("-operator") == image.npos;
}

// The program under another image name: "gitlab-runner run …" is what a manager is started with,
// `register` is not.
bool runs_manager(const std::vector<std::string>& command) {
    const auto program = [](const std::string& word) {
        return word == "gitlab-runner" || word.ends_with("/gitlab-runner");
    };
    return std::any_of(command.begin(), command.end(), program) &&
           std::find(command.begin(), command.end(), "run") != command.end();
}

// Why this is the pod of a job; empty: it is none.
std::string job_mark(const Pod& pod) {
    for (const auto& [label, value] : pod.labels)
        if (label == "job.runner.gitlab.com/pod" || label.starts_with("manager.runner.gitlab.com/"))
            return "label " + label;
    const auto has = [&pod](std::string_view name) {
        return std::any_of(pod.containers.begin(), pod.containers.end(),
                           [&](const PodContainer& c) { return c.name == name; });
    };
    return has("build") && has("helper") ? "containers build and helper" : "";
}

// What marks this very container as a manager's; empty: nothing.
std::string manager_mark(const PodContainer& container) {
    if (is_runner_image(container.image)) return "image " + container.image;
    if (runs_manager(container.command)) return "command gitlab-runner run";
    return {};
}

std::string kind_of(const PodContainer& container) {
    switch (container.kind) {
        case PodContainer::Kind::init:
            return "init container";
        case PodContainer::Kind::ephemeral:
            return "ephemeral container";
        case PodContainer::Kind::main:
            break;
    }
    return "container";
}

FollowChoice choose_manager(const Pod& pod, const PodContainer& container) {
    const bool debugger = container.kind == PodContainer::Kind::ephemeral;
    if (const auto mark = manager_mark(container); !mark.empty() && !debugger)
        return {true, "a GitLab Runner manager: " + mark};
    const bool another = std::any_of(pod.containers.begin(), pod.containers.end(),
                                     [](const auto& c) { return !manager_mark(c).empty(); });
    const auto chart = pod.labels.find("chart");
    const bool charted = chart != pod.labels.end() && chart->second.starts_with("gitlab-runner-");
    if (charted && !another && container.kind == PodContainer::Kind::main)
        return {true, "a GitLab Runner manager: label chart=" + chart->second};
    if (another || charted)
        return {false, kind_of(container) + " beside a manager: image " + container.image +
                           " is none; clusters[].selector follows all containers"};
    return {false, "no manager: image " + container.image +
                       ", no label chart=gitlab-runner-…, no command gitlab-runner run; "
                       "clusters[].selector or workloads follows others"};
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = pattern.npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != pattern.npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == pattern.npos;
}

FollowChoice choose_container(const FollowWish& wish, const Pod& pod,
                              const PodContainer& container) {
    const auto named = std::find_if(
        wish.workloads.begin(), wish.workloads.end(),
        [&](const std::string& pattern) { return matches_pattern(pattern, pod.workload); });
    const bool by_name = named != wish.workloads.end();
    if (const auto mark = job_mark(pod); !mark.empty() && !(by_name && named->starts_with("Pod/")))
        return {false, "a job's pod (" + mark +
                           "): followed only where clusters[].workloads names it as Pod/" +
                           pod.name};
    if (by_name) return {true, "workloads names " + *named};
    if (!wish.workloads.empty()) return {false, "workloads does not name " + pod.workload};
    if (!wish.selector.empty()) return {true, "selected by " + wish.selector};
    if (!wish.field_selector.empty()) return {true, "selected by " + wish.field_selector};
    return choose_manager(pod, container);
}

}  // namespace runnerwatch
