#pragma once

#include "daemon/runtime/task_group.h"
#include "tests/daemon/recording_sink.h"
#include "tests/daemon/run_on_loop.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace runnerwatch {

// A source whose options have `on_trouble`, what it hands over, and the task that runs it.
template <class Source>
struct SourceRun {
    SourceRun(Loop loop, const Clock& clock, const std::string& name,
              std::optional<PositionRow> position, typename Source::Options options)
        : source(clock, place(name), std::move(position), noting_troubles(std::move(options))),
          tasks(loop, &fail_test) {
        tasks.spawn("source", source.run(sink));
    }
    asio::awaitable<void> lines(std::size_t count) {
        auto enough = [&] { return sink.lines.size() >= count; };
        co_await until(enough);
    }
    asio::awaitable<void> call(std::string name) {
        auto made = [&] { return sink.has(name); };
        co_await until(made);
    }
    asio::awaitable<void> troubled() {
        auto told = [&] { return !troubles.empty(); };
        co_await until(told);
    }
    asio::awaitable<void> stop() { return tasks.stop(); }

    std::vector<std::string> troubles;
    RecordingSink sink;
    Source source;
    TaskGroup tasks;

private:
    static Place place(const std::string& name) {
        Place result;
        result.workload = result.member = result.instance = name;
        return result;
    }
    typename Source::Options noting_troubles(typename Source::Options options) {
        options.on_trouble = [this](const std::string& what) { troubles.push_back(what); };
        return options;
    }
};

}  // namespace runnerwatch
