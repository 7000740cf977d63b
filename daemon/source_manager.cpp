#include "daemon/source_manager.h"

#include "daemon/sources/pod_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace runnerwatch {

namespace {

constexpr std::chrono::seconds probe_again{10};  // our clock

std::string instance_of(const std::string& cluster, const Pod& pod, const std::string& container,
                        const std::string& container_id) {
    return cluster + "/" + pod.namespace_ + "/" + pod.uid + "/" + container + "/" + container_id;
}

}  // namespace

struct SourceManager::Cluster {
    ClusterConfig config;
    std::unique_ptr<ApiClient> api;
    std::vector<std::unique_ptr<PodWatch>> watches;
    std::vector<std::unique_ptr<RightsCheck>> checks;
    std::set<std::string> pods;  // uids of those with followed containers
    std::size_t lists_awaited = 0;
    std::map<std::string, std::string> troubles;  // in words, by what has them
};

struct SourceManager::Reading {
    std::unique_ptr<LogSource> source;
    std::unique_ptr<SourceReader> reader;
    bool pod_gone = false;
    int users = 0;  // coroutines that are inside it
};

SourceManager::SourceManager(Loop loop, const Config& config, const Matcher& matcher,
                             IncidentBook& book, ExceptionBook& exceptions,
                             UnclassifiedBook& unclassified, const Clock& clock, Metrics& metrics,
                             CrashMark& crash_mark, std::function<bool()> dropping, Hooks hooks)
    : loop_(loop),
      config_(config),
      book_(book),
      clock_(clock),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      context_{matcher,
               book,
               exceptions,
               unclassified,
               clock,
               metrics,
               crash_mark,
               hooks_.changed,
               std::move(dropping),
               [this](const std::string& instance) { on_caught_up(instance); },
               [this](const std::string& instance) { on_completed(instance); }},
      tasks_(loop, [this](const std::string& task, std::exception_ptr failure) {
          try {
              std::rethrow_exception(failure);
          } catch (const std::exception& error) {
              hooks_.report("reading " + task + " failed: " + error.what());
          }
      }) {}

SourceManager::~SourceManager() = default;

void SourceManager::start(const StoredState& stored) {
    for (const auto& row : stored.positions) stored_[row.instance] = row;
    for (const auto& row : stored.sources) stored_sources_[row.place.instance] = row;
    coverage_ordinals_ = stored.coverage_ordinals;
    for (const auto& [instance, row] : stored_)
        if (row.complete) finished_.insert(instance);
    for (const auto& file : config_.files) start_file(file);
    for (const auto& journal : config_.journal) start_journal(journal);
    for (const auto& cluster : config_.clusters) start_cluster(cluster);
    check_all_caught_up();
}

void SourceManager::start_cluster(const ClusterConfig& config) {
    auto cluster = std::make_unique<Cluster>();
    cluster->config = config;
    auto access = cluster_access(config.kubeconfig, config.context);
    if (!access) {
        cluster->troubles["access"] = access.error().what;
        hooks_.report(access.error().what);
        clusters_.push_back(std::move(cluster));
        return;
    }
    if (cluster->config.name.empty()) cluster->config.name = access->context;
    if (access->insecure_skip_tls_verify) {
        cluster->troubles["TLS"] =
            "its certificate is NOT verified (insecure-skip-tls-verify): anybody on the way can "
            "read and forge what is watched, and take the credentials; give "
            "certificate-authority instead";
        hooks_.report("cluster " + cluster->config.name + ": " + cluster->troubles["TLS"]);
    }
    cluster->api = std::make_unique<ApiClient>(loop_, std::move(*access),
                                               static_cast<double>(config.open_rate));
    Cluster& made = *cluster;
    clusters_.push_back(std::move(cluster));
    std::vector<std::string> namespaces = config.namespaces;
    if (namespaces.empty()) namespaces.emplace_back();
    made.lists_awaited = namespaces.size();
    for (const auto& name : namespaces) {
        PodWatch::Events events;
        events.on_pod = [this, &made](const Pod& pod) { on_pod(made, pod); };
        events.on_gone = [this, &made](const Pod& pod) { on_gone(made, pod); };
        events.on_listed = [this, &made] { on_listed(made); };
        events.on_trouble = [this, &made, name](const std::string& what) {
            on_trouble(made, "pods of " + name, what, "pods can be watched again");
        };
        made.checks.push_back(std::make_unique<RightsCheck>(
            *made.api, clock_, name, [this, &made, name](const std::string& what) {
                on_trouble(made, "rights in " + name, what, "no right is missing any more");
            }));
        tasks_.spawn("rights in " + made.config.name, made.checks.back()->run());
        PodQuery query{name, config.follow.selector, config.follow.field_selector};
        made.watches.push_back(
            std::make_unique<PodWatch>(*made.api, clock_, std::move(query), std::move(events)));
        tasks_.spawn("pods of " + made.config.name, made.watches.back()->run());
    }
}

