#include "daemon/cluster/exec_plugin.h"

#include "parsers/redaction.h"
#include "parsers/visible_text.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <system_error>

extern char** environ;

namespace runnerwatch {

namespace {

using namespace asio::experimental::awaitable_operators;
using asio::posix::stream_descriptor;

constexpr std::chrono::seconds time_max{60};
constexpr std::size_t output_max = 1024 * 1024, words_max = 64 * 1024;
constexpr std::size_t words_shown = 400;

struct Pipe {
    Pipe() {
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "a pipe for an exec plugin");
    }
    ~Pipe() {
        for (const int end : ends)
            if (end >= 0) ::close(end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int take(int which) { return std::exchange(ends[which], -1); }
    int ends[2] = {-1, -1};
};

// A child in a process group of its own, which does not outlive this object.
class Child {
public:
    Child(const Loop& loop, pid_t pid, Pipe& out, Pipe& err)
        : output(loop, out.take(0)),
          words(loop, err.take(0)),
          pid_(pid),
          ended_(loop, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    ~Child() {
        if (status_) return;
        kill_all();
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void kill_all() { ::kill(-pid_, SIGKILL); }

    asio::awaitable<int> end() {
        co_await ended_.async_wait(stream_descriptor::wait_read, asio::use_awaitable);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        status_ = status;
        co_return status;
    }

    stream_descriptor output, words;

private:
    pid_t pid_;
    stream_descriptor ended_;
    std::optional<int> status_;
};

std::vector<std::string> environment_for(const ExecPlugin& plugin, const ExecClusterInfo& cluster) {
    std::vector<std::string> variables;
    auto added = plugin.environment;
    added.emplace_back("KUBERNETES_EXEC_INFO", exec_info(plugin, cluster));
    for (char** at = environ; *at; ++at) {
        const std::string_view text = *at;
        const auto name = text.substr(0, text.find('='));
        bool replaced = false;
        for (const auto& [key, value] : added) replaced = replaced || key == name;
        if (!replaced) variables.emplace_back(text);
    }
    for (const auto& [key, value] : added) variables.push_back(key + "=" + value);
    return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// The child's pid, or an errno.
Result<pid_t, int> spawn(const ExecPlugin& plugin, const ExecClusterInfo& cluster, Pipe& out,
                         Pipe& err) {
    std::vector<std::string> words{plugin.command};
    words.insert(words.end(), plugin.arguments.begin(), plugin.arguments.end());
    std::vector<std::string> variables = environment_for(plugin, cluster);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out.ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err.ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, ignored;
    sigemptyset(&none);
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGPIPE);
    sigaddset(&ignored, SIGXFSZ);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, plugin.command.c_str(), &files, &attributes,
                                     pointers(words).data(), pointers(variables).data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return failure(error);
    return pid;
}

// Reads to the end; false: there is more than allowed, and the child was killed.
asio::awaitable<bool> drain(Child& child, stream_descriptor& from, std::string& text,
                            std::size_t most) {
    std::array<char, 4096> part;
    for (;;) {
        const auto [error, size] =
            co_await from.async_read_some(asio::buffer(part), asio::as_tuple(asio::use_awaitable));
        if (error) co_return true;
        if (text.size() + size > most) {
            child.kill_all();
            co_return false;
        }
        text.append(part.data(), size);
    }
}

std::string shown(const std::string& words) {
    std::string text = visible_text(redact(words));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (text.size() > words_shown) text = text.substr(0, words_shown) + "…";
    return text.empty() ? "" : ": " + text;
}

std::string why_not_started(const ExecPlugin& plugin, int error) {
    if (error != ENOENT) return "it cannot be started: " + std::generic_category().message(error);
    return "there is no such program" +
           (plugin.install_hint.empty() ? std::string() : "; " + visible_text(plugin.install_hint));
}

std::string how_ended(int status) {
    if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
    return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

asio::awaitable<Result<ExecCredential, std::string>> run_exec_plugin(ExecPlugin plugin,
                                                                     ExecClusterInfo cluster) {
    const Loop loop = co_await asio::this_coro::executor;
    Pipe out, err;
    const auto pid = spawn(plugin, cluster, out, err);
    if (!pid) co_return failure(why_not_started(plugin, pid.error()));
    Child child(loop, *pid, out, err);
    for (Pipe* pipe : {&out, &err}) ::close(pipe->take(1));

    std::string output, words;
    asio::steady_timer late(loop, time_max);
    auto both = co_await ((drain(child, child.output, output, output_max) &&
                           drain(child, child.words, words, words_max)) ||
                          late.async_wait(asio::use_awaitable));
    if (both.index() == 1)
        co_return failure("it did not end within 60 s; it was killed" + shown(words));
    const auto [whole, told] = std::get<0>(both);
    if (!whole || !told)
        co_return failure(std::string(whole ? "it wrote more than 64 KiB to standard error"
                                            : "it printed more than 1 MiB") +
                          "; it was killed");
    auto ended = co_await (child.end() || late.async_wait(asio::use_awaitable));
    if (ended.index() == 1)
        co_return failure("it did not end within 60 s; it was killed" + shown(words));
    if (const int status = std::get<0>(ended); status != 0)
        co_return failure(how_ended(status) + shown(words));
    co_return parse_exec_credential(output, plugin.api_version);
}

}  // namespace runnerwatch
