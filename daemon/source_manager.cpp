#include "daemon/source_manager_state.h"

#include "daemon/sources/pod_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace runnerwatch {

namespace {

constexpr std::chrono::seconds probe_again{10};  // our clock
constexpr std::chrono::minutes prove_files_every{1};

// Of the database's meta table, with a cluster's name behind it.
constexpr std::string_view watched_until = "watched_until/";
constexpr std::chrono::seconds note_watched_every{5};
constexpr std::chrono::seconds watch_lag{10};  // an event may be that old when it comes

}  // namespace

SourceManager::SourceManager(Loop loop, const Config& config, const Matcher& matcher,
                             KnownHeads& heads, IncidentBook& book, ExceptionBook& exceptions,
                             UnclassifiedBook& unclassified, const Clock& clock, Metrics& metrics,
                             CrashMark& crash_mark, std::function<bool()> dropping, Hooks hooks)
    : loop_(loop),
      config_(config),
      book_(book),
      clock_(clock),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      context_{matcher,
               heads,
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

void SourceManager::start(const StoredState& stored, const std::vector<CoverageRow>& coverage) {
    for (const auto& row : stored.positions) stored_[row.instance] = row;
    for (const auto& row : stored.sources) {
        stored_sources_[row.place.instance] = row;
        const auto position = stored_.find(row.place.instance);
        if (position != stored_.end() && !row.gone)
            runs_.load(position->second, known_up_to(row.place.instance));
    }
    coverage_ordinals_ = stored.coverage_ordinals;
    for (const auto& row : coverage) {
        const auto position = stored_.find(row.instance);
        if (position != stored_.end() && position->second.complete) continue;
        stored_coverage_[row.instance].push_back(row);
    }
    for (const auto& [name, value] : stored.meta) {
        const auto at = parse_time(value);
        if (at && name == "last_alive") last_alive_ = at->time;
        if (at && name.starts_with(watched_until))
            watched_until_[name.substr(watched_until.size())] = at->time;
    }
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
    // A daemon that lives and has no list of the pods yet has not watched them.
    const auto watched = watched_until_.find(cluster->config.name);
    if (watched != watched_until_.end())
        cluster->watched_since = watched->second;
    else
        cluster->watched_since = last_alive_.value_or(clock_.now());
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
    // What one container lacks is often what the namespace lacks, which is said already.
    const bool said =
        std::any_of(cluster.troubles.begin(), cluster.troubles.end(), [&](const auto& other) {
            return other.first != whose && other.second.find(what) != std::string::npos;
        });
    if (what == trouble || (!what.empty() && said)) return;
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
    SourceReader::Before before;
    before.position = stored_position(instance);
    before.ordinal = coverage_ordinals_[instance];
    if (auto stored = stored_coverage_.extract(instance)) before.coverage = stored.mapped();
    if (const auto row = stored_sources_.find(instance); row != stored_sources_.end()) {
        before.watermark = row->second.watermark;
        before.version = row->second.place.version;
    }
    reading->reader = std::make_unique<SourceReader>(*reading->source, context_, std::move(before));
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
    for (const auto& cluster : clusters_) note_watched(*cluster, changes);
    for (auto reading = readings_.begin(); reading != readings_.end();) {
        Reading& current = *reading->second;
        current.reader->take_changes(changes);
        // A file that was removed may come back; a container instance never does.
        const bool over = current.reader->complete() && current.users == 0 &&
                          !current.reader->place().member_uid.empty();
        reading = over ? readings_.erase(reading) : std::next(reading);
    }
}

void SourceManager::note_watched(Cluster& cluster, ChangeSet& changes) {
    if (cluster.watches.empty() || cluster.lists_awaited > 0) return;
    Timestamp heard = Timestamp::max();
    for (const auto& watch : cluster.watches)
        heard = std::min(heard, watch->heard_at().value_or(Timestamp::min()));
    if (heard < cluster.watched_noted + note_watched_every) return;
    cluster.watched_noted = heard;
    changes.meta[std::string(watched_until) + cluster.config.name] = format_time(heard - watch_lag);
}

void SourceManager::end_dropping() {
    for (auto& [unused, reading] : readings_) reading->reader->end_dropping();
}

void SourceManager::probe_wanted(Timestamp now) {
    for (const auto& [instance, reading] : readings_) {
        // Pods' sources see to it themselves.
        if (!reading->reader->place().member_uid.empty()) continue;
        auto& last = probed_[instance];
        if (now - last < prove_files_every) continue;
        last = now;
        tasks_.spawn("probe of " + instance, probe(*reading));
    }
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
    const Timestamp now = clock_.now();
    Status status;
    status.known = readings_.size();
    for (const auto& [unused, reading] : readings_) {
        status.caught_up += reading->reader->caught_up() ? 1U : 0U;
        status.complete += reading->reader->complete() ? 1U : 0U;
        if (!reading->reader->complete())
            status.coverage.add(reading->reader->place(), reading->reader->read_up_to(), now,
                                current_within(config_));
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
