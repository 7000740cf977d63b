// The daemon's own HTTP: the API on `http.listen`, liveness and metrics on `probe_listen`.
#include "daemon/api/coverage_json.h"
#include "daemon/api/history_api.h"
#include "daemon/api/same_site.h"
#include "daemon/app.h"

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {

using nlohmann::json;

namespace {

const std::string coverage_path = "/api/v1/coverage";

bool is_loopback(const std::string& address) {
    return address.rfind("127.", 0) == 0 || address.rfind("localhost:", 0) == 0 ||
           address.rfind("[::1]", 0) == 0;
}

template <class Json>
std::string dump(const Json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<std::monostate, std::string> App::listen() {
    if (!is_loopback(config_.http.listen))
        return failure("http.listen is " + config_.http.listen +
                       ": refused, because the API has no authentication yet and would be open "
                       "to everybody who can reach that address. Use 127.0.0.1:PORT and reach it "
                       "through kubectl port-forward or an authenticating proxy beside it.");
    http_ = std::make_unique<HttpServer>(io_.get_executor(),
                                         [this](ServerRequest request, Responder& responder) {
                                             return handle_api(std::move(request), responder);
                                         });
    probe_ = std::make_unique<HttpServer>(io_.get_executor(),
                                          [this](ServerRequest request, Responder& responder) {
                                              return handle_probe(std::move(request), responder);
                                          });
    const auto http = http_->listen(config_.http.listen);
    if (!http) return failure("http.listen: " + http.error());
    const auto probe = probe_->listen(config_.probe_listen);
    if (!probe) return failure("probe_listen: " + probe.error());
    http_port_ = *http;
    probe_port_ = *probe;
    spdlog::info("API on {} (port {}), probes and metrics on {} (port {})", config_.http.listen,
                 http_port_, config_.probe_listen, probe_port_);
    return std::monostate{};
}

asio::awaitable<void> App::handle_api(ServerRequest request, Responder& responder) {
    ServerReply reply;
    const bool is_act = is_act_path(request.path);
    if (auto refused = refuse_strangers(request)) {
        reply = std::move(*refused);
    } else if (!is_act && request.path != coverage_path && !is_history_path(request.path)) {
        reply =
            problem_reply(404, "Not found",
                          "There is nothing at " + request.path +
                              "; try /api/v1/incidents, /api/v1/stats or " + coverage_path + ".");
    } else if (request.method != (is_act ? "POST" : "GET")) {
        const std::string method = is_act ? "POST" : "GET";
        reply = problem_reply(405, "Method not allowed", "Only " + method + " is possible here.");
        reply.headers.emplace_back("allow", method);
    } else if (is_act) {
        reply = co_await acts(request);
    } else if (request.path == coverage_path) {
        reply = co_await coverage_reply();
    } else {
        reply = co_await history(request);
    }
    co_await responder.send(std::move(reply));
}

asio::awaitable<ServerReply> App::coverage_reply() {
    auto job = [this] { return reader_->coverage_rows(); };
    const auto rows = co_await reader_thread_.run(job);
    ServerReply reply;
    if (rows)
        reply.body =
            dump(coverage_to_json(coverage_report(*rows, clock_.now(), current_within(config_))));
    else
        reply = problem_reply(503, "Storage", rows.error().what);
    co_return reply;
}

asio::awaitable<ServerReply> App::history(const ServerRequest& request) {
    const auto question = history_question(request.path, request.query, clock_.now());
    if (!question) co_return question.error();
    auto read = [this, &question] { return read_history(*reader_, *question); };
    const auto rows = co_await reader_thread_.run(read);
    if (!rows) co_return problem_reply(503, "Storage", rows.error().what);
    if (!*rows) co_return no_such_incident(*question);
    ServerReply reply = history_reply(*question, **rows, matcher_->pack());
    const auto known = request.headers.find("if-none-match");
    for (const auto& [name, value] : reply.headers)
        if (name == "etag" && known != request.headers.end() &&
            known->second.find(value) != std::string::npos) {
            reply.status = 304;
            reply.body.clear();
        }
    co_return reply;
}

std::string App::ready_body() const {
    const auto sources = sources_->status();
    json degraded = json::array();
    if (committer_->failing()) degraded.push_back(committer_->trouble());
    if (!retention_->trouble().empty()) degraded.push_back(retention_->trouble());
    if (!rules_trouble_.empty()) degraded.push_back(rules_trouble_);
    for (const auto& words : exceptions_.expired_words(clock_.now())) degraded.push_back(words);
    for (const auto& trouble : sources.troubles) degraded.push_back(trouble);
    return dump(json{{"ready", true},
                     {"catching_up", dispatcher_->catching_up()},
                     {"rules",
                      {{"count", matcher_->pack().rules.size()},
                       {"version", matcher_->pack().version},
                       {"current", rules_trouble_.empty()}}},
                     {"coverage",
                      {{"summary", sources.coverage.words()},
                       {"current", sources.coverage.current},
                       {"living", sources.coverage.living}}},
                     {"sources",
                      {{"known", sources.known},
                       {"caught_up", sources.caught_up},
                       {"complete", sources.complete}}},
                     {"degraded", degraded}});
}

std::string App::metrics_text() {
    const auto sources = sources_->status();
    metrics_.set_sources(sources.known, sources.caught_up, sources.complete);
    const auto& coverage = sources.coverage;
    metrics_.set_coverage(
        coverage.current, coverage.living,
        coverage.as_of ? std::chrono::duration<double>(coverage.as_of->time_since_epoch()).count()
                       : 0);
    std::map<Severity, std::size_t> open;
    for (const auto severity :
         {Severity::info, Severity::warning, Severity::error, Severity::critical})
        open[severity] = 0;
    for (const IncidentRow* row : book_->incidents())
        if (row->state != IncidentState::resolved && row->state != IncidentState::folded)
            ++open[row->severity];
    for (const auto& [severity, count] : open)
        metrics_.set_open_incidents(to_string(severity), count);
    metrics_.set_templates(unclassified_.templates().size(), unclassified_.beyond());
    const auto oldest = dispatcher_->oldest_owed();
    metrics_.set_outbox(dispatcher_->owed(),
                        oldest ? std::chrono::duration<double>(clock_.now() - *oldest).count() : 0);
    return metrics_.text();
}

asio::awaitable<void> App::handle_probe(ServerRequest request, Responder& responder) {
    ServerReply reply;
    if (request.path == "/healthz") {
        reply.content_type = "text/plain";
        reply.body = "ok\n";
    } else if (request.path == "/readyz") {
        reply.body = ready_body();
    } else if (request.path == "/metrics") {
        reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
        reply.body = metrics_text();
    } else {
        reply = problem_reply(404, "Not found", "Here are /healthz, /readyz and /metrics.");
    }
    co_await responder.send(std::move(reply));
}

}  // namespace runnerwatch
