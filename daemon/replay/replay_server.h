#pragma once

#include "daemon/net/http_server.h"
#include "daemon/replay/replay_cluster.h"
#include "parsers/result.h"

#include <cstdint>
#include <string>

namespace runnerwatch {

// A Kubernetes API that shows a ReplayCluster: list, get and watch pods, read and follow their
// logs. For the demonstration and for tests; over HTTP without TLS, and it checks no credentials.
//
// Confined to the loop. Await stop() before destruction.
class ReplayServer {
public:
    ReplayServer(Loop loop, ReplayCluster& cluster);

    Result<std::uint16_t, std::string> listen(const std::string& address) {
        return server_.listen(address);
    }
    asio::awaitable<void> stop() { return server_.stop(); }

private:
    asio::awaitable<void> answer(ServerRequest request, Responder& responder);

    ReplayCluster& cluster_;
    HttpServer server_;
};

// A kubeconfig, context "replay", for a server on this host.
std::string kubeconfig_for(std::uint16_t port);

}  // namespace runnerwatch