void SourceManager::on_trouble(Cluster& cluster, const std::string& whose, const std::string& what,
                               const std::string& over) {
    std::string& trouble = cluster.troubles[whose];
    if (!what.empty())
        hooks_.report("cluster " + cluster.config.name + ": " + what);
    else if (!trouble.empty())
        hooks_.report("cluster " + cluster.config.name + ": " + over);
    trouble = what;
}

std::optional<PositionRow> SourceManager::stored_position(const std::string& instance) const {
    const auto found = stored_.find(instance);
    if (found == stored_.end()) return std::nullopt;
    return found->second;
}

SourceManager::Reading* SourceManager::begin(std::unique_ptr<LogSource> source) {
    const std::string instance = source->place().instance;
    if (readings_.size() >= sources_max) {
        hooks_.report("not reading " + instance + ": the limit of " + std::to_string(sources_max) +
                      " sources is reached; narrow the selector or the namespaces");
        return nullptr;
    }
    auto reading = std::make_unique<Reading>();
    reading->source = std::move(source);
    reading->reader = std::make_unique<SourceReader>(
        *reading->source, context_, stored_position(instance), coverage_ordinals_[instance]);
    Reading* made = reading.get();
    readings_[instance] = std::move(reading);
    tasks_.spawn(instance, read(*made));
    return made;
}

asio::awaitable<void> SourceManager::read(Reading& reading) {
    ++reading.users;
    co_await reading.source->run(*reading.reader);
    --reading.users;
}

asio::awaitable<void> SourceManager::probe(Reading& reading) {
    ++reading.users;
    co_await reading.source->probe_tail();
    --reading.users;
}

void SourceManager::follow(Cluster& cluster, const Pod& pod, const PodContainer& container,
                           const std::string& container_id, bool previous) {
    Place place;
    place.cluster = cluster.config.name;
    place.namespace_ = pod.namespace_;
    place.workload = pod.workload;
    place.member = pod.name;
    place.member_uid = pod.uid;
    place.member_created = pod.created_at;
    place.container = container.name;
    place.node = pod.node;
    place.instance = instance_of(cluster.config.name, pod, container.name, container_id);
    if (finished_.contains(place.instance)) return;
    const bool ended = previous || container.state == PodContainer::State::terminated;
    const auto reading = readings_.find(place.instance);
    if (reading != readings_.end()) {
        if (ended) reading->second->source->drain();
        if (auto* source = dynamic_cast<PodSource*>(reading->second->source.get()))
            source->update(container);
        return;
    }
    book_.lifecycle({LifecycleKind::started, place, previous ? std::nullopt : container.started_at,
                     pod.revision, previous ? std::string() : container.last_end},
                    clock_.now());
    hooks_.changed();
    PodSource::Options options;
    options.history = config_.history;
    options.on_trouble = [this, name = pod.namespace_ + "/" + pod.name](const std::string& what) {
        if (!what.empty()) hooks_.report("log of " + name + ": " + what);
    };
    auto source = std::make_unique<PodSource>(*cluster.api, clock_, place, container_id, container,
                                              stored_position(place.instance), std::move(options));
    Reading* made = begin(std::move(source));
    if (!made) return;
    if (!all_caught_up_ && cluster.lists_awaited > 0) awaited_.insert(place.instance);
    if (ended) made->source->drain();
}

