#include "daemon/app.h"

#include "parsers/digest.h"
#include "parsers/redaction.h"

#include <boost/asio/as_tuple.hpp>

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace runnerwatch {

namespace {

constexpr std::chrono::hours ended_loaded{48};
constexpr const char* writing_task = "writing";

void log_failure(const std::string& task, std::exception_ptr failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        spdlog::critical("{} failed: {}", task, error.what());
    }
    if (task != writing_task) return;
    // Without it nothing would be kept, and nobody would notice. What was committed is whole, and
    // what was not is read again.
    spdlog::critical("nothing can be written any more: leaving, to be started again");
    spdlog::default_logger()->flush();
    std::_Exit(1);
}

std::set<std::string> own_grouping(const Config& config) {
    std::set<std::string> names;
    for (const auto& receiver : config.alerts.receivers)
        if (receiver.alertmanager) names.insert(receiver.name);
    return names;
}

std::vector<AlertmanagerLedger::Target> alertmanagers(const Config& config) {
    std::vector<AlertmanagerLedger::Target> targets;
    for (const auto& receiver : config.alerts.receivers)
        if (receiver.alertmanager)
            targets.push_back(
                {receiver.name, receiver.alertmanager->urls, receiver.alertmanager->hold});
    return targets;
}

}  // namespace

App::App(asio::io_context& io, Config config, RuleSet rules, const Clock& clock, Watchers watchers)
    : io_(io),
      config_(std::move(config)),
      matcher_(std::move(rules.matcher)),
      heads_(*matcher_),
      clock_(clock),
      watchers_(std::move(watchers)),
      started_at_(clock.now()),
      tasks_(io.get_executor(), log_failure) {
    shown_pack_ = std::make_shared<const RulePack>(matcher_->pack());
    exceptions_.use(std::move(rules.exceptions));
    metrics_.set_rules(matcher_->pack().rules.size(), true);
}

App::~App() = default;

asio::awaitable<Result<std::monostate, std::string>> App::open_store() {
    const std::filesystem::path file = config_.storage.database;
    auto open_writer = [file] { return Store::open(file); };
    auto store = co_await writer_thread_.run(open_writer);
    if (!store) co_return failure(store.error().what);
    store_ = std::move(*store);
    for (ReadThread* readers : {&pages_, &searches_})
        if (const auto opened = co_await readers->open(file); !opened)
            co_return failure(opened.error().what);
    // Behind the database's lock: whoever has that has this file too.
    if (const auto words = crash_mark_.open(file.string() + "-crash"); !words.empty())
        spdlog::error("{}", words);
    co_return std::monostate{};
}

void App::load(const StoredState& stored) {
    if (const auto alive = stored.meta.find("last_alive"); alive != stored.meta.end())
        if (const auto at = parse_time(alive->second)) last_alive_ = at->time;
    book_ = std::make_unique<IncidentBook>(matcher_->pack(), stored.database_id);
    book_->load(stored);
    exceptions_.load(stored);
    unclassified_.load(stored);
    answers_.load(stored);
    dispatcher_ = std::make_unique<Dispatcher>(config_.alerts.route, own_grouping(config_));
    dispatcher_->load(stored);
    ledger_ = std::make_unique<AlertmanagerLedger>(matcher_->pack(), alertmanagers(config_));
    ledger_->load(stored);
    // What was owed when we stopped follows from the incidents as they stand.
    std::deque<IncidentRow> made;
    for (const IncidentRow* incident : book_->told(made))
        dispatcher_->incident_changed(*incident, started_at_);
}

