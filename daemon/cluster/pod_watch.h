#pragma once

#include "daemon/cluster/pod_list.h"
#include "daemon/runtime/clock.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// Keeps a list of the pods of one namespace (empty: of all) current: a streamed list where the
// server offers one (sendInitialEvents) or one in pages, watch with bookmarks, resume by
// resourceVersion, list again after 410. Reports differences: after a new list, pods that are
// missing are reported as gone, a re-used name with another UID as gone and new. Without the right
// to watch it lists every 30 s, and says so.
//
// Confined to the loop. Errors go to `on_trouble` (once per change) and are retried for ever,
// 800 ms to 30 s (client-go reflector.go).
class PodWatch {
public:
    struct Events {
        std::function<void(const Pod&)> on_pod;  // new or changed
        std::function<void(const Pod&)> on_gone;
        std::function<void()> on_listed;  // the first complete list was handed over
        std::function<void(const std::string&)> on_trouble;  // empty: it works again
    };

    PodWatch(ApiClient& api, const Clock& clock, PodQuery query, Events events);

    asio::awaitable<void> run();

    // When the pods were last known to be as they are told: by a complete list, an event or a
    // bookmark. None: never yet.
    std::optional<Timestamp> heard_at() const { return heard_at_; }

private:
    // What a watch in progress has seen.
    struct Watching;

    asio::awaitable<bool> list();
    asio::awaitable<bool> watch();
    std::string target(bool whole, int seconds) const;
    asio::awaitable<void> deadline(Watching& watching, int seconds);
    void read(Watching& watching, std::string_view bytes);
    void take(Watching& watching, std::string_view line);
    void take_initial(Watching& watching, const WatchEvent& event);
    void changed(const Pod& pod);
    void gone(const Pod& pod);
    void replace_all(std::map<std::string, Pod> pods);
    void trouble(const std::string& what);
    bool failed(const ApiError& error);

    ApiClient& api_;
    const Clock& clock_;
    const PodQuery query_;
    std::string resource_version_;  // empty: list first
    Events events_;
    std::map<std::string, Pod> pods_;  // by namespace/name
    std::chrono::seconds retry_after_{0};
    std::string trouble_;
    std::optional<Timestamp> heard_at_;
    bool listed_ = false;
    bool streams_lists_ = true;  // not known to be refused
    bool may_watch_ = true;      // not known to be forbidden
};

}  // namespace runnerwatch
