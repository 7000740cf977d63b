#include "daemon/replay/replay_log.h"

#include "daemon/replay/replay_objects.h"
#include "parsers/result.h"

#include <charconv>
#include <limits>

namespace runnerwatch {
namespace {

constexpr std::size_t chunk_bytes_max = 64 * 1024;

// What is asked for, and what it is read from.
struct LogRead {
    std::shared_ptr<ReplayInstance> instance;  // null: nothing yet (204)
    std::string in_band;                       // the kubelet found no file: this is the body
    bool follow = false;
    bool timestamps = false;
    std::optional<Timestamp> since;
    std::optional<std::size_t> tail;
    std::size_t bytes_left = std::numeric_limits<std::size_t>::max();
};

bool is_true(const std::string& value) { return value == "true" || value == "1"; }

ServerReply bad_request(const std::string& message) {
    return status_reply(400, "BadRequest", message);
}

ServerReply too_small(const std::string& pod, const char* field, std::int64_t value,
                      std::int64_t least) {
    auto message = "Invalid value: " + std::to_string(value) + ": must be greater than " +
                   (least == 0 ? "or equal to 0" : "0");
    return invalid_log_option(pod, field, "FieldValueInvalid", message);
}

// The number of an option, or the refusal of a wrong one; nothing when it was not given.
Result<std::optional<std::int64_t>, ServerReply> number(const ServerRequest& request,
                                                        const std::string& pod, const char* field,
                                                        std::int64_t least) {
    auto text = request.query_value(field);
    if (text.empty()) return std::optional<std::int64_t>();
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    auto [rest, wrong] = std::from_chars(text.data(), end, value);
    if (wrong != std::errc() || rest != end)
        return failure(bad_request("strconv.ParseInt: parsing \"" + text + "\": invalid syntax"));
    if (value < least) return failure(too_small(pod, field, value, least));
    return std::optional<std::int64_t>(value);
}

// Reads sinceTime or sinceSeconds. The kubelet is asked in whole seconds.
std::optional<ServerReply> read_since(const ServerRequest& request, const std::string& pod,
                                      Timestamp now, LogRead& read) {
    auto text = request.query_value("sinceTime");
    auto seconds = number(request, pod, "sinceSeconds", 1);
    if (!seconds) return seconds.error();
    if (*seconds && !text.empty())
        return invalid_log_option(
            pod, "[]", "FieldValueForbidden",
            "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");
    if (*seconds) read.since = now - std::chrono::seconds(**seconds);
    if (!text.empty()) {
        auto parsed = parse_time(text);
        if (!parsed || parsed->length != text.size())
            return bad_request("parsing time \"" + text +
                               "\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"" + text +
                               "\" as \"2006\"");
        read.since = parsed->time;
    }
    if (read.since) read.since = std::chrono::floor<std::chrono::seconds>(*read.since);
    return std::nullopt;
}

std::optional<ServerReply> read_options(const ServerRequest& request, const std::string& pod,
                                        Timestamp now, LogRead& read) {
    if (request.query.contains("stream"))
        return invalid_log_option(pod, "stream", "FieldValueForbidden",
                                  "Forbidden: may not be specified");
    read.follow = is_true(request.query_value("follow"));
    read.timestamps = is_true(request.query_value("timestamps"));
    if (auto refusal = read_since(request, pod, now, read)) return refusal;
    auto tail = number(request, pod, "tailLines", 0);
    if (!tail) return tail.error();
    if (*tail) read.tail = static_cast<std::size_t>(**tail);
    auto limit = number(request, pod, "limitBytes", 1);
    if (!limit) return limit.error();
    if (*limit) read.bytes_left = static_cast<std::size_t>(**limit);
    return std::nullopt;
}

Result<const ReplayContainer*, ServerReply> find_container(const ReplayPod& pod,
                                                           const std::string& name) {
    std::string init, ordinary;
    for (const auto& container : pod.containers) {
        if (container.name == name) return &container;
        (container.init ? init : ordinary) += container.name + " ";
    }
    if (!name.empty())
        return failure(bad_request("container " + name + " is not valid for pod " + pod.name));
    if (pod.containers.size() == 1) return &pod.containers.front();
    auto names = init + ordinary;
    if (!names.empty()) names.pop_back();
    return failure(bad_request("a container name must be specified for pod " + pod.name +
                               ", choose one of: [" + names + "]"));
}

// Chooses the instance as kubelet_pods.go validateContainerLogStatus does.
std::optional<ServerReply> choose_instance(const ReplayPod& pod, const ReplayContainer& container,
                                           bool previous, LogRead& read) {
    if (previous) {
        if (!container.previous)
            return bad_request("previous terminated container \"" + container.name +
                               "\" in pod \"" + pod.name + "\" not found");
        // Between two restarts the one before the last is deleted already.
        if (container.current->finished_at)
            read.in_band = "unable to retrieve container logs for " + container.previous->id;
        read.instance = container.previous;
        return std::nullopt;
    }
    read.instance = container.current;
    if (read.instance || pod.node.empty()) return std::nullopt;
    auto reason = container.waiting;
    if (reason == "ErrImagePull") reason = "trying and failing to pull image";
    if (reason == "ImagePullBackOff") reason = "image can't be pulled";
    return bad_request("container \"" + container.name + "\" in pod \"" + pod.name +
                       "\" is waiting to start: " + reason);
}

std::optional<ServerReply> open_log(const ReplayCluster& cluster, const std::string& namespace_,
                                    const std::string& name, const ServerRequest& request,
                                    LogRead& read) {
    const auto* pod = cluster.find(namespace_ + "/" + name);
    if (!pod) return status_reply(404, "NotFound", "pods \"" + name + "\" not found", "pods", name);
    if (auto refusal = read_options(request, name, cluster.now(), read)) return refusal;
    auto container = find_container(*pod, request.query_value("container"));
    if (!container) return container.error();
    return choose_instance(*pod, **container, is_true(request.query_value("previous")), read);
}

// The lines from `next` on, as many as fit into a chunk.
std::string take_chunk(LogRead& read, std::size_t& next) {
    const auto& lines = read.instance->lines;
    std::string bytes;
    for (; next < lines.size() && bytes.size() < chunk_bytes_max; ++next) {
        const auto& line = lines[next];
        if (read.since && line.time < *read.since) continue;
        if (read.timestamps) bytes += format_time(line.time) + " ";
        bytes += line.text + "\n";
    }
    if (bytes.size() > read.bytes_left) bytes.resize(read.bytes_left);
    read.bytes_left -= bytes.size();
    return bytes;
}

asio::awaitable<void> stream_lines(ReplayCluster& cluster, LogRead read, Responder& responder) {
    auto& instance = *read.instance;
    ReplayStream stream(cluster.loop(), cluster.logs(), &instance.followers);
    std::size_t next = instance.readable_from;
    if (read.tail && instance.lines.size() - next > *read.tail)
        next = instance.lines.size() - *read.tail;

    while (!stream.fault) {
        auto bytes = take_chunk(read, next);
        if (!bytes.empty()) {
            co_await responder.write(std::move(bytes));
        } else if (next < instance.lines.size() && read.bytes_left > 0) {
            continue;  // all of that were too old
        } else if (read.bytes_left == 0 || !read.follow || instance.ended()) {
            co_await responder.end_stream();
            co_return;
        } else {
            co_await stream.wait();
        }
    }
    if (stream.fault->kind == ReplayFault::Kind::reset) co_return;
    co_await responder.write(stream.fault->text);
    co_await responder.end_stream();
}

}  // namespace

asio::awaitable<void> serve_log(ReplayCluster& cluster, std::string namespace_, std::string name,
                                ServerRequest request, Responder& responder) {
    LogRead read;
    if (auto refusal = open_log(cluster, namespace_, name, request, read)) {
        co_await responder.send(std::move(*refusal));
        co_return;
    }
    if (!read.instance) {
        ServerReply nothing;
        nothing.status = 204;
        co_await responder.send(std::move(nothing));
        co_return;
    }
    co_await responder.begin_stream(200, "text/plain");
    if (read.in_band.empty()) {
        co_await stream_lines(cluster, std::move(read), responder);
    } else {
        co_await responder.write(read.in_band);
        co_await responder.end_stream();
    }
}

}  // namespace runnerwatch
