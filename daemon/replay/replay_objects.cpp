#include "daemon/replay/replay_objects.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using Json = nlohmann::ordered_json;

// The API shows seconds.
std::string seconds(Timestamp time) { return format_time(time).substr(0, 19) + "Z"; }

Json terminated(const ReplayInstance& instance) {
    return {{"terminated",
             {{"exitCode", instance.exit_code},
              {"reason", instance.exit_code == 0 ? "Completed" : "Error"},
              {"startedAt", seconds(instance.started_at)},
              {"finishedAt", seconds(*instance.finished_at)},
              {"containerID", instance.id}}}};
}

Json state(const ReplayContainer& container) {
    const auto& current = container.current;
    if (!current) return {{"waiting", {{"reason", container.waiting}}}};
    if (current->finished_at) return terminated(*current);
    return {{"running", {{"startedAt", seconds(current->started_at)}}}};
}

Json container_status(const ReplayContainer& container) {
    const auto& current = container.current;
    bool running = current && !current->finished_at;
    Json status{{"name", container.name}, {"state", state(container)}};
    status["lastState"] = container.previous ? terminated(*container.previous) : Json::object();
    status["ready"] = running;
    status["restartCount"] = container.restarts;
    status["image"] = container.image;
    status["imageID"] = "";
    if (current) status["containerID"] = current->id;
    status["started"] = running;
    return status;
}

Json metadata(const ReplayPod& pod) {
    Json result{{"name", pod.name},
                {"namespace", pod.namespace_},
                {"uid", pod.uid},
                {"resourceVersion", std::to_string(pod.version)},
                {"creationTimestamp", seconds(pod.created_at)}};
    if (pod.deleting_at) {
        result["deletionTimestamp"] = seconds(*pod.deleting_at);
        result["deletionGracePeriodSeconds"] = 30;
    }
    if (!pod.labels.empty()) result["labels"] = pod.labels;
    if (!pod.replica_set.empty())
        result["ownerReferences"] = Json::array({{{"apiVersion", "apps/v1"},
                                                  {"kind", "ReplicaSet"},
                                                  {"name", pod.replica_set},
                                                  {"uid", "owner-of-" + pod.uid},
                                                  {"controller", true},
                                                  {"blockOwnerDeletion", true}}});
    return result;
}

std::string event_line(std::string_view type, Json object) {
    return Json{{"type", type}, {"object", std::move(object)}}.dump() + "\n";
}

Json status_object(int code, const std::string& reason, const std::string& message, Json details) {
    Json status{{"kind", "Status"},
                {"apiVersion", "v1"},
                {"metadata", Json::object()},
                {"status", "Failure"},
                {"message", message}};
    if (!reason.empty()) status["reason"] = reason;
    if (!details.empty()) status["details"] = std::move(details);
    status["code"] = code;
    return status;
}

}  // namespace

Json pod_object(const ReplayPod& pod) {
    Json spec{{"containers", Json::array()}};
    Json status{{"phase", "Pending"}};
    for (const auto& container : pod.containers) {
        if (container.current) status["phase"] = "Running";
        Json one{{"name", container.name}, {"image", container.image}};
        if (!container.args.empty()) one["args"] = container.args;
        spec[container.init ? "initContainers" : "containers"].push_back(std::move(one));
        if (pod.node.empty()) continue;  // nobody has looked at them yet
        status[container.init ? "initContainerStatuses" : "containerStatuses"].push_back(
            container_status(container));
    }
    if (!pod.node.empty()) spec["nodeName"] = pod.node;
    return {{"metadata", metadata(pod)}, {"spec", std::move(spec)}, {"status", std::move(status)}};
}

std::string watch_line(std::string_view type, const ReplayPod& pod) {
    Json object{{"kind", "Pod"}, {"apiVersion", "v1"}};
    object.update(pod_object(pod));
    return event_line(type, std::move(object));
}

std::string bookmark_line(std::uint64_t version, bool initial_events_end) {
    Json meta{{"resourceVersion", std::to_string(version)}};
    if (initial_events_end) meta["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    return event_line("BOOKMARK", {{"kind", "Pod"},
                                   {"apiVersion", "v1"},
                                   {"metadata", std::move(meta)},
                                   {"spec", {{"containers", nullptr}}},
                                   {"status", Json::object()}});
}

std::string expired_line(std::uint64_t asked, std::uint64_t current) {
    auto message =
        "too old resource version: " + std::to_string(asked) + " (" + std::to_string(current) + ")";
    return event_line("ERROR", status_object(410, "Expired", message, {}));
}

ServerReply status_reply(int code, const std::string& reason, const std::string& message,
                         const std::string& kind, const std::string& name) {
    Json details;
    if (!name.empty()) details["name"] = name;
    if (!kind.empty()) details["kind"] = kind;
    ServerReply reply;
    reply.status = code;
    reply.body = status_object(code, reason, message, std::move(details)).dump(2);
    return reply;
}

ServerReply invalid_log_option(const std::string& pod, const std::string& field,
                               const std::string& reason, const std::string& message) {
    Json cause{{"reason", reason}, {"message", message}, {"field", field}};
    Json details{{"name", pod}, {"kind", "PodLogOptions"}, {"causes", Json::array({cause})}};
    auto text = "PodLogOptions \"" + pod + "\" is invalid: " + field + ": " + message;
    ServerReply reply;
    reply.status = 422;
    reply.body = status_object(422, "Invalid", text, std::move(details)).dump(2);
    return reply;
}

}  // namespace runnerwatch
