#include "daemon/container_runs.h"

#include "parsers/little_endian.h"

namespace runnerwatch {

namespace {

// The ring before it has 3 bytes more than a multiple of this.
constexpr std::size_t unit = 8, run_bytes = sizeof(std::uint32_t);

}  // namespace

void put_run(std::string& blob, int run) {
    if (run < 0) return;
    append_little_endian(blob, static_cast<std::uint32_t>(run));
}

int take_run(std::string_view& blob) {
    if (blob.size() < run_bytes || blob.size() % unit != (3 + run_bytes) % unit) return -1;
    const auto run = read_little_endian<std::uint32_t>(blob.substr(blob.size() - run_bytes));
    blob.remove_suffix(run_bytes);
    return static_cast<int>(run);
}

// CLUSTER/NAMESPACE/UID/CONTAINER of an instance, whose id is SCHEME://ID.
std::string ContainerRuns::key(const std::string& instance) {
    return instance.substr(0, instance.rfind('/', instance.find("://")));
}

void ContainerRuns::load(const PositionRow& position, std::optional<Timestamp> read_up_to) {
    std::string_view blob = position.blob;
    const int number = take_run(blob);
    if (number < 0) return;
    Run& run = latest_[key(position.instance)];
    if (number > run.number) run = {number, position.instance, read_up_to};
}

ContainerRuns::News ContainerRuns::see(const Place& place, const PodContainer& container,
                                       bool from_first) {
    const auto [found, fresh] = latest_.try_emplace(key(place.instance));
    Run& run = found->second;
    News news;
    news.last_seen = run.instance;
    news.read_up_to = run.read_up_to;
    const int before = container.restarts - 1;
    if (fresh && !from_first) run.number = before;
    if (run.number < before) {
        // Between two runs the one that ended stands in both places.
        news.previous = !container.last_id.empty() && container.last_id != container.id;
        news.unseen = before - run.number - (news.previous ? 1 : 0);
    }
    if (container.restarts > run.number) run = {container.restarts, place.instance, {}};
    return news;
}

void ContainerRuns::ended(const Place& place, std::optional<Timestamp> read_up_to) {
    const auto found = latest_.find(key(place.instance));
    if (found != latest_.end() && found->second.instance == place.instance)
        found->second.read_up_to = read_up_to;
}

void ContainerRuns::forget(const Place& pod) {
    const std::string prefix = pod.cluster + "/" + pod.namespace_ + "/" + pod.member_uid + "/";
    for (auto at = latest_.lower_bound(prefix);
         at != latest_.end() && at->first.rfind(prefix, 0) == 0;)
        at = latest_.erase(at);
}

}  // namespace runnerwatch
