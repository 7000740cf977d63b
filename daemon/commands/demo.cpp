#include "daemon/commands/demo.h"

#include "daemon/app.h"
#include "daemon/commands/demo_narrator.h"
#include "daemon/commands/demo_recordings.h"
#include "daemon/replay/replay_cluster.h"
#include "daemon/replay/replay_server.h"
#include "daemon/rule_files.h"

#include <spdlog/spdlog.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace runnerwatch {

namespace {

constexpr const char* runner_namespace = "gitlab-runner";
constexpr const char* container = "gitlab-runner";

// A folder of our own for the database and the kubeconfig, gone at the end.
class Scratch {
public:
    Scratch() {
        std::string name =
            (std::filesystem::temp_directory_path() / "runnerwatch-demo-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder: " + name);
        path_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

class Demo {
public:
    Demo(asio::io_context& io, const DemoOptions& options, RuleSet rules)
        : io_(io),
          options_(options),
          rules_(std::move(rules)),
          clock_(options.rate),
          narrator_(clock_, ::isatty(STDOUT_FILENO) == 1 && !std::getenv("NO_COLOR")),
          cluster_(io.get_executor(), clock_),
          replay_(io.get_executor(), cluster_),
          hook_(io.get_executor(),
                [this](ServerRequest request, Responder& responder) {
                    return receive(std::move(request), responder);
                }),
          signals_(io, SIGTERM, SIGINT),
          tasks_(io.get_executor(), [this](const std::string&, std::exception_ptr failure) {
              failure_ = failure;
              signals_.cancel();
          }) {}

    asio::awaitable<void> run();
    int exit_code() const { return exit_code_; }

private:
    Config config(std::uint16_t api_port, std::uint16_t hook_port);
    asio::awaitable<void> receive(ServerRequest request, Responder& responder);
    asio::awaitable<void> story();
    std::string add_pod(const std::string& replica_set, const std::string& suffix);
    asio::awaitable<void> play(std::string pod, std::string_view recording, std::string_view until);

    asio::io_context& io_;
    DemoOptions options_;
    RuleSet rules_;
    Clock clock_;
    Scratch scratch_;
    DemoNarrator narrator_;
    ReplayCluster cluster_;
    ReplayServer replay_;
    HttpServer hook_;
    std::unique_ptr<App> app_;
    asio::signal_set signals_;
    int exit_code_ = 0;
    std::exception_ptr failure_;
    TaskGroup tasks_;
};

Config Demo::config(std::uint16_t api_port, std::uint16_t hook_port) {
    const std::string kubeconfig = scratch_.file("kubeconfig");
    std::ofstream(kubeconfig) << kubeconfig_for(api_port);
    Config config;
    config.clusters.push_back({"demo", kubeconfig, "", {runner_namespace}, ""});
    config.storage.database = scratch_.file("runnerwatch.db");
    config.http.listen = "127.0.0.1:0";
    config.probe_listen = "127.0.0.1:0";
    ReceiverConfig receiver;
    receiver.name = "on-call";
    receiver.webhook =
        WebhookConfig{"http://127.0.0.1:" + std::to_string(hook_port) + "/hook", "", ""};
    config.alerts.receivers.push_back(receiver);
    config.alerts.route = default_route("on-call");
    return config;
}

// The receiver's side of the alert: what a chat or pager would get.
asio::awaitable<void> Demo::receive(ServerRequest request, Responder& responder) {
    const auto body = nlohmann::json::parse(request.body, nullptr, false);
    if (!body.is_discarded()) narrator_.received(body, request.headers["webhook-id"]);
    ServerReply reply;
    reply.status = 204;
    co_await responder.send(std::move(reply));
}

std::string Demo::add_pod(const std::string& replica_set, const std::string& suffix) {
    ReplayPod pod;
    pod.namespace_ = runner_namespace;
    pod.replica_set = "gitlab-runner-" + replica_set;
    pod.name = pod.replica_set + "-" + suffix;
    pod.labels = {{"app", "gitlab-runner"}, {"pod-template-hash", replica_set}};
    ReplayContainer runner;
    runner.name = container;
    runner.image = "gitlab/gitlab-runner:v19.4.0";
    runner.args = {"run", "--config=/etc/gitlab-runner/config.toml"};
    pod.containers.push_back(std::move(runner));
    return cluster_.add_pod(std::move(pod));
}

// Prints a recording as the runner did: everything at once at the start, a poll every 3 s, the
// first job after 8 s.
asio::awaitable<void> Demo::play(std::string pod, std::string_view recording,
                                 std::string_view until) {
    while (!recording.empty()) {
        const std::size_t end = std::min(recording.find('\n'), recording.size());
        const std::string_view line = recording.substr(0, end);
        recording.remove_prefix(std::min(end + 1, recording.size()));
        if (!until.empty() && line.find(until) != std::string_view::npos) co_return;
        if (line.find("Checking for jobs... forbidden") != std::string_view::npos)
            co_await clock_.sleep(std::chrono::seconds(3));
        if (line.find("Checking for jobs... received") != std::string_view::npos)
            co_await clock_.sleep(std::chrono::seconds(8));
        if (line.find("Job succeeded") != std::string_view::npos)
            co_await clock_.sleep(std::chrono::seconds(3));
        cluster_.append(pod, container, clock_.now(), std::string(line));
    }
}

asio::awaitable<void> Demo::story() {
    co_await clock_.sleep(std::chrono::seconds(3));
    narrator_.say("cluster",
                  "Deployment/gitlab-runner starts with two replicas: glpat- token in "
                  "config.toml, which is mounted read-only; no request_concurrency");
    const std::string a = add_pod("5d8f7c9b6d", "4xk2p"), b = add_pod("5d8f7c9b6d", "q9wzt");
    tasks_.spawn("a", play(a, demo_recordings::wrong_token, ""));
    co_await clock_.sleep(std::chrono::seconds(2));
    co_await play(b, demo_recordings::wrong_token, "");
    co_await clock_.sleep(std::chrono::seconds(75));

    narrator_.say("cluster",
                  "somebody applies the fix (glrt- token, config.toml copied to a "
                  "writable emptyDir, request_concurrency = 3): a rollout begins");
    const std::string c = add_pod("7b64cf5c88", "m2v8d");
    co_await play(c, demo_recordings::fixed, "Checking for jobs... received");
    cluster_.delete_pod(a);
    co_await clock_.sleep(std::chrono::seconds(5));
    const std::string d = add_pod("7b64cf5c88", "zt5hn");
    tasks_.spawn("d", play(d, demo_recordings::fixed, ""));
    co_await clock_.sleep(std::chrono::seconds(2));
    cluster_.delete_pod(b);
    narrator_.say("cluster",
                  "the rollout is complete: both old pods are gone; the first new one "
                  "is idle and says nothing, the second gets a job");
    for (int i = 0; i < 300; ++i) {
        const bool over = narrator_.resolved("job-request-forbidden") &&
                          narrator_.resolved("system-id-not-saved") &&
                          narrator_.resolved("long-polling");
        if (over) break;
        co_await clock_.sleep(std::chrono::seconds(1));
    }
    co_await clock_.sleep(std::chrono::minutes(5) + std::chrono::seconds(30));
    const std::string base = "http://127.0.0.1:" + std::to_string(app_->http_port());
    narrator_.say("end", "That is all. The daemon goes on serving until ctrl-C. Look at it:");
    std::cout << "    curl -s " << base << "/api/v1/incidents\n"
              << "    curl -s " << base << "/api/v1/incidents/1\n"
              << "    curl -s http://127.0.0.1:" << app_->probe_port() << "/metrics\n"
              << std::flush;
    if (options_.once) signals_.cancel();
}

asio::awaitable<void> Demo::run() {
    const auto api_port = replay_.listen("127.0.0.1:0");
    const auto hook_port = hook_.listen("127.0.0.1:0");
    if (!api_port || !hook_port) {
        std::cerr << "runnerwatch: " << (api_port ? hook_port.error() : api_port.error()) << "\n";
        exit_code_ = 2;
        co_return;
    }
    App::Watchers watchers;
    watchers.on_incident = [this](const IncidentRow& row) { narrator_.incident(row); };
    app_ = std::make_unique<App>(io_, config(*api_port, *hook_port), std::move(rules_), clock_,
                                 watchers);
    std::cout << "runnerwatch demo: an API server on 127.0.0.1:" << *api_port
              << " plays recordings of a real GitLab Runner 19.4.0 in\nnamespace gitlab-runner; "
                 "the daemon watches it as it would watch a cluster. Time runs "
              << options_.rate << " times faster.\n\n";
    narrator_.begin();
    auto started = co_await app_->start();
    if (started) {
        tasks_.spawn("story", story());
        co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    } else {
        std::cerr << "runnerwatch: " << started.error() << "\n";
        exit_code_ = 2;
    }
    co_await tasks_.stop();
    co_await app_->stop();
    co_await replay_.stop();
    co_await hook_.stop();
    if (failure_) std::rethrow_exception(failure_);
}

}  // namespace

int run_demo(const DemoOptions& options) {
    spdlog::set_level(spdlog::level::err);
    auto rules = load_rule_set({});
    if (!rules) {
        for (const auto& error : rules.error()) std::cerr << "runnerwatch: " << error << "\n";
        return 2;
    }
    asio::io_context io(1);
    Demo demo(io, options, std::move(*rules));
    std::exception_ptr failure;
    auto over = [&failure](std::exception_ptr reason) { failure = reason; };
    asio::co_spawn(io, demo.run(), over);
    io.run();
    if (failure) std::rethrow_exception(failure);
    return demo.exit_code();
}

}  // namespace runnerwatch
