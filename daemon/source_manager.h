#pragma once

#include "daemon/cluster/api_client.h"
#include "daemon/cluster/pod_watch.h"
#include "daemon/cluster/rights_check.h"
#include "daemon/config.h"
#include "daemon/container_runs.h"
#include "daemon/runtime/task_group.h"
#include "daemon/source_reader.h"
#include "storage/change_set.h"
#include "storage/coverage.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace runnerwatch {

// Keeps exactly one reader per container instance and file that is to be read.
//
// Watches the pods of every configured cluster, starts a source for each new container instance
// from its stored position, drains it when the container has ended, and tells the book about the
// lives of containers and pods, always behind their last line. Confined to the loop.
class SourceManager {
public:
    static constexpr std::size_t sources_max = 10'000;

    struct Hooks {
        std::function<void(const std::string&)> report;  // what an operator should read
        std::function<void()> all_caught_up;             // once: all sources known at the start
        std::function<void()> changed;
    };

    SourceManager(Loop loop, const Config& config, const Matcher& matcher, KnownHeads& heads,
                  IncidentBook& book, ExceptionBook& exceptions, UnclassifiedBook& unclassified,
                  const Clock& clock, Metrics& metrics, CrashMark& crash_mark,
                  std::function<bool()> dropping, Hooks hooks);
    ~SourceManager();

    // Resolves the clusters' credentials and opens files; a cluster that cannot be resolved is
    // reported and the rest goes on. `stored` is the database's state at the start, `coverage` all
    // of its coverage.
    void start(const StoredState& stored, const std::vector<CoverageRow>& coverage);

    void take_changes(ChangeSet& changes);
    void end_dropping();

    // Asks sources whose watermark decides something, if it can be due by now.
    void probe_wanted(Timestamp now);

    asio::awaitable<void> stop();

    struct Status {
        std::size_t known = 0, caught_up = 0, complete = 0;
        CoverageCount coverage;
        std::vector<std::string> troubles;  // of clusters and files, in words
    };
    Status status() const;

private:
    struct Cluster;
    struct Reading;

    void start_cluster(const ClusterConfig& config);
    void note_watched(Cluster& cluster, ChangeSet& changes);
    void on_trouble(Cluster& cluster, const std::string& whose, const std::string& what,
                    const std::string& over);
    void on_unfollowed(Cluster& cluster, const Place& place, bool unfollowed);
    void on_log_trouble(Cluster& cluster, const Place& place, const std::string& what, bool right);
    void start_file(const FileConfig& config);
    void start_journal(const JournalConfig& config);
    std::function<void(const std::string&)> report_trouble_of(const std::string& instance);
    void on_pod(Cluster& cluster, const Pod& pod);
    void on_gone(Cluster& cluster, const Pod& pod);
    void on_listed(Cluster& cluster);
    Place place_of(const Cluster& cluster, const Pod& pod, const PodContainer& container,
                   const std::string& container_id) const;
    Reading* follow(Cluster& cluster, const Pod& pod, const PodContainer& container,
                    const std::string& container_id, bool previous);
    void follow_runs(Cluster& cluster, const Pod& pod, const PodContainer& container);
    void close_unread(const SourceRow& row, Timestamp end);
    std::optional<Timestamp> known_up_to(const std::string& instance) const;
    bool known(const std::string& instance) const;
    Reading* begin(std::unique_ptr<LogSource> source);
    asio::awaitable<void> read(Reading& reading);
    asio::awaitable<void> probe(Reading& reading);
    void on_completed(const std::string& instance);
    void forget_finished(const Place& place);
    void on_caught_up(const std::string& instance);
    void check_all_caught_up();
    std::optional<PositionRow> stored_position(const std::string& instance) const;

    Loop loop_;
    const Config& config_;
    IncidentBook& book_;
    const Clock& clock_;
    Metrics& metrics_;
    Hooks hooks_;
    ReaderContext context_;
    std::map<std::string, PositionRow> stored_;  // of the start; consumed as sources begin
    std::map<std::string, SourceRow> stored_sources_;
    std::map<std::string, std::int64_t> coverage_ordinals_;
    std::map<std::string, std::vector<CoverageRow>> stored_coverage_;  // read, and open gaps
    ContainerRuns runs_;
    // By cluster, of the start: up to when all of its pods were known.
    std::map<std::string, Timestamp> watched_until_;
    std::optional<Timestamp> last_alive_;  // of the process before this one
    std::vector<std::unique_ptr<Cluster>> clusters_;
    std::map<std::string, std::unique_ptr<Reading>> readings_;  // by instance
    std::map<std::string, std::string> local_troubles_;  // of files and journals, by instance
    std::set<std::string> finished_;  // instances read to their end, not to be read again
    std::set<std::string> awaited_;   // known at the start and not caught up
    std::map<std::string, Timestamp> probed_;
    bool all_caught_up_ = false;
    ChangeSet changes_;
    TaskGroup tasks_;
};

}  // namespace runnerwatch
