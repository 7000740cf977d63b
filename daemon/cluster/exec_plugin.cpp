#include "daemon/cluster/exec_plugin.h"

#include "daemon/runtime/child_process.h"
#include "parsers/visible_text.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <cerrno>
#include <system_error>

namespace runnerwatch {

namespace {

using namespace asio::experimental::awaitable_operators;

constexpr std::chrono::seconds time_max{60};
constexpr std::size_t output_max = 1024 * 1024, words_max = 64 * 1024;
constexpr std::size_t words_shown = 400;

std::vector<std::string> environment_for(const ExecPlugin& plugin, const ExecClusterInfo& cluster) {
    std::vector<std::string> variables;
    auto added = plugin.environment;
    added.emplace_back("KUBERNETES_EXEC_INFO", exec_info(plugin, cluster));
    for (const std::string& text : own_environment()) {
        const auto name = text.substr(0, text.find('='));
        bool replaced = false;
        for (const auto& [key, value] : added) replaced = replaced || key == name;
        if (!replaced) variables.push_back(text);
    }
    for (const auto& [key, value] : added) variables.push_back(key + "=" + value);
    return variables;
}

std::string shown(const std::string& words) { return shown_words(words, words_shown); }

std::string why_not_started(const ExecPlugin& plugin, int error) {
    if (error != ENOENT) return "it cannot be started: " + std::generic_category().message(error);
    return "there is no such program" +
           (plugin.install_hint.empty() ? std::string() : "; " + visible_text(plugin.install_hint));
}

}  // namespace

asio::awaitable<Result<ExecCredential, std::string>> run_exec_plugin(ExecPlugin plugin,
                                                                     ExecClusterInfo cluster) {
    const Loop loop = co_await asio::this_coro::executor;
    std::vector<std::string> command{plugin.command};
    command.insert(command.end(), plugin.arguments.begin(), plugin.arguments.end());
    const auto started =
        ChildProcess::start(loop, std::move(command), environment_for(plugin, cluster));
    if (!started) co_return failure(why_not_started(plugin, started.error()));
    ChildProcess& child = **started;

    std::string output, words;
    asio::steady_timer late(loop, time_max);
    auto both = co_await ((child.read_all(child.output, output, output_max) &&
                           child.read_all(child.words, words, words_max)) ||
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
