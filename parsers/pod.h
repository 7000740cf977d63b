#pragma once

#include "parsers/result.h"
#include "parsers/timestamp.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// One container of a pod as its status shows it.
struct PodContainer {
    std::string name;
    std::string image;
    std::string id;  // "containerd://…"; empty until there is an instance
    enum class State { waiting, running, terminated } state = State::waiting;
    enum class Kind { main, init, ephemeral } kind = Kind::main;
    int restarts = 0;
    std::optional<Timestamp> started_at, finished_at;
    std::string last_id;  // of lastState.terminated, or empty
    std::optional<Timestamp> last_started_at, last_finished_at;
    std::string last_end;              // how that one ended: "exit code 137, OOMKilled"; or empty
    std::vector<std::string> command;  // command and args
    bool operator==(const PodContainer&) const = default;
};

// The little that is kept of a pod (a pod object is 5–40 KB of JSON).
struct Pod {
    std::string uid, name, namespace_, node;
    std::string workload;  // "Deployment/gitlab-runner", "Pod/name" for a bare one
    Timestamp created_at{};
    bool deleting = false;
    std::string phase;
    std::map<std::string, std::string> labels;
    std::string revision;  // of the workload's template: changes with a rollout; or empty
    std::vector<PodContainer> containers;
    bool operator==(const Pod&) const = default;
};

struct WatchEvent {
    enum class Kind { added, modified, deleted, bookmark, error } kind = Kind::error;
    Pod pod;                       // added, modified, deleted
    std::string resource_version;  // all but error
    bool initial_end = false;      // bookmark: all that was there at the start has been told
    int code = 0;                  // error: HTTP code of its Status; 410 means list again
    std::string message;           // error
};

struct PodList {
    std::vector<Pod> pods;
    std::string resource_version;
    std::string next;  // continue token, empty at the end
};

// What the API server says when it refuses.
struct ApiStatus {
    int code = 0;
    std::string reason, message, kind;  // kind: details.kind, "pods" or "pods/log"
    std::string next;  // 410 of a list: the token that gives the rest, as it is by now
};

Result<Pod, std::string> parse_pod(const nlohmann::json& object);
Result<PodList, std::string> parse_pod_list(std::string_view json);
Result<WatchEvent, std::string> parse_watch_event(std::string_view json_line);
// Total: HTML or plain text becomes the message, shortened.
ApiStatus parse_api_status(int http_code, std::string_view body);

}  // namespace runnerwatch
