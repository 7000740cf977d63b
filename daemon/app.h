#pragma once

#include "alerts/alertmanager.h"
#include "alerts/dispatcher.h"
#include "alerts/incident_book.h"
#include "daemon/answer_book.h"
#include "daemon/api/access.h"
#include "daemon/api/act_api.h"
#include "daemon/api/event_feed.h"
#include "daemon/api/history_api.h"
#include "daemon/api/shared_answers.h"
#include "daemon/committer.h"
#include "daemon/config.h"
#include "daemon/crash_mark.h"
#include "daemon/delivery_loop.h"
#include "daemon/metrics.h"
#include "daemon/net/http_server.h"
#include "daemon/net/tls_identity.h"
#include "daemon/retention_loop.h"
#include "daemon/rule_files.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/read_thread.h"
#include "daemon/runtime/store_thread.h"
#include "daemon/runtime/task_group.h"
#include "daemon/source_manager.h"
#include "parsers/known_heads.h"
#include "parsers/matcher.h"
#include "storage/store.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace runnerwatch {

// The daemon: builds all parts, runs them, stops them in reverse.
//
// One loop thread; for the database one that writes and two that read. Made anew for a reload:
// all that must survive is in the database.
class App {
public:
    static constexpr std::chrono::minutes catch_up_max{5};
    static constexpr std::chrono::minutes outage_min{5};
    static constexpr std::chrono::seconds rules_looked_at_every{5};
    static constexpr std::chrono::seconds last_deliveries_max{5};  // real time, at a stop
    static constexpr std::chrono::seconds pages_patience{5}, searches_patience{15};  // real time

    // What a demonstration shows. Called on the loop, for committed state only.
    struct Watchers {
        std::function<void(const IncidentRow&)> on_incident;
        std::function<void(const std::string& receiver, const std::string& what)> on_delivery;
    };

    App(asio::io_context& io, Config config, RuleSet rules, const Clock& clock, Watchers watchers);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    // Opens the database and the listeners and begins to read. The error is four-part.
    asio::awaitable<Result<std::monostate, std::string>> start();

    // Reads the rules of the configured folders again and puts them in force; where they are
    // refused, those of before stay, and that is said, counted and shown as degraded. What is open
    // and pending survives. Also done when a file of the folders changes.
    asio::awaitable<void> reload_rules();

    // Two phases: reading stops and what it gave is written and, for a bounded time, told; then
    // everything else is cancelled.
    asio::awaitable<void> stop();

    std::uint16_t http_port() const { return http_port_; }
    std::uint16_t probe_port() const { return probe_port_; }
    const Config& config() const { return config_; }

private:
    void collect(ChangeSet& changes);
    void note_for_listeners(const IncidentRow& row);
    void on_committed(const CommitResult& result);
    void on_all_caught_up(const std::string& why);
    asio::awaitable<void> housekeeping();
    asio::awaitable<void> watch_rules();
    void use_rules(RuleSet rules);
    void refuse_rules(const std::vector<std::string>& errors);
    asio::awaitable<std::vector<IncidentDetail>> details(std::vector<std::string> keys);
    asio::awaitable<Result<std::monostate, std::string>> open_store();
    void load(const StoredState& stored);
    Result<std::monostate, std::string> listen();
    void say_where_it_listens() const;
    asio::awaitable<void> handle_api(ServerRequest request, Responder& responder);
    asio::awaitable<void> handle_probe(ServerRequest request, Responder& responder);
    asio::awaitable<void> events(const ServerRequest& request, const Caller& caller,
                                 Responder& responder);
    asio::awaitable<Result<ServerReply, StoreError>> answer(HistoryQuestion question, bool shorter,
                                                            std::atomic<bool>& begun);
    asio::awaitable<ServerReply> report(const ServerRequest& request, const Caller& caller);
    asio::awaitable<ServerReply> history(const ServerRequest& request, const Caller& caller);
    asio::awaitable<ServerReply> acts(const ServerRequest& request, const Caller& caller);
    bool sees_whole(const Caller& caller, const std::string& id) const;
    std::optional<std::string> hidden_from(const Caller& caller, const ActQuestion& question) const;
    asio::awaitable<std::optional<ServerReply>> recall(const ActQuestion& question);
    ServerReply too_many_recalled_reply() const;
    ServerReply unwritten_reply() const;
    asio::awaitable<ServerReply> coverage_reply(const Caller& caller);
    std::string ready_body() const;
    std::string metrics_text();
    std::string outage_words() const;

    asio::io_context& io_;
    Config config_;
    std::unique_ptr<Matcher> matcher_;
    KnownHeads heads_;
    std::shared_ptr<const RulePack> shown_pack_;  // the rules, for other threads than the loop
    const Clock& clock_;
    Watchers watchers_;
    Metrics metrics_;
    CrashMark crash_mark_;
    StoreThread writer_thread_, worker_thread_;  // worker: pure work
    std::unique_ptr<Store> store_;
    // Pages and what acts need; full text, facets, statistics and postmortems, which take longer.
    ReadThread pages_{pages_patience}, searches_{searches_patience};
    std::unique_ptr<IncidentBook> book_;
    ExceptionBook exceptions_{metrics_};
    UnclassifiedBook unclassified_;
    AnswerBook answers_;
    std::set<std::string> answering_;  // keys of requests that have no answer yet
    std::string rules_trouble_;        // why the rules on disk are not in force; empty: they are
    std::unique_ptr<Dispatcher> dispatcher_;
    std::unique_ptr<AlertmanagerLedger> ledger_;
    std::unique_ptr<Committer> committer_;
    std::unique_ptr<DeliveryLoop> delivery_;
    std::unique_ptr<RetentionLoop> retention_;
    std::unique_ptr<SourceManager> sources_;
    std::unique_ptr<EventFeed> feed_;
    std::unique_ptr<TlsIdentity> tls_;  // null: the API speaks plain HTTP
    std::unique_ptr<HttpServer> http_, probe_;
    std::uint16_t http_port_ = 0, probe_port_ = 0;
    Timestamp started_at_{};
    std::optional<Timestamp> last_alive_;
    std::uint64_t taken_ = 0;
    bool alive_due_ = false;
    bool stopping_ = false;
    TaskGroup tasks_;
    SharedAnswers shared_answers_{tasks_};
};

}  // namespace runnerwatch
