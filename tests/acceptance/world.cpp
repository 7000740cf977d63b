#include "tests/acceptance/world.h"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

extern char** environ;

namespace runnerwatch {

namespace {

constexpr const char* container = "gitlab-runner";
constexpr std::chrono::minutes patience{1};

std::filesystem::path new_folder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "runnerwatch-acceptance-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no folder: " + name);
    return name;
}

}  // namespace

World::World() : folder_(new_folder()), changes_(folder_) {
    const Loop loop = io_.get_executor();
    cluster_ = std::make_unique<ReplayCluster>(loop, clock_);
    api_ = std::make_unique<ReplayServer>(loop, *cluster_);
    hook_ = std::make_unique<WebhookReceiver>(loop);
    alertmanager_ = std::make_unique<FakeAlertmanager>(loop, clock_);
    const auto port = api_->listen("127.0.0.1:0");
    if (!port) throw std::runtime_error(port.error());
    write_config(*port);
    thread_ = std::thread([this] { io_.run(); });
}

World::~World() {
    if (daemon_ > 0) kill_daemon();
    auto stop = [this]() -> asio::awaitable<void> {
        co_await api_->stop();
        co_await hook_->stop();
        co_await alertmanager_->stop();
    };
    asio::co_spawn(io_, stop, asio::use_future).get();
    busy_.reset();
    thread_.join();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void World::write_config(std::uint16_t api_port) {
    std::ofstream(file("kubeconfig")) << kubeconfig_for(api_port);
    std::ofstream(file("config.yaml"))
        << "clusters: [{name: test, kubeconfig: " << file("kubeconfig")
        << ", namespaces: [gitlab-runner]}]\n"
        << "history: 48h\n"
        << "storage: {database: " << database() << "}\n"
        << "http: {listen: '127.0.0.1:0'}\nprobe_listen: '127.0.0.1:0'\n"
        << "alerts:\n  receivers:\n"
        << "    - {name: hook, webhook: {url: '" << hook_->url() << "'}}\n"
        << "    - {name: am, alertmanager: {urls: ['" << alertmanager_->url() << "']}}\n"
        << "  route: {receiver: hook, group_wait: 200ms, group_interval: 500ms,"
        << " routes: [{receiver: am, continue: true}, {receiver: hook}]}\n";
}

void World::set_rules(const std::string& folder) { add_to_config("rules: ['" + folder + "']\n"); }

void World::set_http(const std::string& yaml) {
    std::ifstream file_before(file("config.yaml"));
    std::ostringstream text;
    text << file_before.rdbuf();
    std::string config = text.str();
    const std::size_t at = config.find("http: ");
    config.replace(at, config.find('\n', at) - at, "http: " + yaml);
    std::ofstream(file("config.yaml")) << config;
}

void World::add_to_config(const std::string& yaml) {
    std::ofstream(file("config.yaml"), std::ios::app) << yaml;
}

std::string World::add_pod(const std::string& deployment, const std::string& suffix) {
    return on_loop([&] {
        ReplayPod pod;
        pod.namespace_ = "gitlab-runner";
        pod.replica_set = deployment + "-5d8f7c9b6d";
        pod.name = pod.replica_set + "-" + suffix;
        pod.uid = "uid-" + pod.name;
        pod.labels = {{"app", deployment}, {"pod-template-hash", "5d8f7c9b6d"}};
        pod.created_at = Timestamp(std::chrono::hours(24 * 20'000));
        ReplayContainer runner;
        runner.name = container;
        runner.image = "gitlab/gitlab-runner:v19.4.0";
        pod.containers.push_back(std::move(runner));
        return cluster_->add_pod(std::move(pod));
    });
}

void World::append(const std::string& pod, Timestamp at, const std::string& line) {
    on_loop([&] { cluster_->append(pod, container, at, line); });
}

std::vector<IncidentRow> World::incidents() const {
    auto reader = Reader::open(database());
    if (!reader) return {};
    IncidentFilter filter;
    filter.limit = 10'000;
    auto rows = (*reader)->incidents(filter);
    return rows ? std::move(*rows) : std::vector<IncidentRow>{};
}

std::optional<IncidentDetail> World::incident(const std::string& key) const {
    auto reader = Reader::open(database());
    if (!reader) return std::nullopt;
    auto detail = (*reader)->incident(key);
    return detail ? std::move(*detail) : std::nullopt;
}

std::uint64_t World::lines_committed() const {
    auto reader = Reader::open(database());
    if (!reader) return 0;
    auto rows = (*reader)->positions();
    std::uint64_t lines = 0;
    if (rows)
        for (const auto& row : *rows) lines += row.lines;
    return lines;
}

std::vector<CoverageRow> World::gaps(const std::string& kind) const {
    auto reader = Reader::open(database());
    if (!reader) return {};
    auto rows = (*reader)->coverage();
    if (!rows) return {};
    std::erase_if(*rows, [&](const CoverageRow& row) {
        return kind.empty() ? row.kind == "read" : row.kind != kind;
    });
    return std::move(*rows);
}

std::string World::dump() const {
    auto reader = Reader::open(database());
    if (!reader) return "";
    auto text = (*reader)->canonical_dump();
    return text ? *text : text.error().what;
}

void World::set_environment(const std::string& name, const std::string& value) {
    environment_.push_back(name + "=" + value);
}

void World::start_daemon() {
    const std::string config = file("config.yaml"), log = file("daemon.log");
    log_begins_ = daemon_log().size();
    std::vector<std::string> words{RUNNERWATCH_BINARY, "run", "--config", config};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::vector<char*> environment;  // of two values of a name the first counts
    for (auto& variable : environment_) environment.push_back(variable.data());
    for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int error = posix_spawn(&daemon_, RUNNERWATCH_BINARY, &actions, nullptr, arguments.data(),
                                  environment.data());
    posix_spawn_file_actions_destroy(&actions);
    ASSERT_EQ(error, 0);
}

void World::kill_daemon() {
    ::kill(daemon_, SIGKILL);
    int status = 0;
    ::waitpid(std::exchange(daemon_, 0), &status, 0);
    // A daemon that ended by itself would make every test of a kill pass for the wrong reason.
    EXPECT_TRUE(WIFSIGNALED(status)) << daemon_log();
}

int World::daemon_signal() {
    int status = 0;
    until("the daemon is dead", [&] { return ::waitpid(daemon_, &status, WNOHANG) == daemon_; });
    daemon_ = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int World::terminate_daemon() {
    // Before it listens to signals, SIGTERM would end it as it ends any program.
    until("the daemon is up",
          [this] { return daemon_log().find("API on", log_begins_) != std::string::npos; });
    ::kill(daemon_, SIGTERM);
    int status = 0;
    ::waitpid(std::exchange(daemon_, 0), &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << daemon_log();
    return WEXITSTATUS(status);
}

std::string World::daemon_log() const {
    std::ifstream log(file("daemon.log"));
    std::ostringstream text;
    text << log.rdbuf();
    return text.str();
}

std::string World::api_port() {
    std::string port;
    until("the API is there", [&] {
        const std::string log = daemon_log();
        const std::size_t said = log.find("API on", log_begins_);
        if (said == std::string::npos) return false;
        const std::size_t at = log.find("(port ", said);
        const std::size_t end = log.find(')', at);
        if (at == std::string::npos || end == std::string::npos) return false;
        port = log.substr(at + 6, end - at - 6);
        return true;
    });
    return port;
}

void World::until_written(std::size_t times, const std::function<bool()>& done) {
    const std::size_t enough = writes_ + times;
    until("the daemon has written", [&] {
        writes_ += changes_.wait(std::chrono::milliseconds(0));
        return writes_ >= enough || done();
    });
}

void World::until(const std::string& what, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            ADD_FAILURE() << "waited in vain until " << what << "\n"
                          << daemon_log().substr(log_begins_);
            throw std::runtime_error("waited in vain until " + what);
        }
        // What a fake received may not be in a file yet, so the wait for the next write ends.
        writes_ += changes_.wait(std::chrono::milliseconds(100));
    }
}

}  // namespace runnerwatch
