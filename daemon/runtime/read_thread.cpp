#include "daemon/runtime/read_thread.h"

#include <string>

namespace runnerwatch {
namespace {

const char* advice =
    "Ask for less: name a rule, a namespace or a shorter time, or fewer incidents at once; or ask "
    "the database file itself, which takes the time it needs (`runnerwatch … --database FILE`, "
    "also beside a running daemon).";

}  // namespace

asio::awaitable<Result<std::monostate, StoreError>> ReadThread::open(std::filesystem::path file) {
    auto job = [file = std::move(file)] { return Reader::open(file); };
    auto reader = co_await thread_.run(std::move(job));
    if (!reader) co_return failure(reader.error());
    reader_ = std::move(*reader);
    co_return std::monostate{};
}

asio::awaitable<void> ReadThread::close() {
    auto job = [this] {
        reader_.reset();
        return true;
    };
    co_await thread_.run(std::move(job));
}

StoreError ReadThread::too_long() const {
    return {StoreError::Kind::too_long, "reading the database was given up after " +
                                            std::to_string(patience_.count() / 1000) +
                                            " s, so that others get their answers. " + advice};
}

StoreError ReadThread::too_many() {
    return {StoreError::Kind::too_long,
            "there was no room to ask the database: " + std::to_string(waiting_max) +
                " questions wait already. Ask again in a moment."};
}

}  // namespace runnerwatch
