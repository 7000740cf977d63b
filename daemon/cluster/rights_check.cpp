#include "daemon/cluster/rights_check.h"

#include <utility>

namespace runnerwatch {

namespace {

constexpr std::chrono::minutes again{5};
constexpr std::chrono::seconds again_in_trouble{30};
constexpr auto no_such_pod = "runnerwatch-asks-for-its-rights";

}  // namespace

RightsCheck::RightsCheck(ApiClient& api, const Clock& clock, std::string space,
                         std::function<void(const std::string&)> on_trouble)
    : api_(api), clock_(clock), space_(std::move(space)), on_trouble_(std::move(on_trouble)) {}

asio::awaitable<void> RightsCheck::run() {
    for (;;) {
        const std::string pods = co_await missing("");
        const std::string logs = co_await missing("/log");
        const std::string both = pods + (pods.empty() || logs.empty() ? "" : "; and ") + logs;
        if (both != trouble_) {
            trouble_ = both;
            on_trouble_(both);
        }
        co_await clock_.sleep(both.empty() ? Duration(again) : Duration(again_in_trouble));
    }
}

asio::awaitable<std::string> RightsCheck::missing(std::string subresource) {
    const std::string space = space_.empty() ? "default" : space_;
    auto answer =
        co_await api_.get("/api/v1/namespaces/" + space + "/pods/" + no_such_pod + subresource);
    co_return answer || answer.error().code != 403 ? std::string() : answer.error().what;
}

}  // namespace runnerwatch
