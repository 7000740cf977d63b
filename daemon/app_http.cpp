// The daemon's own HTTP: the API on `http.listen`, liveness and metrics on `probe_listen`.
#include "daemon/api/access.h"
#include "daemon/api/coverage_json.h"
#include "daemon/api/history_api.h"
#include "daemon/api/open_api.h"
#include "daemon/api/report_api.h"
#include "daemon/api/same_site.h"
#include "daemon/app.h"
#include "daemon/config_values.h"
#include "daemon/net/gzip.h"

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {

using nlohmann::json;

namespace {

const std::string coverage_path = "/api/v1/coverage", events_path = "/api/v1/events",
                  document_path = "/openapi.json";
// Listeners hold their connection; pages must still come through.
constexpr std::size_t connections_max = EventFeed::listeners_max + 500;

// The document with where its paths begin.
std::string open_api_under(const std::string& prefix) {
    std::string document(open_api_document);
    const std::string first = "\"openapi\"";
    if (!prefix.empty())
        document.insert(document.find(first), "\"servers\": [{\"url\": \"" + prefix + "\"}],\n  ");
    return document;
}

bool is_loopback(const std::string& address) {
    const auto parsed = parse_listen_address(address);
    return parsed && parsed->loopback();
}

template <class Json>
std::string dump(const Json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<std::monostate, std::string> App::listen() {
    HttpServer::Limits limits;
    limits.connections = connections_max;
    http_ = std::make_unique<HttpServer>(
        io_.get_executor(),
        [this](ServerRequest request, Responder& responder) {
            return handle_api(std::move(request), responder);
        },
        limits);
    probe_ = std::make_unique<HttpServer>(io_.get_executor(),
                                          [this](ServerRequest request, Responder& responder) {
                                              return handle_probe(std::move(request), responder);
                                          });
    if (!config_.http.tls_certificate.empty()) {
        auto identity = TlsIdentity::read({config_.http.tls_certificate, config_.http.tls_key});
        if (!identity) return failure("http.tls: " + identity.error());
        tls_ = std::move(*identity);
        http_->speak_tls(*tls_);
    }
    const auto http = http_->listen(config_.http.listen);
    if (!http) return failure("http.listen: " + http.error());
    const auto probe = probe_->listen(config_.probe_listen);
    if (!probe) return failure("probe_listen: " + probe.error());
    http_port_ = *http;
    probe_port_ = *probe;
    say_where_it_listens();
    return std::monostate{};
}

void App::say_where_it_listens() const {
    if (!is_loopback(config_.http.listen) && !tls_)
        spdlog::warn(
            "http.listen {} can be reached from other machines and speaks no TLS: tokens and "
            "incidents can be read on the way, unless a proxy or a service mesh encrypts it. "
            "Configure http.tls",
            config_.http.listen);
    spdlog::info("API on {} (port {}{}{}), probes and metrics on {} (port {})", config_.http.listen,
                 http_port_, tls_ ? ", TLS" : "",
                 config_.http.path_prefix.empty() ? "" : ", under " + config_.http.path_prefix,
                 config_.probe_listen, probe_port_);
    if (tls_)
        spdlog::info("the certificate in {} ends {}", config_.http.tls_certificate,
                     format_time_for_people(tls_->ends()));
}

asio::awaitable<void> App::handle_api(ServerRequest request, Responder& responder) {
    ServerReply reply;
    const std::string& prefix = config_.http.path_prefix;
    if (!request.path.starts_with(prefix + "/")) {
        reply =
            problem_reply(404, "Not found",
                          "There is nothing at " + request.path + "; everything here begins with " +
                              prefix + "/ (http.path_prefix).");
        co_return co_await responder.send(std::move(reply));
    }
    request.path.erase(0, prefix.size());
    const bool is_act = is_act_path(request.path), is_events = request.path == events_path;
    if (!is_act && !is_events && request.path != coverage_path && request.path != document_path &&
        request.path != report_path && !is_history_path(request.path)) {
        reply = problem_reply(404, "Not found",
                              "There is nothing at " + prefix + request.path + "; " + prefix +
                                  document_path + " says what there is, " + prefix + coverage_path +
                                  " and " + prefix + "/api/v1/incidents among it.");
    } else if (request.method != (is_act ? "POST" : "GET")) {
        const std::string method = is_act ? "POST" : "GET";
        reply = problem_reply(405, "Method not allowed", "Only " + method + " is possible here.");
        reply.headers.emplace_back("allow", method);
    } else if (auto refused = refuse_strangers(request, is_guarded(config_.http))) {
        reply = std::move(*refused);
    } else if (request.path == document_path) {
        reply.body = open_api_under(prefix);
    } else if (const auto caller = caller_of(request, config_.http); !caller) {
        reply = caller.error();
    } else if (auto lacking = refuse_without(is_act ? Role::responder : Role::viewer, *caller)) {
        reply = std::move(*lacking);
    } else if (is_events) {
        co_return co_await events(request, *caller, responder);
    } else if (is_act) {
        reply = co_await acts(request, *caller);
    } else if (request.path == coverage_path) {
        reply = co_await coverage_reply(*caller);
    } else if (request.path == report_path) {
        reply = co_await report(request, *caller);
    } else {
        reply = co_await history(request, *caller);
    }
    // The same path gives other bytes to who takes no gzip.
    reply.headers.emplace_back("vary", "accept-encoding");
    if (takes_gzip(request.header("accept-encoding"))) compress(reply);
    co_await responder.send(std::move(reply));
}

asio::awaitable<void> App::events(const ServerRequest& request, const Caller& caller,
                                  Responder& responder) {
    auto filter = event_filter(request.query);
    ServerReply refused;
    if (!filter) {
        refused = filter.error();
    } else if (feed_->listeners() >= EventFeed::listeners_max) {
        refused = problem_reply(503, "Too many listeners",
                                std::to_string(EventFeed::listeners_max) +
                                    " listen already. Ask for /api/v1/incidents instead.");
        refused.headers.emplace_back("retry-after", "30");
    } else {
        filter->visible = caller.namespaces;
        std::string id = request.header("last-event-id");
        co_return co_await feed_->serve(*std::move(filter), std::move(id), responder);
    }
    co_await responder.send(std::move(refused));
}

asio::awaitable<ServerReply> App::coverage_reply(const Caller& caller) {
    auto job = [](Reader& reader) { return reader.coverage_rows(); };
    const auto rows = co_await pages_.ask(job);
    ServerReply reply;
    if (!rows) co_return storage_reply(rows.error());
    auto report = coverage_report(*rows, clock_.now(), current_within(config_));
    std::erase_if(report.sources,
                  [&](const auto& source) { return !caller.may_see(source.place.namespace_); });
    reply.body = dump(coverage_to_json(report));
    co_return reply;
}

asio::awaitable<Result<ServerReply, StoreError>> App::answer(HistoryQuestion question, bool shorter,
                                                             std::atomic<bool>& begun) {
    const auto pack = shown_pack_;  // which a reload replaces meanwhile
    auto job = [&](Reader& reader) {
        return answer_history(reader, question, *pack, shorter, begun);
    };
    co_return co_await (takes_long(question) ? searches_ : pages_).ask(job);
}

asio::awaitable<ServerReply> App::report(const ServerRequest& request, const Caller& caller) {
    auto question = report_question(request.query, clock_.now());
    if (!question) co_return question.error();
    question->visible = caller.namespaces;
    auto job = [&question](Reader& reader) { return report_reply(reader, *question); };
    auto reply = co_await searches_.ask(job);
    if (!reply) co_return storage_reply(reply.error());
    co_return *std::move(reply);
}

asio::awaitable<ServerReply> App::history(const ServerRequest& request, const Caller& caller) {
    auto question = history_question(request.path, request.query, clock_.now());
    if (!question) co_return question.error();
    question->filter.visible = caller.namespaces;
    const bool shorter = takes_gzip(request.header("accept-encoding"));
    std::string key = key_of_question(request, caller.namespaces, shorter);
    SharedAnswers::Ask ask = [this, shorter,
                              question = *std::move(question)](std::atomic<bool>& begun) {
        return answer(question, shorter, begun);
    };
    const auto answered = co_await shared_answers_.ask(std::move(key), std::move(ask));
    if (!answered) co_return storage_reply(answered.error());
    ServerReply reply = *answered;
    const std::string known = request.header("if-none-match");
    for (const auto& [name, value] : reply.headers)
        if (name == "etag" && known.find(value) != std::string::npos) {
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
    if (tls_ && !tls_->trouble().empty()) degraded.push_back("http.tls: " + tls_->trouble());
    if (tls_ && tls_->ends() < clock_.now())
        degraded.push_back("http.tls: the certificate in " + config_.http.tls_certificate +
                           " ended " + format_time_for_people(tls_->ends()) +
                           ", and nobody accepts it any more. Put a new one there.");
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
        if (!is_over(row->state)) ++open[row->severity];
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
