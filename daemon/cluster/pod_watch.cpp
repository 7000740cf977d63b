#include "daemon/cluster/pod_watch.h"

#include "daemon/net/url_parts.h"
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
constexpr std::chrono::seconds initial_max{60};  // until a streamed list is complete

constexpr std::size_t event_bytes_max = 4 * 1024 * 1024;
constexpr std::chrono::seconds retry_after_max{300};

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
    // The list that it begins with, until that is complete.
    std::optional<std::map<std::string, Pod>> initial;
};

PodWatch::PodWatch(ApiClient& api, const Clock& clock, PodQuery query, Events events)
    : api_(api), clock_(clock), query_(std::move(query)), events_(std::move(events)) {}

asio::awaitable<void> PodWatch::run() {
    Backoff backoff(backoff_first, backoff_max);
    for (;;) {
        const bool pages = resource_version_.empty() && !streams_lists_;
        const bool works = pages ? co_await list() : co_await watch();
        if (works) {
            if (may_watch_) backoff.reset();
            continue;
        }
        const Duration wait = std::max<Duration>(backoff.next(), std::exchange(retry_after_, {}));
        co_await clock_.sleep(wait);
    }
}

asio::awaitable<bool> PodWatch::list() {
    auto listed = co_await list_pods(api_, query_);
    if (!listed) co_return failed(listed.error());
    if (may_watch_) trouble("");
    resource_version_ = listed->resource_version;
    replace_all(std::move(listed->pods));
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
    heard_at_ = clock_.now();
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

std::string PodWatch::target(bool whole, int seconds) const {
    const std::string from = whole ? "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                                   : "&resourceVersion=" + escaped_for_query(resource_version_);
    return query_.path("watch=1&allowWatchBookmarks=true" + from +
                       "&timeoutSeconds=" + std::to_string(seconds));
}

asio::awaitable<bool> PodWatch::watch() {
    const int seconds = random_watch_seconds();
    const bool whole = resource_version_.empty();
    auto loop = co_await asio::this_coro::executor;
    Watching watching{asio::steady_timer(loop), {}, {}, 0, 0, {}};
    if (whole) watching.initial.emplace();
    const std::string wanted = target(whole, seconds);
    std::function<void(int)> on_headers = [this, &watching](int status) {
        watching.status = status;
        may_watch_ = may_watch_ || status / 100 == 2;
    };
    std::function<void(std::string_view)> on_bytes = [this, &watching](std::string_view bytes) {
        read(watching, bytes);
    };
    const auto began = std::chrono::steady_clock::now();
    auto ended = co_await (api_.stream(wanted, std::move(on_headers), std::move(on_bytes)) ||
                           deadline(watching, seconds));
    if (!watching.wrong.empty()) {
        trouble(watching.wrong);
        co_return false;
    }
    const StreamEnd* end = std::get_if<StreamEnd>(&ended);
    if (!end && watching.initial) streams_lists_ = false;  // it does not know the parameter
    if (!end) co_return true;                              // the server forgot its own timeout
    if (end->status / 100 != 2) {
        const ApiError error = api_.explain(wanted, *end);
        const bool no_such_watch = error.code == 400 || error.code == 422 || error.code == 403;
        if (whole && no_such_watch) {
            streams_lists_ = false;  // Kubernetes before 1.32 and 1.33; or only lists are allowed
            co_return true;
        }
        if (error.code == 403) {  // lists may be allowed all the same
            may_watch_ = false;
            resource_version_.clear();
        }
        co_return failed(error);
    }
    if (watching.initial && end->clean) streams_lists_ = false;
    if (watching.initial && !end->clean) co_return failed(api_.explain(wanted, *end));
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
    if (watching.initial) {
        watching.stop.expires_after(initial_max);
        co_await watching.stop.async_wait(asio::as_tuple(asio::use_awaitable));
        if (watching.initial || !watching.wrong.empty()) co_return;
    }
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
    if (event->kind == WatchEvent::Kind::error) {
        if (event->code == 410)
            resource_version_.clear();
        else
            watching.wrong = "the watch for pods failed: " + event->message;
        return;
    }
    trouble("");
    if (watching.initial) {
        take_initial(watching, *event);
        return;
    }
    heard_at_ = clock_.now();
    if (event->kind == WatchEvent::Kind::deleted)
        gone(event->pod);
    else if (event->kind != WatchEvent::Kind::bookmark)
        changed(event->pod);
    if (!event->resource_version.empty()) resource_version_ = event->resource_version;
}

// The versions of the pods that a streamed list begins with are no place to go on from.
void PodWatch::take_initial(Watching& watching, const WatchEvent& event) {
    auto& pods = *watching.initial;
    if (event.kind == WatchEvent::Kind::deleted) {
        pods.erase(key_of(event.pod));
    } else if (event.kind != WatchEvent::Kind::bookmark) {
        pods.insert_or_assign(key_of(event.pod), event.pod);
    } else if (event.initial_end && !event.resource_version.empty()) {
        resource_version_ = event.resource_version;
        replace_all(std::move(pods));
        watching.initial.reset();
        watching.stop.cancel();  // goes on as a watch
    }
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
