#include "daemon/cluster/pod_watch.h"

#include "daemon/runtime/backoff.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>
#include <random>
#include <variant>

namespace runnerwatch {

namespace {

using namespace asio::experimental::awaitable_operators;

// client-go, tools/cache/reflector.go.
constexpr std::chrono::milliseconds backoff_first{800};
constexpr std::chrono::seconds backoff_max{30};
constexpr int watch_seconds_min = 300, watch_seconds_max = 600;
constexpr int watch_grace_seconds = 30;
constexpr std::chrono::seconds watch_alive_after{1};

constexpr std::size_t page_pods = 100;  // up to 40 KB each, parsed on the loop
constexpr std::size_t pods_max = 100'000;
constexpr std::size_t event_bytes_max = 4 * 1024 * 1024;
constexpr std::chrono::seconds retry_after_max{300};

std::string escaped(std::string_view text) {
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

std::string key_of(const Pod& pod) { return pod.namespace_ + "/" + pod.name; }

int random_watch_seconds() {
    thread_local std::minstd_rand random(std::random_device{}());
    return std::uniform_int_distribution<int>(watch_seconds_min, watch_seconds_max)(random);
}

}  // namespace

struct PodWatch::Watching {
    asio::steady_timer stop;  // cancelled: end the watch
    std::string pending;      // the beginning of an event
    std::string wrong;        // why it is ended from this side
    int status = 0;
    std::size_t events = 0;
};

PodWatch::PodWatch(ApiClient& api, const Clock& clock, std::string space, std::string selector,
                   Events events)
    : api_(api),
      clock_(clock),
      namespace_(std::move(space)),
      selector_(std::move(selector)),
      events_(std::move(events)) {}

asio::awaitable<void> PodWatch::run() {
    Backoff backoff(backoff_first, backoff_max);
    for (;;) {
        const bool works = resource_version_.empty() ? co_await list() : co_await watch();
        if (works) {
            backoff.reset();
            continue;
        }
        const Duration wait = std::max<Duration>(backoff.next(), std::exchange(retry_after_, {}));
        co_await clock_.sleep(wait);
    }
}

std::string PodWatch::path(const std::string& query) const {
    std::string path =
        namespace_.empty() ? "/api/v1/pods" : "/api/v1/namespaces/" + namespace_ + "/pods";
    path += "?" + query;
    if (!selector_.empty()) path += "&labelSelector=" + escaped(selector_);
    return path;
}

asio::awaitable<bool> PodWatch::list() {
    std::map<std::string, Pod> pods;
    std::string next, version;
    do {
        std::string query = "limit=" + std::to_string(page_pods);
        if (!next.empty()) query += "&continue=" + escaped(next);
        auto body = co_await api_.get(path(query));
        if (!body) co_return failed(body.error());  // 410: the token is old, begin again
        auto page = parse_pod_list(*body);
        if (!page) {
            trouble("the list of pods cannot be read: " + page.error());
            co_return false;
        }
        for (Pod& pod : page->pods) pods.insert_or_assign(key_of(pod), std::move(pod));
        version = page->resource_version;
        next = page->next;
        if (pods.size() > pods_max) {
            trouble("more than " + std::to_string(pods_max) +
                    " pods: narrow clusters[].namespaces or clusters[].selector");
            co_return false;
        }
    } while (!next.empty());
    if (version.empty()) {
        trouble("the list of pods has no resourceVersion: this is no Kubernetes API server");
        co_return false;
    }
    trouble("");
    resource_version_ = version;
    replace_all(std::move(pods));
    co_return true;
}

// What is missing from a new list went unseen; a name with another UID is another pod.
void PodWatch::replace_all(std::map<std::string, Pod> pods) {
    const auto before = pods_;
    for (const auto& [key, pod] : before) {
        const auto now = pods.find(key);
        if (now == pods.end() || now->second.uid != pod.uid) gone(pod);
    }
    for (const auto& [key, pod] : pods) changed(pod);
    if (!std::exchange(listed_, true) && events_.on_listed) events_.on_listed();
}

void PodWatch::changed(const Pod& pod) {
    auto [known, fresh] = pods_.try_emplace(key_of(pod));
    if (!fresh && known->second == pod) return;
    if (!fresh && known->second.uid != pod.uid) {
        const Pod other = known->second;
        events_.on_gone(other);
    }
    known->second = pod;
    events_.on_pod(pod);
}

void PodWatch::gone(const Pod& pod) {
    const auto known = pods_.find(key_of(pod));
    if (known == pods_.end() || known->second.uid != pod.uid) return;
    pods_.erase(known);
    events_.on_gone(pod);
}

asio::awaitable<bool> PodWatch::watch() {
    const int seconds = random_watch_seconds();
    const std::string target =
        path("watch=1&allowWatchBookmarks=true&resourceVersion=" + escaped(resource_version_) +
             "&timeoutSeconds=" + std::to_string(seconds));
    auto loop = co_await asio::this_coro::executor;
    Watching watching{asio::steady_timer(loop), {}, {}, 0, 0};
    std::function<void(int)> on_headers = [&watching](int status) { watching.status = status; };
    std::function<void(std::string_view)> on_bytes = [this, &watching](std::string_view bytes) {
        read(watching, bytes);
    };
    const auto began = std::chrono::steady_clock::now();
    auto ended = co_await (api_.stream(target, std::move(on_headers), std::move(on_bytes)) ||
                           deadline(watching, seconds));
    if (!watching.wrong.empty()) {
        trouble(watching.wrong);
        co_return false;
    }
    const StreamEnd* end = std::get_if<StreamEnd>(&ended);
    if (!end) co_return true;  // the server forgot its own timeout
    if (end->status / 100 != 2) co_return failed(api_.explain(target, *end));
    if (resource_version_.empty()) co_return true;  // too old: a new list, at once
    const auto lived = std::chrono::steady_clock::now() - began;
    if (watching.events == 0 && lived < watch_alive_after) {
        trouble("the watch for pods ends as soon as it begins (" + end->what +
                "): look for a proxy before the API server " + url_for_people(api_.server()));
        co_return false;
    }
    co_return end->clean || lived >= watch_alive_after;
}

asio::awaitable<void> PodWatch::deadline(Watching& watching, int seconds) {
    watching.stop.expires_after(watch_alive_after);
    co_await watching.stop.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!watching.wrong.empty()) co_return;
    if (watching.status / 100 == 2) trouble("");
    watching.stop.expires_after(std::chrono::seconds(seconds + watch_grace_seconds));
    co_await watching.stop.async_wait(asio::as_tuple(asio::use_awaitable));
}

void PodWatch::read(Watching& watching, std::string_view bytes) {
    while (!bytes.empty() && watching.wrong.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        watching.pending += bytes.substr(0, end);
        if (watching.pending.size() > event_bytes_max) {
            watching.wrong = "a watch event is larger than 4 MiB: this is no pod";
        } else if (end < bytes.size()) {
            take(watching, watching.pending);
            watching.pending.clear();
        }
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    if (!watching.wrong.empty()) watching.stop.cancel();
}

void PodWatch::take(Watching& watching, std::string_view line) {
    if (line.empty()) return;
    const auto event = parse_watch_event(line);
    if (!event) {
        watching.wrong = "the watch for pods cannot be read: " + event.error();
        resource_version_.clear();
        return;
    }
    ++watching.events;
    switch (event->kind) {
        case WatchEvent::Kind::added:
        case WatchEvent::Kind::modified:
            changed(event->pod);
            break;
        case WatchEvent::Kind::deleted:
            gone(event->pod);
            break;
        case WatchEvent::Kind::bookmark:
            break;
        case WatchEvent::Kind::error:
            if (event->code == 410)
                resource_version_.clear();
            else
                watching.wrong = "the watch for pods failed: " + event->message;
            return;
    }
    trouble("");
    if (!event->resource_version.empty()) resource_version_ = event->resource_version;
}

void PodWatch::trouble(const std::string& what) {
    if (what == trouble_) return;
    trouble_ = what;
    if (events_.on_trouble) events_.on_trouble(what);
}

// Always false: a request failed, and whether a new list is needed is noted.
bool PodWatch::failed(const ApiError& error) {
    if (error.code == 410) {
        resource_version_.clear();
        return false;
    }
    int seconds = 0;
    const char* end = error.retry_after.data() + error.retry_after.size();
    if (std::from_chars(error.retry_after.data(), end, seconds).ptr == end && seconds > 0)
        retry_after_ = std::min(std::chrono::seconds(seconds), retry_after_max);
    trouble(error.what);
    return false;
}

}  // namespace runnerwatch