asio::awaitable<Result<std::monostate, std::string>> App::start() {
    if (holds_canary_secret(redact(redaction_canary())))
        co_return failure(std::string(
            "refusing to start: the redaction canary came through in the clear, so secrets "
            "could reach the database and the receivers. This is a defect of this build: use "
            "another version and report it."));
    auto opened = co_await open_store();
    if (!opened) co_return failure(opened.error());
    const Timestamp ended_since = started_at_ - ended_loaded;
    auto read = [this, ended_since] { return store_->load(ended_since); };
    auto stored = co_await writer_thread_.run(read);
    if (!stored) co_return failure(stored.error().what);
    auto read_coverage = [](Reader& reader) { return reader.open_coverage(); };
    const auto coverage = co_await searches_.ask(read_coverage);
    if (!coverage) co_return failure(coverage.error().what);
    load(*stored);

    const Loop loop = io_.get_executor();
    const std::string run = sha256_hex(stored->database_id + format_time(started_at_));
    feed_ = std::make_unique<EventFeed>(loop, run.substr(0, 12));
    Committer::Hooks commits;
    commits.collect = [this](ChangeSet& changes) { collect(changes); };
    commits.committed = [this](const CommitResult& result) { on_committed(result); };
    commits.recovered = [this] { sources_->end_dropping(); };
    commits.trouble = [](const std::string& what) {
        if (what.empty())
            spdlog::info("the database can be written again");
        else
            spdlog::error("{}", what);
    };
    committer_ = std::make_unique<Committer>(loop, writer_thread_, *store_, clock_, metrics_,
                                             std::move(commits));
    DeliveryLoop::Hooks deliveries;
    deliveries.details = [this](std::vector<std::string> keys) { return details(std::move(keys)); };
    deliveries.changed = [this] { committer_->kick(); };
    deliveries.emergency = [this] { return committer_->failing(); };
    deliveries.report = [this](const std::string& receiver, const std::string& what) {
        spdlog::info("{}: {}", receiver, what);
        if (watchers_.on_delivery) watchers_.on_delivery(receiver, what);
    };
    delivery_ =
        std::make_unique<DeliveryLoop>(loop, config_, matcher_->pack(), *book_, *dispatcher_,
                                       *ledger_, clock_, metrics_, std::move(deliveries));
    const RetentionLoop::Limits limits{config_.storage.retention, config_.storage.size_max};
    retention_ = std::make_unique<RetentionLoop>(
        loop, writer_thread_, *store_, clock_, metrics_, limits, last_alive_,
        [](const std::string& words) { spdlog::info("{}", words); });
    SourceManager::Hooks reading;
    reading.report = [](const std::string& what) { spdlog::warn("{}", what); };
    reading.all_caught_up = [this] { on_all_caught_up("all sources are read"); };
    reading.changed = [this] { committer_->kick(); };
    sources_ = std::make_unique<SourceManager>(
        loop, config_, *matcher_, heads_, *book_, exceptions_, unclassified_, clock_, metrics_,
        crash_mark_, [this] { return committer_->dropping(); }, std::move(reading));
    if (auto listening = listen(); !listening) co_return failure(listening.error());
    sources_->start(*stored, *coverage);
    tasks_.spawn(writing_task, committer_->run());
    tasks_.spawn("keeping listeners", feed_->run());
    tasks_.spawn("telling", delivery_->run());
    tasks_.spawn("housekeeping", housekeeping());
    tasks_.spawn("watching rules", watch_rules());
    tasks_.spawn("forgetting", retention_->run());
    for (const auto& words : exceptions_.expired_words(started_at_)) spdlog::warn("{}", words);
    co_return std::monostate{};
}

// One turn of the loop, no waiting inside: positions and what the lines before them changed.
void App::collect(ChangeSet& changes) {
    sources_->take_changes(changes);
    const Timestamp now = clock_.now();
    for (const auto& key : book_->take_changed())
        if (const auto incident = book_->as_told(key))
            dispatcher_->incident_changed(*incident, now);
    ChangeSet incidents = book_->take_changes();
    for (const auto& [key, row] : incidents.incidents)
        if (row) note_for_listeners(*row);
    changes.merge(std::move(incidents));
    changes.merge(unclassified_.take_changes());
    exceptions_.take_changes(changes);
    answers_.take_changes(changes);
    ledger_->take_changes(changes);
    taken_ = dispatcher_->take_changes(changes);
    if (std::exchange(alive_due_, false)) changes.meta["last_alive"] = format_time(now);
}

// What stands for others is told as it is shown, whichever of them changed.
void App::note_for_listeners(const IncidentRow& row) {
    const std::string whole = book_->whole_of(row.key);
    if (whole != row.key) feed_->note(row);
    feed_->note(book_->as_shown(whole).value_or(row));
}

void App::on_committed(const CommitResult& result) {
    book_->set_numbers(result.numbers);
    feed_->committed(result.numbers);
    dispatcher_->committed(taken_);
    delivery_->kick();
    if (!watchers_.on_incident) return;
    for (const auto& [key, unused] : result.numbers)
        if (const IncidentRow* incident = book_->find(key)) watchers_.on_incident(*incident);
}

