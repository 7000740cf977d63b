#pragma once

#include "daemon/net/http_server.h"
#include "daemon/replay/replay_cluster.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace runnerwatch {

// The objects of the Kubernetes API as kube-apiserver 1.36 writes them (tests/recordings).

nlohmann::ordered_json pod_object(const ReplayPod& pod);
std::string watch_line(std::string_view type, const ReplayPod& pod);
std::string bookmark_line(std::uint64_t version, bool initial_events_end);
std::string expired_line(std::uint64_t asked, std::uint64_t current);

// A refusal: a Status as body. `kind` and `name` become its details unless empty.
ServerReply status_reply(int code, const std::string& reason, const std::string& message,
                         const std::string& kind = {}, const std::string& name = {});
ServerReply invalid_log_option(const std::string& pod, const std::string& field,
                               const std::string& reason, const std::string& message);

}  // namespace runnerwatch
