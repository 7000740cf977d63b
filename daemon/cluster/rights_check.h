#pragma once

#include "daemon/cluster/api_client.h"
#include "daemon/runtime/clock.h"

#include <functional>
#include <string>

namespace runnerwatch {

// Asks from time to time, for a pod that there is none of, whether pods and their logs may be got
// in a namespace (empty: in any): a right that is missing is told once, not when it is needed and
// not once per container. Listing and watching tell by themselves (PodWatch).
//
// Confined to the loop; `api` and `clock` outlive it.
class RightsCheck {
public:
    // `on_trouble`: once per change; empty: nothing is missing any more.
    RightsCheck(ApiClient& api, const Clock& clock, std::string space,
                std::function<void(const std::string&)> on_trouble);

    asio::awaitable<void> run();

private:
    asio::awaitable<std::string> missing(std::string subresource);

    ApiClient& api_;
    const Clock& clock_;
    const std::string space_;
    std::function<void(const std::string&)> on_trouble_;
    std::string trouble_;
};

}  // namespace runnerwatch
