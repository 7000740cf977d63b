#include "daemon/replay/replay_cluster.h"

#include "daemon/replay/replay_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace runnerwatch {
namespace {

constexpr std::size_t events_max = 10'000;

}  // namespace

std::string ReplayCluster::add_pod(ReplayPod pod) {
    std::string name = pod.namespace_ + "/" + pod.name;
    if (pods_.contains(name)) throw std::invalid_argument("there is a pod " + name);
    if (pod.uid.empty()) pod.uid = fmt::format("00000000-0000-4000-8000-{:012x}", ++made_);
    pod.created_at = clock_.now();
    if (auto dash = pod.replica_set.rfind('-'); dash != pod.replica_set.npos)
        pod.labels.emplace("pod-template-hash", pod.replica_set.substr(dash + 1));
    for (auto& container : pod.containers)
        if (container.waiting.empty() && !pod.node.empty()) container.current = new_instance();
    changed(pods_.emplace(name, std::move(pod)).first->second, "ADDED");
    return name;
}

void ReplayCluster::start_container(const std::string& pod_name, const std::string& name) {
    auto& started = container(pod_name, name);
    started.waiting.clear();
    started.current = new_instance();
    changed(pod(pod_name), "MODIFIED");
}

void ReplayCluster::append(const std::string& pod_name, const std::string& name, Timestamp time,
                           std::string text) {
    auto& log = instance(pod_name, name);
    log.lines.push_back({time, std::move(text)});
    wake(log.followers);
}

void ReplayCluster::terminate_container(const std::string& pod_name, const std::string& name,
                                        int exit_code) {
    auto& ended = instance(pod_name, name);
    ended.finished_at = clock_.now();
    ended.exit_code = exit_code;
    wake(ended.followers);
    changed(pod(pod_name), "MODIFIED");
}

void ReplayCluster::restart_container(const std::string& pod_name, const std::string& name) {
    auto& restarted = container(pod_name, name);
    auto& ended = instance(pod_name, name);
    if (!ended.finished_at) ended.finished_at = clock_.now();
    wake(ended.followers);
    restarted.previous = std::exchange(restarted.current, new_instance());
    ++restarted.restarts;
    changed(pod(pod_name), "MODIFIED");
}

void ReplayCluster::mark_deleting(const std::string& pod_name) {
    auto& leaving = pod(pod_name);
    leaving.deleting_at = clock_.now();
    changed(leaving, "MODIFIED");
}

void ReplayCluster::delete_pod(const std::string& pod_name) {
    auto& gone = pod(pod_name);
    changed(gone, "DELETED");
    for (auto& container : gone.containers) {
        if (!container.current) continue;
        container.current->removed = true;
        wake(container.current->followers);
    }
    pods_.erase(pod_name);
}

void ReplayCluster::rotate(const std::string& pod_name, const std::string& name) {
    auto& log = instance(pod_name, name);
    log.readable_from = log.lines.size();
}

void ReplayCluster::reset_streams() {
    end_streams(logs_, {ReplayFault::Kind::reset, {}});
    end_streams(watches_, {ReplayFault::Kind::reset, {}});
}

void ReplayCluster::refuse(std::string part, ServerReply reply, int times) {
    refusals_.push_back({std::move(part), std::move(reply), times});
}

void ReplayCluster::expire_resource_versions() {
    forgotten_ = ++version_;  // as if something else had changed
    events_.clear();
}

const ReplayPod* ReplayCluster::find(const std::string& pod_name) const {
    auto it = pods_.find(pod_name);
    return it == pods_.end() ? nullptr : &it->second;
}

std::optional<std::vector<const ReplayEvent*>> ReplayCluster::events_after(
    std::uint64_t version) const {
    if (version < forgotten_) return std::nullopt;
    auto newer = [](std::uint64_t v, const ReplayEvent& event) { return v < event.version; };
    std::vector<const ReplayEvent*> result;
    for (auto it = std::upper_bound(events_.begin(), events_.end(), version, newer);
         it != events_.end(); ++it)
        result.push_back(&*it);
    return result;
}

std::optional<ServerReply> ReplayCluster::refusal(const std::string& path) {
    for (auto& refusal : refusals_) {
        if (refusal.times <= 0 || path.find(refusal.part) == path.npos) continue;
        --refusal.times;
        return refusal.reply;
    }
    return std::nullopt;
}

ReplayContainer& ReplayCluster::container(const std::string& pod_name, const std::string& name) {
    for (auto& candidate : pod(pod_name).containers)
        if (candidate.name == name) return candidate;
    throw std::out_of_range("no container " + name + " in " + pod_name);
}

ReplayInstance& ReplayCluster::instance(const std::string& pod_name, const std::string& name) {
    auto& current = container(pod_name, name).current;
    if (!current) throw std::logic_error("container " + name + " of " + pod_name + " waits");
    return *current;
}

std::shared_ptr<ReplayInstance> ReplayCluster::new_instance() {
    auto instance = std::make_shared<ReplayInstance>();
    instance->id = fmt::format("containerd://{:064x}", ++made_);
    instance->started_at = clock_.now();
    return instance;
}

void ReplayCluster::changed(ReplayPod& pod, const char* type) {
    pod.version = ++version_;
    events_.push_back({version_, pod.namespace_, pod.labels, watch_line(type, pod)});
    if (events_.size() > events_max) {
        forgotten_ = events_.front().version;
        events_.pop_front();
    }
    wake(watches_);
}

void ReplayCluster::end_streams(const std::set<ReplayStream*>& streams, const ReplayFault& fault) {
    for (auto* stream : streams) stream->fault = fault;
    wake(streams);
}

void ReplayCluster::wake(const std::set<ReplayStream*>& streams) {
    for (auto* stream : streams) stream->wake();
}

}  // namespace runnerwatch
