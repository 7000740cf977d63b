#pragma once

#include "daemon/net/http_server.h"
#include "daemon/runtime/clock.h"
#include "parsers/timestamp.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace runnerwatch {

struct FakeAlert {
    std::map<std::string, std::string> annotations;
    Timestamp starts_at{}, ends_at{};
    std::string generator_url;
    int posts = 0;  // how often it was sent
};

// An Alertmanager that checks and keeps alerts as the real one does (api/v2/api.go, v0.34), and
// tells nobody of them. Listens on a free port of this host. Confined to the loop; await stop()
// before destruction.
class FakeAlertmanager {
public:
    using Labels = std::map<std::string, std::string>;

    FakeAlertmanager(Loop loop, const Clock& clock);

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    // All that were ever sent, by what makes their identity.
    const std::map<Labels, FakeAlert>& alerts() const { return alerts_; }
    bool firing(const Labels& labels) const;

    // The next POSTs are refused without being looked at.
    void fail_next(int status, int times = 1);

    asio::awaitable<void> stop() { return server_.stop(); }

private:
    asio::awaitable<void> answer(ServerRequest request, Responder& responder);
    ServerReply take(const ServerRequest& request);
    ServerReply show() const;
    // What is wrong with it; empty when it was kept.
    std::string keep(const nlohmann::json& posted, Timestamp now);

    const Clock& clock_;
    std::map<Labels, FakeAlert> alerts_;
    int failing_status_ = 0;
    int failing_times_ = 0;
    HttpServer server_;
    std::uint16_t port_ = 0;
};

}  // namespace runnerwatch
