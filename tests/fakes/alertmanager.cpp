#include "tests/fakes/alertmanager.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace runnerwatch {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes resolve_timeout{5};

ServerReply refusal(int status, const std::string& message) {
    ServerReply reply;
    reply.status = status;
    reply.body = json(message).dump();
    return reply;
}

bool is_string_map(const json& value) {
    return value.is_object() && std::all_of(value.begin(), value.end(),
                                            [](const json& item) { return item.is_string(); });
}

// As the OpenAPI document says; what fails here is refused before any alert is kept.
std::string schema_error(const json& posted) {
    if (!posted.is_array()) return "alerts in body must be of type array";
    for (const auto& alert : posted) {
        if (!alert.is_object() || !alert.contains("labels")) return "labels in body is required";
        if (!is_string_map(alert.at("labels"))) return "labels in body must be strings";
        if (alert.contains("annotations") && !is_string_map(alert.at("annotations")))
            return "annotations in body must be strings";
        for (const char* field : {"startsAt", "endsAt"}) {
            if (!alert.contains(field)) continue;
            auto text = alert.at(field).is_string() ? alert.at(field).get<std::string>() : "";
            auto time = parse_time(text);
            if (!time || time->length != text.size())
                return std::string(field) + " in body must be of type date-time";
        }
    }
    return {};
}

std::optional<Timestamp> time_of(const json& posted, const char* field) {
    if (!posted.contains(field)) return std::nullopt;
    return parse_time(posted.at(field).get<std::string>())->time;
}

}  // namespace

FakeAlertmanager::FakeAlertmanager(Loop loop, const Clock& clock)
    : clock_(clock), server_(loop, [this](ServerRequest request, Responder& responder) {
          return answer(std::move(request), responder);
      }) {
    auto port = server_.listen("127.0.0.1:0");
    if (!port) throw std::runtime_error(port.error());
    port_ = *port;
}

bool FakeAlertmanager::firing(const Labels& labels) const {
    auto it = alerts_.find(labels);
    return it != alerts_.end() && it->second.ends_at > clock_.now();
}

void FakeAlertmanager::fail_next(int status, int times) {
    failing_status_ = status;
    failing_times_ = times;
}

asio::awaitable<void> FakeAlertmanager::answer(ServerRequest request, Responder& responder) {
    ServerReply reply;
    if (request.path != "/api/v2/alerts")
        reply = refusal(404, "path " + request.path + " was not found");
    else if (request.method == "POST")
        reply = take(request);
    else if (request.method == "GET")
        reply = show();
    else
        reply = refusal(405, "method " + request.method + " is not allowed");
    co_await responder.send(std::move(reply));
}

ServerReply FakeAlertmanager::take(const ServerRequest& request) {
    if (failing_times_ > 0) {
        --failing_times_;
        return refusal(failing_status_, "told to fail");
    }
    auto type = request.headers.find("content-type");
    if (type == request.headers.end() ||
        type->second.substr(0, type->second.find(';')) != "application/json")
        return refusal(415, "unsupported media type, only [application/json] are allowed");
    auto posted = json::parse(request.body, nullptr, false);
    if (posted.is_discarded()) return refusal(400, "parsing alerts body failed");
    if (auto wrong = schema_error(posted); !wrong.empty()) return refusal(422, wrong);

    // The valid ones are kept even when others are not.
    std::string wrong;
    for (const auto& alert : posted)
        if (auto reason = keep(alert, clock_.now()); !reason.empty())
            wrong += (wrong.empty() ? "" : "; ") + reason;
    return wrong.empty() ? ServerReply() : refusal(400, wrong);
}

std::string FakeAlertmanager::keep(const json& posted, Timestamp now) {
    auto labels = posted.at("labels").get<Labels>();
    std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
    if (labels.empty()) return "at least one label pair required";

    FakeAlert alert;
    auto ends = time_of(posted, "endsAt");
    alert.starts_at = time_of(posted, "startsAt").value_or(ends ? *ends : now);
    alert.ends_at = ends.value_or(now + resolve_timeout);
    if (alert.ends_at < alert.starts_at) return "start time must be before end time";
    alert.annotations = posted.value("annotations", Labels());
    alert.generator_url = posted.value("generatorURL", "");

    auto& kept = alerts_[labels];
    if (kept.posts > 0 && kept.ends_at >= alert.starts_at)  // the same one, told again
        alert.starts_at = std::min(alert.starts_at, kept.starts_at);
    alert.posts = kept.posts + 1;
    kept = std::move(alert);
    return {};
}

ServerReply FakeAlertmanager::show() const {
    auto result = json::array();
    for (const auto& [labels, alert] : alerts_) {
        if (alert.ends_at <= clock_.now()) continue;
        json status{{"state", "active"},
                    {"silencedBy", json::array()},
                    {"inhibitedBy", json::array()},
                    {"mutedBy", json::array()}};
        result.push_back({{"labels", labels},
                          {"annotations", alert.annotations},
                          {"startsAt", format_time(alert.starts_at)},
                          {"endsAt", format_time(alert.ends_at)},
                          {"generatorURL", alert.generator_url},
                          {"status", std::move(status)}});
    }
    ServerReply reply;
    reply.body = result.dump();
    return reply;
}

}  // namespace runnerwatch
