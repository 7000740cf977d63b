#pragma once

#include "daemon/replay/replay_cluster.h"
#include "daemon/replay/replay_server.h"
#include "storage/store.h"
#include "tests/acceptance/file_changes.h"
#include "tests/fakes/alertmanager.h"
#include "tests/fakes/webhook_receiver.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace runnerwatch {

// What surrounds a daemon: an API server that replays, a webhook receiver, an Alertmanager, and a
// folder. They run on a thread of their own, so that a test may wait for the daemon.
class World {
public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Runs `f` on the loop of the fakes and returns what it returns.
    template <class F>
    auto on_loop(F f) {
        std::packaged_task<std::invoke_result_t<F>()> task(std::move(f));
        auto result = task.get_future();
        asio::post(io_, [&task] { task(); });
        return result.get();
    }

    // A pod of Deployment/<deployment> with one runner container. The same names give the same
    // instance in every world.
    std::string add_pod(const std::string& deployment, const std::string& suffix);
    void append(const std::string& pod, Timestamp at, const std::string& line);

    std::string file(const std::string& name) const { return (folder_ / name).string(); }
    std::string database() const { return file("runnerwatch.db"); }

    // Committed state. Empty while there is no database yet.
    std::vector<IncidentRow> incidents() const;
    std::optional<IncidentDetail> incident(const std::string& key) const;
    std::uint64_t lines_committed() const;
    std::vector<CoverageRow> gaps(const std::string& kind = "") const;  // of all kinds
    std::string dump() const;

    ReplayCluster& cluster() { return *cluster_; }
    WebhookReceiver& hook() { return *hook_; }
    FakeAlertmanager& alertmanager() { return *alertmanager_; }

    // Before the start: a folder with rules beside the built-in ones.
    void set_rules(const std::string& folder);

    void add_to_config(const std::string& yaml);
    void set_http(const std::string& yaml);  // instead of a free port on loopback

    // For daemons started from now on, beside that of the tests.
    void set_environment(const std::string& name, const std::string& value);

    // Starts the daemon on this world; ended by kill(), terminate() or the destructor.
    void start_daemon();
    void kill_daemon();      // SIGKILL
    int terminate_daemon();  // SIGTERM; returns the exit code
    int daemon_signal();     // waits until it dies by itself; returns the signal, 0 for an exit
    int daemon_pid() const { return daemon_; }
    std::string daemon_log() const;
    std::string api_port();  // of the daemon that runs; waits until it says so

    // Waits until `condition` holds; fails the test, with the daemon's log, after a minute.
    void until(const std::string& what, const std::function<bool()>& condition);

    // Waits until the daemon has written to its files so many times more, or until `done`.
    void until_written(std::size_t times, const std::function<bool()>& done);

private:
    void write_config(std::uint16_t api_port);

    std::filesystem::path folder_;
    FileChanges changes_;
    std::size_t writes_ = 0;  // to files of the folder, so far
    asio::io_context io_{1};
    Clock clock_;
    std::unique_ptr<ReplayCluster> cluster_;
    std::unique_ptr<ReplayServer> api_;
    std::unique_ptr<WebhookReceiver> hook_;
    std::unique_ptr<FakeAlertmanager> alertmanager_;
    asio::executor_work_guard<asio::io_context::executor_type> busy_{io_.get_executor()};
    std::thread thread_;
    std::vector<std::string> environment_;
    int daemon_ = 0;              // process id
    std::size_t log_begins_ = 0;  // of the daemon that runs now
};

}  // namespace runnerwatch
