#pragma once

#include "daemon/believed_time.h"
#include "daemon/metrics.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/loop.h"
#include "daemon/runtime/store_thread.h"
#include "storage/store.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace runnerwatch {

// Lets the database forget what `storage.retention` and `storage.size_max` say, a slice at a time
// between commits. Confined to the loop; the store lives on its thread.
class RetentionLoop {
public:
    static constexpr std::chrono::minutes first_after{1}, every{10};  // our clock
    static constexpr std::chrono::milliseconds slice{25}, pause{50};  // real time

    struct Limits {
        Duration age_max;
        std::uint64_t bytes_max;  // 0: none
    };
    // What people are to know: what was removed, what hinders it.
    using Report = std::function<void(const std::string& words)>;

    RetentionLoop(Loop loop, StoreThread& thread, Store& store, const Clock& clock,
                  Metrics& metrics, Limits limits, std::optional<Timestamp> last_alive,
                  Report report);

    asio::awaitable<void> run();

    // All that may be forgotten now; run() does it every so often.
    asio::awaitable<void> round();

    // Why the database is larger than it may be; empty: it is not.
    const std::string& trouble() const { return trouble_; }

private:
    void count(const Forgotten& removed);
    void tell(const Forgotten& round, bool doubts);

    StoreThread& thread_;
    Store& store_;
    const Clock& clock_;
    Metrics& metrics_;
    const Limits limits_;
    const Report report_;
    BelievedTime time_;
    const std::chrono::steady_clock::time_point started_;
    asio::steady_timer pause_;
    bool doubted_ = false;
    std::string trouble_, failure_;
};

// "retention removed 3 incidents that ended more than 180 days ago, …"; empty where nothing was.
std::string forgotten_words(const Forgotten& forgotten, Duration age_max);

}  // namespace runnerwatch
