#include "parsers/pod.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace runnerwatch {

namespace {

using Json = nlohmann::json;

constexpr std::size_t message_bytes_max = 500;

// What the API server sends is typed, what a proxy sends is not: every access below gives an
// empty value for what is missing or of another type.
const Json& member(const Json& object, const char* key) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::string text(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

int number(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_number_integer() ? value.get<int>() : 0;
}

std::optional<Timestamp> time(const Json& object, const char* key) {
    const auto parsed = parse_time(text(object, key));
    return parsed ? std::optional(parsed->time) : std::nullopt;
}

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// "Deployment/gitlab-runner" without asking for ReplicaSets: their names are the Deployment's
// plus the hash that the pod carries as a label.
std::string workload_of(const Json& metadata, const Pod& pod) {
    const Json* controller = nullptr;
    for (const Json& owner : member(metadata, "ownerReferences")) {
        const Json& controls = member(owner, "controller");
        if (controls.is_boolean() && controls.get<bool>()) controller = &owner;
    }
    if (!controller) return "Pod/" + pod.name;
    const std::string kind = text(*controller, "kind"), name = text(*controller, "name");
    const auto hash = pod.labels.find("pod-template-hash");
    if (kind == "ReplicaSet" && hash != pod.labels.end() && !hash->second.empty() &&
        ends_with(name, "-" + hash->second) && name.size() > hash->second.size() + 1)
        return "Deployment/" + name.substr(0, name.size() - hash->second.size() - 1);
    return kind + "/" + name;
}

// "exit code 137, OOMKilled"; "Error" and "Completed" say no more than the code.
std::string words_of_end(const Json& terminated) {
    std::string words = "exit code " + std::to_string(number(terminated, "exitCode"));
    const std::string reason = text(terminated, "reason");
    if (!reason.empty() && reason != "Error" && reason != "Completed") words += ", " + reason;
    return words;
}

void read_status(const Json& status, PodContainer& container) {
    container.id = text(status, "containerID");
    container.restarts = number(status, "restartCount");
    const Json& state = member(status, "state");
    if (const Json& running = member(state, "running"); running.is_object()) {
        container.state = PodContainer::State::running;
        container.started_at = time(running, "startedAt");
    } else if (const Json& terminated = member(state, "terminated"); terminated.is_object()) {
        container.state = PodContainer::State::terminated;
        container.started_at = time(terminated, "startedAt");
        container.finished_at = time(terminated, "finishedAt");
        if (container.id.empty()) container.id = text(terminated, "containerID");
    }
    const Json& last = member(member(status, "lastState"), "terminated");
    container.last_id = text(last, "containerID");
    if (!last.is_object()) return;
    container.last_end = words_of_end(last);
    container.last_started_at = time(last, "startedAt");
    container.last_finished_at = time(last, "finishedAt");
}

void read_containers(const Json& specs, const Json& statuses, PodContainer::Kind kind,
                     std::vector<PodContainer>& containers) {
    for (const Json& spec : specs) {
        PodContainer container;
        container.name = text(spec, "name");
        container.image = text(spec, "image");
        container.kind = kind;
        for (const Json& status : statuses)
            if (text(status, "name") == container.name) read_status(status, container);
        for (const char* key : {"command", "args"})
            for (const Json& word : member(spec, key))
                if (word.is_string()) container.command.push_back(word.get<std::string>());
        containers.push_back(std::move(container));
    }
}

std::string shortened(std::string_view body) {
    std::string message;
    bool space = false;
    for (const char c : body.substr(0, message_bytes_max)) {
        const bool blank = static_cast<unsigned char>(c) <= ' ';
        if (!blank && space && !message.empty()) message += ' ';
        if (!blank) message += c;
        space = blank;
    }
    if (body.size() > message_bytes_max) message += " …";
    return message;
}

ApiStatus status_of(const Json& object, int http_code) {
    ApiStatus status;
    status.code = number(object, "code");
    if (status.code == 0) status.code = http_code;
    status.reason = text(object, "reason");
    status.message = text(object, "message");
    status.kind = text(member(object, "details"), "kind");
    status.next = text(member(object, "metadata"), "continue");
    return status;
}

}  // namespace

Result<Pod, std::string> parse_pod(const Json& object) {
    const Json& metadata = member(object, "metadata");
    Pod pod;
    pod.uid = text(metadata, "uid");
    pod.name = text(metadata, "name");
    pod.namespace_ = text(metadata, "namespace");
    if (pod.uid.empty() || pod.name.empty() || pod.namespace_.empty())
        return failure(std::string("a pod without uid, name or namespace"));
    pod.created_at = time(metadata, "creationTimestamp").value_or(Timestamp{});
    pod.deleting = member(metadata, "deletionTimestamp").is_string();
    if (const Json& labels = member(metadata, "labels"); labels.is_object())
        for (const auto& [label, value] : labels.items())
            if (value.is_string()) pod.labels.emplace(label, value.get<std::string>());
    pod.workload = workload_of(metadata, pod);
    for (const char* label : {"pod-template-hash", "controller-revision-hash"})
        if (const auto found = pod.labels.find(label); found != pod.labels.end())
            pod.revision = found->second;

    const Json& spec = member(object, "spec");
    const Json& status = member(object, "status");
    pod.node = text(spec, "nodeName");
    pod.phase = text(status, "phase");
    using Kind = PodContainer::Kind;
    read_containers(member(spec, "initContainers"), member(status, "initContainerStatuses"),
                    Kind::init, pod.containers);
    read_containers(member(spec, "containers"), member(status, "containerStatuses"), Kind::main,
                    pod.containers);
    read_containers(member(spec, "ephemeralContainers"),
                    member(status, "ephemeralContainerStatuses"), Kind::ephemeral, pod.containers);
    return pod;
}

Result<PodList, std::string> parse_pod_list(std::string_view json) {
    const Json root = Json::parse(json, nullptr, false);
    if (!root.is_object() || !member(root, "items").is_array())
        return failure("the answer is not a list of pods: " + shortened(json));
    PodList list;
    const Json& metadata = member(root, "metadata");
    list.resource_version = text(metadata, "resourceVersion");
    list.next = text(metadata, "continue");
    for (const Json& item : member(root, "items")) {
        auto pod = parse_pod(item);
        if (!pod) return failure(pod.error());
        list.pods.push_back(std::move(*pod));
    }
    return list;
}

Result<WatchEvent, std::string> parse_watch_event(std::string_view json_line) {
    const Json root = Json::parse(json_line, nullptr, false);
    const std::string type = text(root, "type");
    const Json& object = member(root, "object");
    if (type.empty() || !object.is_object())
        return failure("the answer is not a watch event: " + shortened(json_line));
    WatchEvent event;
    if (type == "ERROR") {
        const ApiStatus status = status_of(object, 0);
        event.code = status.code;
        event.message = status.message;
        return event;
    }
    event.resource_version = text(member(object, "metadata"), "resourceVersion");
    if (type == "BOOKMARK") {
        event.kind = WatchEvent::Kind::bookmark;
        const Json& notes = member(member(object, "metadata"), "annotations");
        event.initial_end = text(notes, "k8s.io/initial-events-end") == "true";
        return event;
    }
    if (type != "ADDED" && type != "MODIFIED" && type != "DELETED")
        return failure("unknown kind of watch event: " + shortened(type));
    event.kind = type == "ADDED"      ? WatchEvent::Kind::added
                 : type == "MODIFIED" ? WatchEvent::Kind::modified
                                      : WatchEvent::Kind::deleted;
    auto pod = parse_pod(object);
    if (!pod) return failure(pod.error());
    event.pod = std::move(*pod);
    return event;
}

ApiStatus parse_api_status(int http_code, std::string_view body) {
    const Json root = Json::parse(body, nullptr, false);
    if (text(root, "kind") == "Status") {
        ApiStatus status = status_of(root, http_code);
        status.message = shortened(status.message);
        return status;
    }
    ApiStatus status;
    status.code = http_code;
    status.message = shortened(body);
    return status;
}

}  // namespace runnerwatch
