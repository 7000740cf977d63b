#include "daemon/delivery_loop.h"

#include "alerts/receivers/webhook.h"
#include "daemon/net/url_parts.h"

#include <boost/asio/as_tuple.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <random>

namespace runnerwatch {

namespace {

constexpr std::chrono::seconds attempt_timeout{20};  // real time
constexpr std::chrono::seconds look_again{5};        // our clock, when nothing wakes us

double jitter() {
    thread_local std::minstd_rand engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
}

// The first line of a small file: a URL or key that must not stand in the configuration.
std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

}  // namespace

DeliveryLoop::DeliveryLoop(Loop loop, const Config& config, const RulePack& pack,
                           IncidentBook& book, Dispatcher& dispatcher, AlertmanagerLedger& ledger,
                           const Clock& clock, Metrics& metrics, Hooks hooks)
    : loop_(loop),
      config_(config),
      pack_(&pack),
      book_(book),
      dispatcher_(dispatcher),
      ledger_(ledger),
      clock_(clock),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      http_(loop),
      wake_(loop),
      tasks_(loop, [](const std::string& task, std::exception_ptr failure) {
          try {
              std::rethrow_exception(failure);
          } catch (const std::exception& error) {
              spdlog::error("delivery {} failed: {}", task, error.what());
          }
      }) {}

void DeliveryLoop::kick() {
    if (std::exchange(kicked_, true)) return;
    wake_.cancel();
}

bool DeliveryLoop::urgent(const DueMessage& message) const {
    return std::any_of(message.entries.begin(), message.entries.end(), [&](const auto& entry) {
        const IncidentRow* row = book_.find(entry.incident);
        return row && row->severity >= Severity::error && row->state == IncidentState::open;
    });
}

asio::awaitable<void> DeliveryLoop::run() {
    for (;;) {
        kicked_ = false;
        const Timestamp now = clock_.now();
        const bool emergency = hooks_.emergency();
        for (auto& message : dispatcher_.due(now, emergency)) {
            if (emergency && !urgent(message)) {
                dispatcher_.postpone(message);
                continue;
            }
            std::string name = message.receiver;
            tasks_.spawn(std::move(name), send(std::move(message)));
        }
        std::deque<IncidentRow> made;
        for (auto& due :
             ledger_.due(book_.told(made), !dispatcher_.catching_up(), emergency, now)) {
            if (!posting_.insert(due.url).second) continue;
            std::string name = due.receiver;
            tasks_.spawn(std::move(name), post(std::move(due)));
        }
        Timestamp next = now + look_again;
        if (const auto due = dispatcher_.next_due()) next = std::min(next, *due);
        if (const auto due = ledger_.next_due()) next = std::min(next, *due);
        const Duration wait = std::max<Duration>(next - now, std::chrono::milliseconds(50));
        wake_.expires_after(clock_.real(wait));
        if (!kicked_) {
            auto [error] = co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
            if (error && !kicked_) co_return;
        }
    }
}

Result<DeliveryRequest, std::string> DeliveryLoop::request_for(const Message& message) {
    const auto receiver =
        std::find_if(config_.alerts.receivers.begin(), config_.alerts.receivers.end(),
                     [&](const auto& candidate) { return candidate.name == message.receiver; });
    if (receiver == config_.alerts.receivers.end() || !receiver->webhook)
        return failure("the configuration no longer has a receiver named " + message.receiver);
    const auto& webhook = *receiver->webhook;
    WebhookTarget target;
    target.url = webhook.url_file.empty() ? webhook.url : first_line(webhook.url_file);
    if (target.url.empty())
        return failure("receiver " + message.receiver + " has no URL: " + webhook.url_file +
                       " is empty or cannot be read");
    if (!webhook.secret_file.empty()) {
        target.secret = first_line(webhook.secret_file);
        if (target.secret.empty())
            return failure("receiver " + message.receiver + " cannot sign: " + webhook.secret_file +
                           " is empty or cannot be read");
    }
    return webhook_request(message, target);
}

asio::awaitable<DeliveryOutcome> DeliveryLoop::attempt(DeliveryRequest request,
                                                       std::string receiver) {
    HttpCall call;
    call.method = request.method;
    call.url = std::move(request.url);
    call.headers = std::move(request.headers);
    call.body = std::move(request.body);
    call.timeout = attempt_timeout;
    call.reply_bytes_max = 64 * 1024;
    auto reply = co_await http_.fetch(std::move(call));
    DeliveryOutcome outcome;
    if (reply) {
        outcome.status = reply->status;
        outcome.retry_after = parse_retry_after(reply->header("retry-after"));
        if (reply->status / 100 != 2) outcome.error = "status " + std::to_string(reply->status);
    } else {
        outcome.error = reply.error().what;
    }
    const bool good = outcome.status / 100 == 2;
    metrics_.delivery(receiver, good ? "ok" : outcome.status ? "refused" : "unreachable");
    co_return outcome;
}

asio::awaitable<void> DeliveryLoop::send(DueMessage message) {
    std::vector<std::string> keys;
    for (const auto& entry : message.entries) keys.push_back(entry.incident);
    auto details = co_await hooks_.details(std::move(keys));
    const Message composed = compose(message, details, *pack_, clock_.now());
    auto request = request_for(composed);
    DeliveryOutcome outcome;
    if (request)
        outcome = co_await attempt(std::move(*request), message.receiver);
    else
        outcome.error = request.error();
    const Timestamp now = clock_.now();
    const DeliveryVerdict verdict =
        judge(outcome, message.attempt, message.owed_since, now, jitter());
    dispatcher_.finished(message, outcome, verdict, now);
    if (std::holds_alternative<Sent>(verdict))
        hooks_.report(message.receiver, "told: " + subject_of(composed));
    else if (const auto* again = std::get_if<RetryAt>(&verdict))
        hooks_.report(message.receiver, "not reached (" + outcome.error + "), trying again at " +
                                            format_time_for_people(again->when));
    else
        hooks_.report(message.receiver,
                      "gave up: " + std::get<GaveUp>(verdict).reason +
                          "; check the receiver's URL and credentials in the configuration");
    hooks_.changed();
}

asio::awaitable<void> DeliveryLoop::post(AlertmanagerPost post) {
    const DeliveryOutcome outcome = co_await attempt(post.request, post.receiver);
    posting_.erase(post.url);
    // 400 after a partial success: the valid alerts were stored, and all are sent again anyway.
    const bool success = outcome.status / 100 == 2;
    ledger_.finished(post, success, clock_.now());
    if (!success)
        hooks_.report(post.receiver, "Alertmanager at " + url_for_people(post.url) +
                                         " did not take " + std::to_string(post.rows.size()) +
                                         " alerts (" + outcome.error + "); trying again");
    hooks_.changed();
}

}  // namespace runnerwatch
