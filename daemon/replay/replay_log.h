#pragma once

#include "daemon/net/http_server.h"
#include "daemon/replay/replay_cluster.h"

#include <string>

namespace runnerwatch {

// Answers GET …/pods/NAME/log as kube-apiserver and the kubelet behind it do.
asio::awaitable<void> serve_log(ReplayCluster& cluster, std::string namespace_, std::string name,
                                ServerRequest request, Responder& responder);

}  // namespace runnerwatch