std::string App::outage_words() const {
    if (!last_alive_ || started_at_ - *last_alive_ < outage_min) return "";
    std::size_t ended = 0;
    for (const IncidentRow* incident : book_->incidents())
        if (incident->state == IncidentState::resolved && incident->noted_at >= started_at_)
            ++ended;
    bool open = false;
    for (const IncidentRow* incident : book_->incidents())
        open |= incident->state == IncidentState::open && incident->noted_at >= started_at_;
    if (ended == 0 && !open) return "";
    return "runnerwatch did not run from " + format_time_for_people(*last_alive_) + " to " +
           format_time_for_people(started_at_) +
           (ended == 0 ? ""
                       : "; " + std::to_string(ended) + (ended == 1 ? " incident" : " incidents") +
                             " began and ended meanwhile, see the history");
}

void App::on_all_caught_up(const std::string& why) {
    if (!dispatcher_->catching_up()) return;
    const auto incidents = book_->incidents();
    const auto open = std::count_if(incidents.begin(), incidents.end(),
                                    [](const IncidentRow* row) { return !is_over(row->state); });
    spdlog::info("caught up ({}): {} incidents open", why, open);
    // What became dirty so far belongs to the history that is not told line by line.
    for (const auto& key : book_->take_changed())
        if (const auto incident = book_->as_told(key))
            dispatcher_->incident_changed(*incident, clock_.now());
    std::deque<IncidentRow> made;
    dispatcher_->caught_up(book_->told(made), outage_words(), clock_.now());
    committer_->kick();
}

asio::awaitable<void> App::housekeeping() {
    constexpr std::chrono::seconds tick_every{30};
    Timestamp ticked{}, noted{};
    for (;;) {
        const Timestamp now = clock_.now();
        sources_->probe_wanted(now);
        const auto wanted = book_->next_tick();
        if (now - ticked >= tick_every || (wanted && *wanted <= now)) {
            book_->tick(now);
            answers_.forget_old(now);
            ticked = now;
            committer_->kick();
        }
        if (now - noted >= tick_every) {
            alive_due_ = true;
            noted = now;
        }
        if (dispatcher_->catching_up() && now - started_at_ >= catch_up_max)
            on_all_caught_up("some sources are still being read after 5 minutes");
        co_await clock_.sleep(std::chrono::seconds(1));
    }
}

asio::awaitable<std::vector<IncidentDetail>> App::details(std::vector<std::string> keys) {
    std::vector<IncidentDetail> found;
    if (!committer_->failing()) {
        auto job = [&keys](Reader& reader) -> Result<std::vector<IncidentDetail>, StoreError> {
            std::vector<IncidentDetail> rows;
            for (const auto& key : keys)
                if (auto detail = reader.incident(key); detail && *detail)
                    rows.push_back(std::move(**detail));
            return rows;
        };
        if (auto read = co_await pages_.ask(job)) found = std::move(*read);
        for (auto& detail : found)
            if (book_->is_merged(detail.incident.key))
                detail.incident = *book_->as_told(detail.incident.key);
        if (found.size() == keys.size()) co_return found;
        found.clear();
    }
    for (const auto& key : keys) {
        auto row = book_->as_told(key);
        if (!row) continue;
        IncidentDetail detail;
        detail.incident = std::move(*row);
        for (const MemberRow* member : book_->members(key)) detail.members.push_back(*member);
        found.push_back(std::move(detail));
    }
    co_return found;
}

asio::awaitable<void> App::stop() {
    if (std::exchange(stopping_, true)) co_return;
    // First phase: nothing new comes in, what came is written and told while there is time.
    if (sources_) co_await sources_->stop();
    bool written = true;
    if (committer_) {
        alive_due_ = true;
        written = co_await committer_->write_now();
    }
    if (written && dispatcher_ && !dispatcher_->catching_up()) {
        const auto until = std::chrono::steady_clock::now() + last_deliveries_max;
        asio::steady_timer pause(io_);
        delivery_->kick();
        while (std::chrono::steady_clock::now() < until && dispatcher_->owes_by(clock_.now())) {
            pause.expires_after(std::chrono::milliseconds(50));
            co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }
    // Second phase.
    if (delivery_) co_await delivery_->stop();
    if (http_) co_await http_->stop();
    if (probe_) co_await probe_->stop();
    co_await tasks_.stop();
    if (committer_ && !co_await committer_->write_now())
        spdlog::error("stopped with unwritten state: {}", committer_->trouble());
    // The writer last: who closes a database last folds its write-ahead log into the file.
    co_await searches_.close();
    co_await pages_.close();
    auto close = [this] {
        store_.reset();
        return true;
    };
    co_await writer_thread_.run(close);
}

}  // namespace runnerwatch
