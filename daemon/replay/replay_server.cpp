#include "daemon/replay/replay_server.h"

#include "daemon/replay/replay_log.h"
#include "daemon/replay/replay_objects.h"

#include <boost/asio/steady_timer.hpp>

#include <nlohmann/json.hpp>

#include <charconv>

namespace runnerwatch {
namespace {

using Json = nlohmann::ordered_json;
using SteadyTime = ReplayStream::Time;

constexpr std::size_t connections_max = 20'000;
constexpr std::chrono::seconds bookmark_interval{60};
constexpr std::int64_t watch_seconds_default = 1800;

HttpServer::Limits limits() {
    HttpServer::Limits result;
    result.connections = connections_max;
    return result;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t value = 0;
    auto [rest, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || wrong != std::errc() || rest != text.data() + text.size())
        return std::nullopt;
    return value;
}

// Which pods a request means: those of a namespace (empty: all) that meet a label selector of
// equalities.
class PodFilter {
public:
    PodFilter(std::string in_namespace, std::string_view selector)
        : namespace_(std::move(in_namespace)) {
        while (!selector.empty()) {
            auto term = selector.substr(0, selector.find(','));
            selector.remove_prefix(std::min(selector.size(), term.size() + 1));
            auto equals = term.find('=');
            if (equals == 0 || equals == term.npos) {
                wrong_ = std::string(term);
                return;
            }
            bool not_equal = term[equals - 1] == '!';
            auto name = term.substr(0, equals - (not_equal ? 1 : 0));
            auto value = term.substr(equals + 1);
            if (value.starts_with('=')) value.remove_prefix(1);
            terms_.push_back({std::string(name), std::string(value), !not_equal});
        }
    }

    // What cannot be read of the selector; empty when all could.
    const std::string& wrong() const { return wrong_; }