void SourceManager::on_pod(Cluster& cluster, const Pod& pod) {
    for (const auto& container : pod.containers) {
        if (!choose_container(cluster.config.follow, pod, container).follow) continue;
        cluster.pods.insert(pod.uid);
        // An instance of before is only read if reading it had begun.
        if (!container.last_id.empty()) {
            const std::string last =
                instance_of(cluster.config.name, pod, container.name, container.last_id);
            if (readings_.contains(last) || stored_.contains(last))
                follow(cluster, pod, container, container.last_id, true);
        }
        if (!container.id.empty()) follow(cluster, pod, container, container.id, false);
        // Whatever else of this container was being read has been replaced.
        const std::string prefix = instance_of(cluster.config.name, pod, container.name, "");
        for (auto reading = readings_.lower_bound(prefix);
             reading != readings_.end() && reading->first.rfind(prefix, 0) == 0; ++reading)
            if (reading->first != prefix + container.id) reading->second->source->drain();
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
    Place place;
    place.cluster = cluster.config.name;
    place.namespace_ = pod.namespace_;
    place.workload = pod.workload;
    place.member = pod.name;
    place.member_uid = pod.uid;
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
    for (const auto& [instance, row] : stored_sources_) {
        const Place& place = row.place;
        if (place.cluster != cluster.config.name || place.member_uid.empty() || row.gone) continue;
        const bool pod_lives = cluster.pods.contains(place.member_uid);
        if (readings_.contains(instance) || (pod_lives && finished_.contains(instance))) continue;
        const Timestamp now = clock_.now();
        if (!finished_.contains(instance)) {
            CoverageRow gap;
            gap.instance = instance;
            gap.ordinal = ++coverage_ordinals_[instance];
            gap.kind = "tail_unproven";
            gap.certainty = "possibly_lost";
            gap.from = row.watermark;
            gap.details = "it ended while runnerwatch was not reading";
            gap.noted_at = now;
            metrics_.gap(gap.kind);
            book_.gap(instance, gap.from, gap.to, gap.details, now);
            changes_.coverage[{instance, gap.ordinal}] = gap;
            if (auto position = stored_position(instance)) {
                position->complete = true;
                position->updated_at = now;
                changes_.positions[instance] = *position;
            }
            finished_.insert(instance);
        }
        book_.lifecycle(
            {pod_lives ? LifecycleKind::ended : LifecycleKind::gone, place, std::nullopt}, now);
    }
    hooks_.changed();
    check_all_caught_up();
}

void SourceManager::on_completed(const std::string& instance) {
    const auto reading = readings_.find(instance);
    if (reading == readings_.end()) return;
    finished_.insert(instance);
    const Place& place = reading->second->reader->place();
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
    const std::string prefix =
        place.cluster + "/" + place.namespace_ + "/" + place.member_uid + "/";
    for (auto at = finished_.lower_bound(prefix);
         at != finished_.end() && at->rfind(prefix, 0) == 0;) {
        probed_.erase(*at);
        at = finished_.erase(at);
    }
}

void SourceManager::on_caught_up(const std::string& instance) {
    awaited_.erase(instance);
    check_all_caught_up();
}

void SourceManager::check_all_caught_up() {
    if (all_caught_up_ || !awaited_.empty()) return;
    for (const auto& cluster : clusters_)
        if (cluster->lists_awaited > 0) return;
    if (clusters_.size() < config_.clusters.size()) return;
    all_caught_up_ = true;
    hooks_.all_caught_up();
}

void SourceManager::take_changes(ChangeSet& changes) {
    changes.merge(std::exchange(changes_, ChangeSet{}));
    for (auto reading = readings_.begin(); reading != readings_.end();) {
        Reading& current = *reading->second;
        current.reader->take_changes(changes);
        // A file that was removed may come back; a container instance never does.
        const bool over = current.reader->complete() && current.users == 0 &&
                          !current.reader->place().member_uid.empty();
        reading = over ? readings_.erase(reading) : std::next(reading);
    }
}

void SourceManager::end_dropping() {
    for (auto& [unused, reading] : readings_) reading->reader->end_dropping();
}

void SourceManager::probe_wanted(Timestamp now) {
    for (const auto& wanted : book_.wanted()) {
        if (wanted.due > now) continue;
        const auto reading = readings_.find(wanted.instance);
        if (reading == readings_.end() || reading->second->reader->complete()) continue;
        auto& last = probed_[wanted.instance];
        if (now - last < probe_again) continue;
        last = now;
        tasks_.spawn("probe of " + wanted.instance, probe(*reading->second));
    }
}

asio::awaitable<void> SourceManager::stop() { return tasks_.stop(); }

SourceManager::Status SourceManager::status() const {
    Status status;
    status.known = readings_.size();
    for (const auto& [unused, reading] : readings_) {
        status.caught_up += reading->reader->caught_up() ? 1U : 0U;
        status.complete += reading->reader->complete() ? 1U : 0U;
    }
    for (const auto& cluster : clusters_)
        for (const auto& [unused, what] : cluster->troubles)
            if (!what.empty())
                status.troubles.push_back("cluster " + cluster->config.name + ": " + what);
    for (const auto& [unused, what] : local_troubles_)
        if (!what.empty()) status.troubles.push_back(what);
    return status;
}

}  // namespace runnerwatch
