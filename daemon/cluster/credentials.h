#pragma once

#include "daemon/runtime/clock.h"
#include "parsers/kubeconfig.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace runnerwatch {

// What requests to one cluster are authenticated with, kept fresh: token and certificate files are
// read again every 60 s and after a refusal, exec plugins run when what they printed expires and
// after a refusal, one at a time and, where they fail, at most every 10 s.
//
// Confined to the loop. `access` outlives it. Time is the real one: certificates know no other.
class Credentials {
public:
    // Each empty where there is none. Never print them.
    struct Current {
        std::string token, certificate, key;  // PEM
        std::uint64_t generation = 0;         // another number: something has changed
    };

    Credentials(Loop loop, const ClusterAccess& access);

    // Waits only where a plugin has to be run. The error is four-part.
    asio::awaitable<Result<const Current*, std::string>> get();

    // After a 401 for what `generation` was: whether there is something newer to try.
    asio::awaitable<bool> renew(std::uint64_t generation);

private:
    void read_files();
    bool expired() const;
    asio::awaitable<void> run_plugin(std::uint64_t generation);
    void take(const Result<ExecCredential, std::string>& printed);

    Loop loop_;
    const ClusterAccess& access_;
    const Clock clock_;
    Current current_;
    std::chrono::steady_clock::time_point read_at_{}, failed_at_{};
    std::optional<Timestamp> expires_;
    std::string trouble_;                          // why the plugin gave nothing
    std::shared_ptr<asio::steady_timer> running_;  // of a plugin that runs; cancelled at its end
};

}  // namespace runnerwatch
