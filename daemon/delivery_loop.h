#pragma once

#include "alerts/alertmanager.h"
#include "alerts/dispatcher.h"
#include "alerts/incident_book.h"
#include "alerts/message.h"
#include "daemon/config.h"
#include "daemon/metrics.h"
#include "daemon/net/http_client.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/task_group.h"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <string>
#include <vector>

namespace runnerwatch {

// Sends what the dispatcher and the Alertmanager ledger say is due, and hands the verdicts back.
//
// Confined to the loop. Several receivers are served at once, one message each at a time.
class DeliveryLoop {
public:
    struct Hooks {
        // Committed rows of these incidents; of memory where the database cannot be written.
        std::function<asio::awaitable<std::vector<IncidentDetail>>(std::vector<std::string>)>
            details;
        std::function<void()> changed;    // a verdict is to be written
        std::function<bool()> emergency;  // commits fail: what is urgent is told all the same
        std::function<void(const std::string& receiver, const std::string& what)> report;
    };

    DeliveryLoop(Loop loop, const Config& config, const RulePack& pack, IncidentBook& book,
                 Dispatcher& dispatcher, AlertmanagerLedger& ledger, const Clock& clock,
                 Metrics& metrics, Hooks hooks);

    asio::awaitable<void> run();
    void use_pack(const RulePack& pack) { pack_ = &pack; }
    void kick();
    asio::awaitable<void> stop() { return tasks_.stop(); }

private:
    asio::awaitable<void> send(DueMessage message);
    asio::awaitable<void> post(AlertmanagerPost post);
    asio::awaitable<DeliveryOutcome> attempt(DeliveryRequest request, std::string receiver);
    Result<DeliveryRequest, std::string> request_for(const Message& message);
    bool urgent(const DueMessage& message) const;

    Loop loop_;
    const Config& config_;
    const RulePack* pack_;
    IncidentBook& book_;
    Dispatcher& dispatcher_;
    AlertmanagerLedger& ledger_;
    const Clock& clock_;
    Metrics& metrics_;
    Hooks hooks_;
    HttpClient http_;
    asio::steady_timer wake_;
    bool kicked_ = false;
    std::set<std::string> posting_;  // Alertmanager URLs with a post under way
    TaskGroup tasks_;
};

}  // namespace runnerwatch
