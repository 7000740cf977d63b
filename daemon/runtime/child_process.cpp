#include "daemon/runtime/child_process.h"

#include "parsers/redaction.h"
#include "parsers/visible_text.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <system_error>
#include <utility>

extern char** environ;

namespace runnerwatch {

namespace {

using asio::posix::stream_descriptor;

struct Pipe {
    Pipe() {
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "a pipe for a program");
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

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

}  // namespace

ChildProcess::ChildProcess(const Loop& loop, pid_t pid, int output_end, int words_end)
    : output(loop, output_end),
      words(loop, words_end),
      pid_(pid),
      ended_(loop, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

ChildProcess::~ChildProcess() {
    if (status_) return;
    kill();
    ::waitpid(pid_, nullptr, 0);
}

Result<std::unique_ptr<ChildProcess>, int> ChildProcess::start(
    const Loop& loop, std::vector<std::string> words, std::vector<std::string> environment) {
    Pipe out, err;
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
    const int error = ::posix_spawnp(&pid, words.front().c_str(), &files, &attributes,
                                     pointers(words).data(), pointers(environment).data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return failure(error);
    return std::unique_ptr<ChildProcess>(new ChildProcess(loop, pid, out.take(0), err.take(0)));
}

void ChildProcess::kill() { ::kill(-pid_, SIGKILL); }

asio::awaitable<int> ChildProcess::end() {
    co_await ended_.async_wait(stream_descriptor::wait_read, asio::use_awaitable);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    status_ = status;
    co_return status;
}

asio::awaitable<bool> ChildProcess::read_all(stream_descriptor& from, std::string& text,
                                             std::size_t most) {
    std::array<char, 4096> part;
    for (;;) {
        const auto [error, size] =
            co_await from.async_read_some(asio::buffer(part), asio::as_tuple(asio::use_awaitable));
        if (error) co_return true;
        if (text.size() + size > most) {
            kill();
            co_return false;
        }
        text.append(part.data(), size);
    }
}

std::string shown_words(const std::string& words, std::size_t most) {
    std::string text = visible_text(redact(words));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text.empty() ? "" : ": " + shortened(text, most);
}

std::string how_ended(int status) {
    if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
    return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

std::vector<std::string> own_environment() {
    std::vector<std::string> variables;
    for (char** at = environ; *at; ++at) variables.emplace_back(*at);
    return variables;
}

}  // namespace runnerwatch
