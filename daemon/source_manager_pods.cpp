// What the watch says of pods: which container instances begin, go on and end.
#include "daemon/source_manager_state.h"
#include "daemon/sources/pod_source.h"
#include "parsers/anchor_ring.h"
#include "parsers/runner_version.h"

#include <algorithm>

namespace runnerwatch {

namespace {

// The API tells times in whole seconds, rounded down.
constexpr std::chrono::seconds whole_seconds{1};
constexpr std::chrono::minutes start_tolerance{1};

std::string instance_of(const std::string& cluster, const Pod& pod, const std::string& container,
                        const std::string& container_id) {
    return cluster + "/" + pod.namespace_ + "/" + pod.uid + "/" + container + "/" + container_id;
}

Place place_of_pod(const std::string& cluster, const Pod& pod) {
    Place place;
    place.cluster = cluster;
    place.namespace_ = pod.namespace_;
    place.workload = pod.workload;
    place.member = pod.name;
    place.member_uid = pod.uid;
    return place;
}

}  // namespace

Place SourceManager::place_of(const Cluster& cluster, const Pod& pod, const PodContainer& container,
                              const std::string& container_id) const {
    Place place = place_of_pod(cluster.config.name, pod);
    place.member_created = pod.created_at;
    place.container = container.name;
    place.node = pod.node;
    place.instance = instance_of(cluster.config.name, pod, container.name, container_id);
    place.version = version_in_image(container.image);
    return place;
}

// Whether its reading had begun.
bool SourceManager::known(const std::string& instance) const {
    if (readings_.contains(instance) || stored_.contains(instance)) return true;
    const auto row = stored_sources_.find(instance);
    return row != stored_sources_.end() && !row->second.ended;
}

// Behind what a gap of it lies: its last line, or else the last proof that it was read.
std::optional<Timestamp> SourceManager::known_up_to(const std::string& instance) const {
    if (const auto reading = readings_.find(instance); reading != readings_.end())
        return reading->second->reader->known_up_to();
    if (const auto position = stored_.find(instance); position != stored_.end()) {
        std::string_view blob = position->second.blob;
        take_run(blob);
        if (const auto ring = AnchorRing::parse(blob); ring && !ring->empty())
            return ring->last().time;
    }
    const auto row = stored_sources_.find(instance);
    if (row == stored_sources_.end()) return std::nullopt;
    return row->second.watermark ? row->second.watermark : row->second.started_at;
}

SourceManager::Reading* SourceManager::follow(Cluster& cluster, const Pod& pod,
                                              const PodContainer& container,
                                              const std::string& container_id, bool previous) {
    const Place place = place_of(cluster, pod, container, container_id);
    if (finished_.contains(place.instance)) return nullptr;
    const bool ended = previous || container.state == PodContainer::State::terminated;
    const auto reading = readings_.find(place.instance);
    if (reading != readings_.end()) {
        if (ended) reading->second->source->drain();
        if (auto* source = dynamic_cast<PodSource*>(reading->second->source.get()))
            source->update(container);
        return reading->second.get();
    }
    const auto started_at = previous ? container.last_started_at : container.started_at;
    book_.lifecycle({LifecycleKind::started, place, started_at, pod.revision,
                     previous ? std::string() : container.last_end},
                    clock_.now());
    PodSource::Options options;
    options.history = config_.history;
    options.probe_every = cluster.config.probe_every;
    options.run = container.restarts - (previous ? 1 : 0);
    // What began while we watched is no history.
    if (started_at && *started_at + whole_seconds >= cluster.watched_since) {
        options.history = std::max(options.history, clock_.now() - *started_at + start_tolerance);
        options.began = started_at;
    }
    options.renew_every = cluster.config.renew_every;
    options.on_trouble = [this, &cluster](const Place& where, const std::string& what, bool right) {
        on_log_trouble(cluster, where, what, right);
    };
    options.on_unfollowed = [this, &cluster](const Place& where, bool unfollowed) {
        on_unfollowed(cluster, where, unfollowed);
    };
    auto source = std::make_unique<PodSource>(*cluster.api, clock_, place, container_id, container,
                                              stored_position(place.instance), std::move(options));
    Reading* made = begin(std::move(source));
    if (!made) return nullptr;
    // From here on nothing goes unsaid: where reading begins is written together with the source.
    made->reader->on_opened();
    if (!all_caught_up_ && cluster.lists_awaited > 0) awaited_.insert(place.instance);
    if (ended) made->source->drain();
    return made;
}

void SourceManager::on_log_trouble(Cluster& cluster, const Place& place, const std::string& what,
                                   bool right) {
    if (right)
        on_trouble(cluster, "logs in " + place.namespace_, what,
                   "logs in " + place.namespace_ + " can be read again");
    else if (!what.empty())
        hooks_.report("log of " + place.namespace_ + "/" + place.member + ": " + what);
}

// Said once for a node, however many of its containers are concerned.
void SourceManager::on_unfollowed(Cluster& cluster, const Place& place, bool unfollowed) {
    auto& instances = cluster.unfollowed[place.node];
    if (unfollowed)
        instances.insert(place.instance);
    else
        instances.erase(place.instance);
    const std::string what =
        "logs of node " + place.node +
        " cannot be followed: its kubelet has no inotify instance left (too many open files); they "
        "are asked for every few seconds instead, so lines come late and none is lost; raise "
        "fs.inotify.max_user_instances there (sysctl -w fs.inotify.max_user_instances=8192)";
    on_trouble(cluster, "logs of node " + place.node, instances.empty() ? "" : what,
               "logs of node " + place.node + " can be followed again");
    if (instances.empty()) cluster.unfollowed.erase(place.node);
}

// The run that the container shows, and what can still be read of those before it.
void SourceManager::follow_runs(Cluster& cluster, const Pod& pod, const PodContainer& container) {
    const Place place = place_of(cluster, pod, container, container.id);
    ContainerRuns::News news;
    if (!container.id.empty())
        news = runs_.see(place, container, pod.created_at + whole_seconds >= cluster.watched_since);
    if (!container.last_id.empty() && container.last_id != container.id) {
        const auto last = instance_of(cluster.config.name, pod, container.name, container.last_id);
        if (news.previous || known(last)) follow(cluster, pod, container, container.last_id, true);
    }
    if (container.id.empty()) return;
    Reading* reading = follow(cluster, pod, container, container.id, false);
    if (news.unseen == 0 || !reading) return;
    SourceGap gap{"restarted_unseen", "lost", known_up_to(news.last_seen), {}, {}};
    if (!gap.from) gap.from = news.read_up_to.value_or(pod.created_at);
    gap.to = news.previous ? container.last_started_at : container.started_at;
    gap.to = gap.to.value_or(clock_.now()) + whole_seconds;
    gap.details = std::to_string(news.unseen) + (news.unseen == 1 ? " run" : " runs") +
                  " of container " + container.name + " before run " +
                  std::to_string(container.restarts - (news.previous ? 1 : 0));
    reading->reader->on_gap(gap);
}

void SourceManager::on_pod(Cluster& cluster, const Pod& pod) {
    for (const auto& container : pod.containers) {
        if (!choose_container(cluster.config.follow, pod, container).follow) continue;
        cluster.pods.insert(pod.uid);
        follow_runs(cluster, pod, container);
        // Whatever else of this container was being read has been replaced.
        const std::string prefix = instance_of(cluster.config.name, pod, container.name, "");
        for (auto reading = readings_.lower_bound(prefix);
             reading != readings_.end() && reading->first.rfind(prefix, 0) == 0; ++reading) {
            if (reading->first == prefix + container.id) continue;
            reading->second->source->drain();
            if (auto* source = dynamic_cast<PodSource*>(reading->second->source.get()))
                source->update(container);
        }
        // What was being read when we stopped, and cannot be read any more, ended before this run.
        for (auto row = stored_sources_.lower_bound(prefix);
             row != stored_sources_.end() && row->first.rfind(prefix, 0) == 0; ++row)
            if (!container.id.empty() && row->first != prefix + container.id &&
                !row->second.ended && !readings_.contains(row->first) &&
                !finished_.contains(row->first))
                close_unread(row->second,
                             container.started_at.value_or(clock_.now()) + whole_seconds);
    }
}

void SourceManager::on_gone(Cluster& cluster, const Pod& pod) {
    if (cluster.pods.erase(pod.uid) == 0) return;
    bool being_read = false;
    const std::string prefix = cluster.config.name + "/" + pod.namespace_ + "/" + pod.uid + "/";
    for (auto reading = readings_.lower_bound(prefix);
         reading != readings_.end() && reading->first.rfind(prefix, 0) == 0; ++reading) {
        reading->second->pod_gone = true;
        if (reading->second->reader->complete()) continue;
        being_read = true;
        reading->second->source->drain();
    }
    if (being_read) return;  // its last lines come first
    Place place = place_of_pod(cluster.config.name, pod);
    for (const auto& container : pod.containers) {
        place.instance = instance_of(cluster.config.name, pod, container.name, container.id);
        book_.lifecycle({LifecycleKind::gone, place, std::nullopt}, clock_.now());
    }
    hooks_.changed();
}

// The first list is complete: what was being read before the start and is not in it is gone.
void SourceManager::on_listed(Cluster& cluster) {
    if (cluster.lists_awaited > 0) --cluster.lists_awaited;
    if (cluster.lists_awaited > 0) return;
    const Timestamp now = clock_.now();
    for (const auto& [instance, row] : stored_sources_) {
        const Place& place = row.place;
        if (place.cluster != cluster.config.name || place.member_uid.empty() || row.gone) continue;
        const bool pod_lives = cluster.pods.contains(place.member_uid);
        if (readings_.contains(instance) || (pod_lives && finished_.contains(instance))) continue;
        if (!finished_.contains(instance)) close_unread(row, now);
        book_.lifecycle(
            {pod_lives ? LifecycleKind::ended : LifecycleKind::gone, place, std::nullopt}, now);
    }
    hooks_.changed();
    check_all_caught_up();
}

// It ended while nobody read it, at `end` at the latest, and can be read no more.
void SourceManager::close_unread(const SourceRow& row, Timestamp end) {
    const std::string& instance = row.place.instance;
    const Timestamp now = clock_.now();
    CoverageRow gap;
    gap.instance = instance;
    gap.ordinal = ++coverage_ordinals_[instance];
    gap.kind = "tail_unproven";
    gap.certainty = "possibly_lost";
    gap.from = known_up_to(instance);
    gap.to = end;
    gap.details = "it ended while runnerwatch was not reading";
    gap.noted_at = now;
    metrics_.gap(gap.kind);
    book_.gap(instance, gap.from, gap.to, gap_words(gap), now);
    changes_.coverage[{instance, gap.ordinal}] = gap;
    for (CoverageRow& open : stored_coverage_[instance]) {
        if (open.ordinal == read_ordinal) continue;
        open.to = end;
        changes_.coverage[{instance, open.ordinal}] = open;
    }
    PositionRow position = stored_position(instance).value_or(PositionRow{});
    position.instance = instance;
    position.complete = true;
    position.updated_at = now;
    changes_.positions[instance] = position;
    finished_.insert(instance);
    book_.lifecycle({LifecycleKind::ended, row.place, std::nullopt}, now);
    hooks_.changed();
}

void SourceManager::on_completed(const std::string& instance) {
    const auto reading = readings_.find(instance);
    if (reading == readings_.end()) return;
    finished_.insert(instance);
    const Place& place = reading->second->reader->place();
    runs_.ended(place, reading->second->reader->known_up_to());
    const Timestamp now = clock_.now();
    book_.lifecycle({LifecycleKind::ended, place, std::nullopt}, now);
    const bool others = std::any_of(readings_.begin(), readings_.end(), [&](const auto& other) {
        return other.second->reader->place().member_uid == place.member_uid &&
               !other.second->reader->complete();
    });
    if (reading->second->pod_gone && !others) {
        book_.lifecycle({LifecycleKind::gone, place, std::nullopt}, now);
        forget_finished(place);
    }
    hooks_.changed();
}

// Instances of a pod that is gone are never offered again.
void SourceManager::forget_finished(const Place& place) {
    runs_.forget(place);
    const std::string prefix =
        place.cluster + "/" + place.namespace_ + "/" + place.member_uid + "/";
    for (auto at = finished_.lower_bound(prefix);
         at != finished_.end() && at->rfind(prefix, 0) == 0;) {
        probed_.erase(*at);
        at = finished_.erase(at);
    }
}

}  // namespace runnerwatch
