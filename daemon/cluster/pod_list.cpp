#include "daemon/cluster/pod_list.h"

namespace runnerwatch {

namespace {

constexpr std::size_t page_pods = 100;  // up to 40 KB each, parsed on the loop
constexpr std::size_t pods_max = 100'000;

ApiError unusable(std::string what) {
    ApiError error;
    error.code = 200;
    error.what = std::move(what);
    return error;
}

}  // namespace

std::string escaped_for_query(std::string_view text) {
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (plain.find(c) != plain.npos) {
            result += c;
        } else {
            result += '%';
            result += digits[byte >> 4];
            result += digits[byte & 15];
        }
    }
    return result;
}

std::string PodQuery::path(const std::string& query) const {
    std::string path = space.empty() ? "/api/v1/pods" : "/api/v1/namespaces/" + space + "/pods";
    path += "?" + query;
    if (!selector.empty()) path += "&labelSelector=" + escaped_for_query(selector);
    if (!field_selector.empty()) path += "&fieldSelector=" + escaped_for_query(field_selector);
    return path;
}

asio::awaitable<Result<ListedPods, ApiError>> list_pods(ApiClient& api, PodQuery query) {
    ListedPods listed;
    std::string next;
    do {
        std::string page_query = "limit=" + std::to_string(page_pods);
        if (!next.empty()) page_query += "&continue=" + escaped_for_query(next);
        auto body = co_await api.get(query.path(page_query));
        if (!body) {
            // The place in the list is too old; this token gives the rest as it is by now.
            const bool goes_on = body.error().code == 410 && !next.empty() &&
                                 !body.error().next.empty() && body.error().next != next;
            if (!goes_on) co_return failure(std::move(body.error()));
            next = body.error().next;
            continue;
        }
        auto page = parse_pod_list(*body);
        if (!page) co_return failure(unusable("the list of pods cannot be read: " + page.error()));
        for (Pod& pod : page->pods)
            listed.pods.insert_or_assign(pod.namespace_ + "/" + pod.name, std::move(pod));
        if (listed.resource_version.empty()) listed.resource_version = page->resource_version;
        next = page->next;
        if (listed.pods.size() > pods_max)
            co_return failure(
                unusable("more than " + std::to_string(pods_max) +
                         " pods: narrow clusters[].namespaces or clusters[].selector"));
    } while (!next.empty());
    if (listed.resource_version.empty())
        co_return failure(
            unusable("the list of pods has no resourceVersion: this is no Kubernetes API server"));
    co_return listed;
}

}  // namespace runnerwatch
