#include "daemon/retention_loop.h"

#include "daemon/commands/text_blocks.h"

namespace runnerwatch {

namespace {

using Steady = std::chrono::steady_clock;

std::string age_words(Duration age) {
    constexpr auto day = Duration(std::chrono::hours(24));
    return age % day == Duration(0) ? counted(static_cast<std::uint64_t>(age / day), "day")
                                    : format_duration(age);
}

}  // namespace

std::string forgotten_words(const Forgotten& forgotten, Duration age_max) {
    std::string list;
    const auto add = [&](std::uint64_t count, const char* noun, const std::string& why = {}) {
        if (count > 0) list += (list.empty() ? "" : ", ") + counted(count, noun) + why;
    };
    add(forgotten.aged, "incident", " that ended more than " + age_words(age_max) + " ago");
    add(forgotten.crowded, "incident",
        " for room, the least severe and oldest first (storage.size_max)");
    add(forgotten.deliveries, "delivery attempt");
    add(forgotten.gaps, "gap");
    add(forgotten.positions, "position");
    add(forgotten.templates, "unknown message");
    add(forgotten.audits, "audit row");
    return list.empty() ? list : "retention removed " + list;
}

RetentionLoop::RetentionLoop(Loop loop, StoreThread& thread, Store& store, const Clock& clock,
                             Metrics& metrics, Limits limits, std::optional<Timestamp> last_alive,
                             Report report)
    : thread_(thread),
      store_(store),
      clock_(clock),
      metrics_(metrics),
      limits_(limits),
      report_(std::move(report)),
      time_(clock.now(), last_alive),
      started_(Steady::now()),
      pause_(loop) {}

asio::awaitable<void> RetentionLoop::run() {
    co_await clock_.sleep(first_after);
    for (;;) {
        co_await round();
        co_await clock_.sleep(every);
    }
}

asio::awaitable<void> RetentionLoop::round() {
    RetentionRules rules;
    rules.now = time_.at(clock_.now(), Steady::now() - started_);
    rules.age_max = limits_.age_max;
    rules.bytes_max = limits_.bytes_max;
    Forgotten sum;
    for (sum.more = true; sum.more;) {
        auto job = [this, &rules] {
            const auto began = Steady::now();
            return store_.forget(rules, [began] { return Steady::now() - began < slice; });
        };
        const auto forgotten = co_await thread_.run(job);
        if (!forgotten) {
            if (failure_ != forgotten.error().what) report_(forgotten.error().what);
            failure_ = forgotten.error().what;
            co_return;
        }
        failure_.clear();
        count(*forgotten);
        sum.add(*forgotten);
        if (!sum.more) break;
        pause_.expires_after(pause);  // what became dirty meanwhile is written first
        co_await pause_.async_wait(asio::use_awaitable);
    }
    tell(sum, time_.doubts());
}

void RetentionLoop::count(const Forgotten& removed) {
    metrics_.forgotten("incident", "age", removed.aged);
    metrics_.forgotten("incident", "size", removed.crowded);
    metrics_.forgotten("delivery", "age", removed.deliveries);
    metrics_.forgotten("gap", "age", removed.gaps);
    metrics_.forgotten("position", "age", removed.positions);
    metrics_.forgotten("template", "age", removed.templates);
    metrics_.forgotten("audit", "age", removed.audits);
    metrics_.set_database(removed.bytes_used, removed.bytes_free);
}

void RetentionLoop::tell(const Forgotten& round, bool doubts) {
    if (!round.nothing()) report_(forgotten_words(round, limits_.age_max));
    if (doubts && !doubted_)
        report_(
            "the clock of this machine went ahead by more than an hour: incidents are not removed "
            "by it before it has stood so for a day. If it is wrong, set it right until then.");
    doubted_ = doubts;
    std::string trouble;
    if (round.too_large)
        trouble = "the database holds " + std::to_string(round.bytes_used) + " bytes, more than " +
                  std::to_string(RetentionRules::begin_percent) + " % of storage.size_max (" +
                  std::to_string(limits_.bytes_max) +
                  "), and nothing is left that may be removed: incidents are open, on legal hold, "
                  "owed to a receiver or ended less than 3 days ago. Raise storage.size_max, or "
                  "lift holds (runnerwatch db holds).";
    if (!trouble.empty() && trouble_.empty()) report_(trouble);
    trouble_ = trouble;
}

}  // namespace runnerwatch
