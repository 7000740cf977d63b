#include "daemon/commands/run.h"

#include "daemon/app.h"
#include "daemon/cluster/api_client.h"
#include "daemon/commands/print_sources.h"
#include "daemon/rule_files.h"
#include "parsers/visible_text.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

extern char** environ;

namespace runnerwatch {

namespace {

using namespace asio::experimental::awaitable_operators;

constexpr std::chrono::seconds stop_max{20};

enum class Ended { stopped, reload, failed };

std::vector<std::pair<std::string, std::string>> environment() {
    std::vector<std::pair<std::string, std::string>> variables;
    for (char** at = environ; *at; ++at) {
        const std::string_view text = *at;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

// Without a configuration file: watch the cluster that is at hand, tell nobody.
Config default_config() {
    Config config;
    ClusterConfig cluster;
    if (const char* paths = std::getenv("KUBECONFIG"); paths && *paths) {
        cluster.kubeconfig = paths;
    } else if (std::getenv("KUBERNETES_SERVICE_HOST")) {
        cluster.name = "in-cluster";
    } else if (const char* home = std::getenv("HOME")) {
        cluster.kubeconfig = std::string(home) + "/.kube/config";
    }
    config.clusters.push_back(std::move(cluster));
    return config;
}

// A cluster that cannot be asked is no different from a mistake in the configuration; one that
// does not answer is waited for.
Result<Loaded, std::vector<std::string>> with_usable_clusters(
    Result<Loaded, std::vector<std::string>> loaded) {
    if (!loaded) return loaded;
    std::vector<std::string> errors;
    for (const auto& cluster : loaded->config.clusters) {
        const auto access = cluster_access(cluster.kubeconfig, cluster.context);
        if (access) continue;
        errors.push_back((cluster.name.empty() ? "" : "cluster " + cluster.name + ": ") +
                         access.error().what);
    }
    if (!errors.empty()) return failure(errors);
    return loaded;
}

void print(const std::vector<std::string>& lines) {
    for (const auto& line : lines) std::cerr << "runnerwatch: " << visible_text(line) << "\n";
}

// Of the configuration file; empty where there is none.
Result<std::string, std::string> config_text(const RunOptions& options) {
    if (options.config_file.empty()) return std::string();
    return read_file(options.config_file);
}

// One life of the daemon, from start to stop or reload.
class Life {
public:
    Life(asio::io_context& io, Loaded loaded, const RunOptions& options, const Clock& clock)
        : options_(options),
          signals_(io, SIGTERM, SIGINT, SIGHUP),
          deadline_(io),
          look_(io),
          app_(io, std::move(loaded.config), std::move(loaded.rules), clock, {}),
          text_(std::move(loaded.text)) {}

    asio::awaitable<void> live() {
        auto started = co_await app_.start();
        if (!started) {
            std::cerr << "runnerwatch: " << started.error() << "\n";
            ended = Ended::failed;
            co_await app_.stop();
            co_return;
        }
        for (;;) {
            const int signal = co_await next_signal();
            if (signal != SIGHUP) break;
            // Where only rules can have changed, nothing need stop.
            const auto text = config_text(options_);
            if (text && *text == text_) {
                co_await app_.reload_rules();
                continue;
            }
            auto again = with_usable_clusters(load_all(options_));
            if (again) {
                next = std::move(*again);
                ended = Ended::reload;
                break;
            }
            for (const auto& error : again.error()) spdlog::error("{}", visible_text(error));
            spdlog::error("reload refused: the configuration and rules of before stay in force");
        }
        spdlog::info(ended == Ended::reload ? "reloading" : "stopping");
        deadline_.expires_after(stop_max);
        deadline_.async_wait([](const boost::system::error_code& error) {
            if (error) return;
            spdlog::critical("not stopped after 20 s: leaving; what is unwritten is read again");
            std::_Exit(1);
        });
        signals_.async_wait([](const boost::system::error_code& error, int signal) {
            if (!error && signal != SIGHUP) std::_Exit(1);  // asked twice
        });
        co_await app_.stop();
        deadline_.cancel();
        signals_.cancel();
    }

    Ended ended = Ended::stopped;
    std::optional<Loaded> next;

private:
    // A configuration file that has changed is as good as a SIGHUP: a mounted ConfigMap sends none.
    asio::awaitable<int> next_signal() {
        if (seen_.empty()) seen_ = text_;
        for (;;) {
            look_.expires_after(App::rules_looked_at_every);
            auto first = co_await (signals_.async_wait(asio::use_awaitable) ||
                                   look_.async_wait(asio::use_awaitable));
            if (first.index() == 0) co_return std::get<0>(first);
            const auto text = config_text(options_);
            if (!text || *text == seen_) continue;
            seen_ = *text;
            co_return SIGHUP;
        }
    }

    const RunOptions& options_;
    asio::signal_set signals_;
    asio::steady_timer deadline_, look_;
    App app_;
    std::string text_;  // of the configuration in force
    std::string seen_;  // of the file when last looked at
};

// A shell allows 1024 descriptors, and listeners of the API alone may be more: as many as we may.
void allow_many_files() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

Result<Loaded, std::vector<std::string>> load_all(const RunOptions& options) {
    Loaded loaded;
    if (options.config_file.empty()) {
        loaded.config = default_config();
    } else {
        const auto text = config_text(options);
        if (!text) return failure(std::vector<std::string>{text.error()});
        auto config = parse_config(options.config_file, *text, environment());
        if (!config) {
            std::vector<std::string> errors;
            for (const auto& error : config.error()) errors.push_back(error.what);
            return failure(errors);
        }
        loaded.config = std::move(*config);
        loaded.text = *text;
    }
    if (!options.database.empty()) loaded.config.storage.database = options.database;
    auto rules = load_rule_set(loaded.config.rules);
    if (!rules) return failure(rules.error());
    loaded.rules = std::move(*rules);
    return loaded;
}

int run_daemon(const RunOptions& options) {
    auto log = spdlog::stderr_color_mt("runnerwatch");
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
    spdlog::set_default_logger(log);
    spdlog::set_level(spdlog::level::from_str(options.log_level));
    auto loaded = load_all(options);
    if (loaded && options.print_rbac) {
        std::cout << least_rbac(loaded->config);
        return 0;
    }
    if (loaded && options.print_sources) return print_sources(loaded->config, std::cout);
    loaded = with_usable_clusters(std::move(loaded));
    if (!loaded) {
        print(loaded.error());
        return 2;
    }
    if (options.config_file.empty())
        spdlog::info(
            "no configuration given: watching the cluster at hand and telling nobody; "
            "see config/runnerwatch.example.yaml");
    allow_many_files();
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is a full disk, not an end
    const Clock clock;
    for (std::optional<Loaded> next = std::move(*loaded); next;) {
        asio::io_context io(1);
        Life life(io, std::move(*next), options, clock);
        next.reset();
        std::exception_ptr failure;
        auto over = [&failure](std::exception_ptr reason) { failure = reason; };
        asio::co_spawn(io, life.live(), over);
        io.run();
        if (failure) std::rethrow_exception(failure);
        if (life.ended == Ended::failed) return 2;
        if (life.ended == Ended::reload) next = std::move(life.next);
    }
    spdlog::info("stopped");
    return 0;
}

int check_config(const RunOptions& options) {
    const auto loaded = load_all(options);
    if (!loaded) {
        print(loaded.error());
        return 2;
    }
    const Config& config = loaded->config;
    std::cout << "in order: " << config.clusters.size() << " clusters, " << config.files.size()
              << " files, " << config.journal.size() << " units of the journal, "
              << config.alerts.receivers.size() << " receivers, "
              << loaded->rules.matcher->pack().rules.size() << " rules\n";
    for (const auto& slow : loaded->rules.matcher->slow_patterns())
        std::cout << "slow rule (no literal to look for first): " << slow << "\n";
    return 0;
}

}  // namespace runnerwatch
