#include "daemon/api/shared_answers.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <utility>

namespace runnerwatch {

// Each part behind its length, so that none can pass for two others.
std::string key_of_question(const ServerRequest& request, const std::vector<std::string>& visible,
                            bool compressed) {
    std::string key = compressed ? "gzip" : "";
    const auto add = [&](const std::string& part) {
        key += ' ' + std::to_string(part.size()) + ' ' + part;
    };
    add(request.path);
    add(std::to_string(visible.size()));
    for (const auto& one : visible) add(one);
    for (const auto& [name, value] : request.query) {
        add(name);
        add(value);
    }
    return key;
}

struct SharedAnswers::Flight {
    explicit Flight(Loop loop) : ended(loop, asio::steady_timer::time_point::max()) {}

    std::atomic<bool> begun = false;
    std::optional<Answer> answer;
    std::exception_ptr failure;
    asio::steady_timer ended;  // never expires: cancelled when there is an answer
};

asio::awaitable<SharedAnswers::Answer> SharedAnswers::ask(std::string question, Ask ask) {
    const Loop loop = co_await asio::this_coro::executor;
    std::shared_ptr<Flight> flight = waiting_[question];
    if (!flight || flight->begun) {
        waiting_[question] = flight = std::make_shared<Flight>(loop);
        tasks_.spawn("answering", fly(std::move(question), flight, std::move(ask)));
    }
    while (!flight->answer && !flight->failure) {
        boost::system::error_code woken;
        auto token = asio::redirect_error(asio::use_awaitable, woken);
        co_await flight->ended.async_wait(token);
    }
    if (flight->failure) std::rethrow_exception(flight->failure);
    co_return *flight->answer;
}

asio::awaitable<void> SharedAnswers::fly(std::string question, std::shared_ptr<Flight> flight,
                                         Ask ask) {
    try {
        flight->answer = co_await ask(flight->begun);
    } catch (...) {
        flight->failure = std::current_exception();
    }
    if (const auto latest = waiting_.find(question);
        latest != waiting_.end() && latest->second == flight)
        waiting_.erase(latest);
    flight->ended.cancel();
}

}  // namespace runnerwatch