    bool matches(const std::string& pod_namespace,
                 const std::map<std::string, std::string>& labels) const {
        if (!namespace_.empty() && pod_namespace != namespace_) return false;
        for (const auto& term : terms_) {
            auto it = labels.find(term.name);
            if ((it != labels.end() && it->second == term.value) != term.equal) return false;
        }
        return true;
    }

private:
    struct Term {
        std::string name, value;
        bool equal;
    };
    std::string namespace_, wrong_;
    std::vector<Term> terms_;
};

// A continue token is "VERSION:LAST", the last pod of the page before.
ServerReply list(const ReplayCluster& cluster, const PodFilter& filter,
                 const ServerRequest& request) {
    auto version = cluster.version();
    std::string last;
    if (auto token = request.query_value("continue"); !token.empty()) {
        auto colon = std::min(token.find(':'), token.size());
        auto first_page = to_number(std::string_view(token).substr(0, colon));
        if (!first_page)
            return status_reply(400, "BadRequest", "continue key is not valid: " + token);
        if (!cluster.events_after(*first_page))
            return status_reply(410, "Expired",
                                "The provided continue parameter is too old to display a "
                                "consistent list result.");
        version = *first_page;
        last = token.substr(std::min(colon + 1, token.size()));
    }
    auto limit = to_number(request.query_value("limit")).value_or(0);
    Json meta{{"resourceVersion", std::to_string(version)}};
    Json items = Json::array();
    for (auto it = cluster.pods().upper_bound(last); it != cluster.pods().end(); ++it) {
        if (!filter.matches(it->second.namespace_, it->second.labels)) continue;
        if (limit != 0 && items.size() == limit) {
            meta["continue"] = std::to_string(version) + ":" + last;
            break;
        }
        items.push_back(pod_object(it->second));
        last = it->first;
    }
    ServerReply reply;
    reply.body = Json{{"kind", "PodList"},
                      {"apiVersion", "v1"},
                      {"metadata", std::move(meta)},
                      {"items", std::move(items)}}
                     .dump();
    return reply;
}

// What a watch without a place to resume from begins with.
std::string initial_events(const ReplayCluster& cluster, const PodFilter& filter, bool bookmarks) {
    std::string lines;
    for (const auto& [name, pod] : cluster.pods())
        if (filter.matches(pod.namespace_, pod.labels)) lines += watch_line("ADDED", pod);
    if (bookmarks) lines += bookmark_line(cluster.version(), true);
    return lines;
}

asio::awaitable<void> watch(ReplayCluster& cluster, PodFilter filter, ServerRequest request,
                            Responder& responder) {
    bool bookmarks = request.query_value("allowWatchBookmarks") == "true";
    auto asked = to_number(request.query_value("resourceVersion")).value_or(0);
    auto version = asked == 0 ? cluster.version() : asked;
    auto seconds = to_number(request.query_value("timeoutSeconds"));
    auto now = std::chrono::steady_clock::now();
    auto end = now + std::chrono::seconds(seconds.value_or(watch_seconds_default));
    auto next_bookmark = bookmarks ? now + bookmark_interval : SteadyTime::max();

    std::string lines;
    if (asked == 0) lines = initial_events(cluster, filter, bookmarks);
    co_await responder.begin_stream(200, "application/json");
    ReplayStream stream(cluster.loop(), cluster.watches(), nullptr);
    while (!stream.fault) {
        auto events = cluster.events_after(version);
        if (!events) {
            co_await responder.write(expired_line(version, cluster.version()));
            break;
        }
        for (const auto* event : *events)
            if (filter.matches(event->namespace_, event->labels)) lines += event->line;
        version = cluster.version();
        now = std::chrono::steady_clock::now();
        bool over = now >= end;
        if (bookmarks && (over || now >= next_bookmark)) {
            lines += bookmark_line(version, false);
            next_bookmark = now + bookmark_interval;
        }
        if (!lines.empty()) {
            co_await responder.write(std::move(lines));
            lines.clear();
        } else if (!over) {
            co_await stream.wait(std::min(end, next_bookmark));
        }
        if (over) break;
    }
    if (stream.fault && stream.fault->kind == ReplayFault::Kind::reset) co_return;
    co_await responder.end_stream();
}

std::vector<std::string> split_path(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t begin = 1; begin <= path.size();) {
        auto end = std::min(path.find('/', begin), path.size());
        parts.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

// What needs no state.
ServerReply discovery(const std::string& path) {
    ServerReply reply;
    if (path == "/version") {
        reply.body = R"({"major":"1","minor":"36","gitVersion":"v1.36.3"})";
    } else if (path == "/api") {
        reply.body = R"({"kind":"APIVersions","versions":["v1"]})";
    } else if (path == "/healthz" || path == "/livez" || path == "/readyz") {
        reply.content_type = "text/plain";
        reply.body = "ok";
    } else {
        return status_reply(404, "NotFound", "the server could not find the requested resource");
    }
    return reply;
}

ServerReply get_pod(const ReplayCluster& cluster, const std::string& namespace_,
                    const std::string& name) {
    const auto* pod = cluster.find(namespace_ + "/" + name);
    if (!pod) return status_reply(404, "NotFound", "pods \"" + name + "\" not found", "pods", name);
    Json object{{"kind", "Pod"}, {"apiVersion", "v1"}};
    object.update(pod_object(*pod));
    ServerReply reply;
    reply.body = object.dump();
    return reply;
}

}  // namespace

ReplayServer::ReplayServer(Loop loop, ReplayCluster& cluster)
    : cluster_(cluster),
      server_(
          std::move(loop),
          [this](ServerRequest request, Responder& responder) {
              return answer(std::move(request), responder);
          },
          limits()) {}

asio::awaitable<void> ReplayServer::answer(ServerRequest request, Responder& responder) {
    if (cluster_.delay().count() > 0) {
        asio::steady_timer pause(cluster_.loop(), cluster_.delay());
        co_await pause.async_wait(asio::use_awaitable);
    }
    ServerReply reply;
    auto parts = split_path(request.path);
    bool api = parts.size() >= 3 && parts[0] == "api" && parts[1] == "v1";
    bool all = api && parts.size() == 3 && parts[2] == "pods";
    bool some = api && parts.size() >= 5 && parts[2] == "namespaces" && parts[4] == "pods";
    const std::string asked =
        request.path + (request.query_value("watch").empty() ? "" : "?watch=1");
    if (auto refusal = cluster_.refusal(asked)) {
        reply = std::move(*refusal);
    } else if (request.method != "GET") {
        reply = status_reply(405, "MethodNotAllowed",
                             "the server does not allow this method on the requested resource");
    } else if (some && parts.size() == 7 && parts[6] == "log") {
        co_return co_await serve_log(cluster_, parts[3], parts[5], std::move(request), responder);
    } else if (some && parts.size() == 6) {
        reply = get_pod(cluster_, parts[3], parts[5]);
    } else if (all || (some && parts.size() == 5)) {
        PodFilter filter(all ? std::string() : parts[3], request.query_value("labelSelector"));
        auto watching = request.query_value("watch");
        if (!filter.wrong().empty())
            reply =
                status_reply(400, "BadRequest", "unable to parse requirement: " + filter.wrong());
        else if (request.query_value("sendInitialEvents") == "true" && !cluster_.streams_lists())
            reply = status_reply(422, "Invalid",
                                 "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: "
                                 "Forbidden: sendInitialEvents is forbidden for watch unless the "
                                 "WatchList feature gate is enabled");
        else if (watching == "1" || watching == "true")
            co_return co_await watch(cluster_, std::move(filter), std::move(request), responder);
        else
            reply = list(cluster_, filter, request);
    } else {
        reply = discovery(request.path);
    }
    co_await responder.send(std::move(reply));
}

std::string kubeconfig_for(std::uint16_t port) {
    return "apiVersion: v1\n"
           "kind: Config\n"
           "clusters:\n"
           "- name: replay\n"
           "  cluster: {server: \"http://127.0.0.1:" +
           std::to_string(port) +
           "\"}\n"
           "users:\n"
           "- name: replay\n"
           "  user: {token: replay}\n"
           "contexts:\n"
           "- name: replay\n"
           "  context: {cluster: replay, user: replay}\n"
           "current-context: replay\n";
}

}  // namespace runnerwatch
