#pragma once

#include "daemon/cluster/api_client.h"

#include <map>
#include <string>
#include <string_view>

namespace runnerwatch {

// Which pods are asked for: of one namespace (empty: of all), narrowed by the API server.
struct PodQuery {
    std::string space, selector, field_selector;

    // The target of a request for them; `query` is "limit=100", "watch=1&…".
    std::string path(const std::string& query) const;
};

struct ListedPods {
    std::map<std::string, Pod> pods;  // by namespace/name
    std::string resource_version;     // where a watch goes on
};

// Lists in pages of bounded size. A list that takes so long that its place is forgotten is read to
// its end all the same; the version is that of its first page then, so that a watch from there
// tells what changed meanwhile or asks for a new list.
//
// Runs on the loop; `api` outlives it. An answer that is no list of pods is an ApiError of code
// 200.
asio::awaitable<Result<ListedPods, ApiError>> list_pods(ApiClient& api, PodQuery query);

// What is escaped in a URL's query is everything but letters, digits and "-._~".
std::string escaped_for_query(std::string_view text);

}  // namespace runnerwatch
