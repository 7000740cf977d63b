#pragma once

#include "daemon/runtime/loop.h"
#include "parsers/result.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// A program that runs beside us, in a process group of its own, which does not outlive this
// object. Its standard input is empty; its standard output and error are read here.
//
// Confined to the loop. It gets default signals and inherits no descriptor.
class ChildProcess {
public:
    // Looks for words[0] in PATH. `environment`: NAME=VALUE. The error is an errno.
    static Result<std::unique_ptr<ChildProcess>, int> start(const Loop& loop,
                                                            std::vector<std::string> words,
                                                            std::vector<std::string> environment);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    // Ends the whole group.
    void kill();

    // Waits for its end; the status is that of waitpid.
    asio::awaitable<int> end();

    // Reads to the end of `from`. False: there is more than `most`, and the group was killed.
    asio::awaitable<bool> read_all(asio::posix::stream_descriptor& from, std::string& text,
                                   std::size_t most);

    asio::posix::stream_descriptor output, words;  // standard output and error

private:
    ChildProcess(const Loop& loop, pid_t pid, int output_end, int words_end);

    pid_t pid_;
    asio::posix::stream_descriptor ended_;
    std::optional<int> status_;
};

// What a program said, ready to stand behind our own words: ": " and at most `most` bytes of it,
// without secrets; or nothing.
std::string shown_words(const std::string& words, std::size_t most);

// "it ended with exit code 2", from a status of waitpid.
std::string how_ended(int status);

// Our own environment.
std::vector<std::string> own_environment();

}  // namespace runnerwatch
