#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>

namespace runnerwatch {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;

Counters& counters(prometheus::Registry& registry, const char* name, const char* help) {
    return BuildCounter().Name(std::string("runnerwatch_") + name).Help(help).Register(registry);
}

Gauges& gauges(prometheus::Registry& registry, const char* name, const char* help) {
    return BuildGauge().Name(std::string("runnerwatch_") + name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::Families {
    prometheus::Registry registry;
    prometheus::Counter& lines =
        counters(registry, "lines_read_total", "Physical lines read from all sources").Add({});
    prometheus::Counter& bytes =
        counters(registry, "bytes_read_total", "Bytes of those lines").Add({});
    prometheus::Counter& dropped =
        counters(registry, "lines_dropped_total",
                 "Lines not looked at because the database could not be written")
            .Add({});
    prometheus::Counter& slow =
        counters(registry, "slow_turns_total", "Turns of the loop that took over 20 ms").Add({});
    Counters& matched = counters(registry, "records_matched_total", "Records matched, by rule");
    Counters& commits = counters(registry, "commits_total", "Transactions, by result");
    prometheus::Counter& commit_seconds =
        counters(registry, "commit_seconds_total", "Time spent in transactions").Add({});
    Counters& deliveries =
        counters(registry, "deliveries_total", "Delivery attempts, by receiver and result");
    Counters& gaps = counters(registry, "gaps_total", "Gaps in what was read, by kind");
    Counters& excepted = counters(registry, "excepted_total",
                                  "Detections that an exception kept away, by rule or template");
    Counters& unclassified = counters(registry, "unclassified_total",
                                      "Records of warning and worse that no rule takes, by level");
    Counters& reloads = counters(registry, "rule_reloads_total", "Reloads of rules, by result");
    Counters& forgotten = counters(registry, "forgotten_total",
                                   "Rows of the database that retention removed, by what and why");
    Gauges& database =
        gauges(registry, "database_bytes", "Size of the database file: in use, and free within it");
    prometheus::Gauge& rules = gauges(registry, "rules", "Rules in force").Add({});
    prometheus::Gauge& rules_current =
        gauges(registry, "rules_current", "0 while the rules on disk are refused").Add({});
    prometheus::Gauge& templates =
        gauges(registry, "unclassified_templates", "Kinds of such records").Add({});
    prometheus::Gauge& templates_beyond =
        gauges(registry, "unclassified_beyond", "Such records past the limit of kinds").Add({});
    Gauges& sources = gauges(registry, "sources", "Containers and files, by state");
    prometheus::Gauge& current = gauges(registry, "sources_current",
                                        "Containers and files proven read up to a short while ago")
                                     .Add({});
    prometheus::Gauge& living =
        gauges(registry, "sources_living", "Containers and files that are to be read").Add({});
    prometheus::Gauge& as_of =
        gauges(registry, "coverage_as_of_seconds",
               "Time up to which all current sources are proven read; 0: none is")
            .Add({});
    Gauges& open = gauges(registry, "incidents_open", "Incidents not ended, by severity");
    prometheus::Gauge& owed = gauges(registry, "outbox_owed", "Messages owed to receivers").Add({});
    prometheus::Gauge& oldest =
        gauges(registry, "outbox_oldest_seconds", "Age of the oldest message owed").Add({});
    prometheus::Gauge& unwritten =
        gauges(registry, "unwritten_bytes", "State that waits for a transaction").Add({});
    prometheus::Gauge& storage =
        gauges(registry, "storage_ok", "1 while transactions succeed").Add({});
};

Metrics::Metrics() : families_(std::make_unique<Families>()) { families_->storage.Set(1); }
Metrics::~Metrics() = default;

void Metrics::lines_dropped(std::size_t count) {
    families_->dropped.Increment(static_cast<double>(count));
}

void Metrics::record_matched(const std::string& rule) {
    families_->matched.Add({{"rule", rule}}).Increment();
}

void Metrics::commit(bool success, double seconds) {
    families_->commits.Add({{"result", success ? "ok" : "failed"}}).Increment();
    families_->commit_seconds.Increment(seconds);
}

void Metrics::delivery(const std::string& receiver, const std::string& result) {
    families_->deliveries.Add({{"receiver", receiver}, {"result", result}}).Increment();
}

void Metrics::gap(const std::string& kind) { families_->gaps.Add({{"kind", kind}}).Increment(); }

void Metrics::slow_turn() { families_->slow.Increment(); }

void Metrics::excepted(const std::string& what, const std::string& exception) {
    families_->excepted.Add({{"rule", what}, {"exception", exception}}).Increment();
}

void Metrics::unclassified(const std::string& level) {
    families_->unclassified.Add({{"level", level}}).Increment();
}

void Metrics::rules_reloaded(bool success) {
    families_->reloads.Add({{"result", success ? "ok" : "refused"}}).Increment();
}

void Metrics::forgotten(const std::string& what, const std::string& why, std::uint64_t count) {
    families_->forgotten.Add({{"what", what}, {"why", why}}).Increment(static_cast<double>(count));
}

void Metrics::set_rules(std::size_t count, bool current) {
    families_->rules.Set(static_cast<double>(count));
    families_->rules_current.Set(current ? 1 : 0);
}

void Metrics::set_templates(std::size_t count, std::uint64_t beyond) {
    families_->templates.Set(static_cast<double>(count));
    families_->templates_beyond.Set(static_cast<double>(beyond));
}

void Metrics::set_sources(std::size_t known, std::size_t caught_up, std::size_t complete) {
    families_->sources.Add({{"state", "known"}}).Set(static_cast<double>(known));
    families_->sources.Add({{"state", "caught_up"}}).Set(static_cast<double>(caught_up));
    families_->sources.Add({{"state", "complete"}}).Set(static_cast<double>(complete));
}

void Metrics::set_coverage(std::size_t current, std::size_t living, double as_of) {
    families_->current.Set(static_cast<double>(current));
    families_->living.Set(static_cast<double>(living));
    families_->as_of.Set(as_of);
}

void Metrics::set_open_incidents(const std::string& severity, std::size_t count) {
    families_->open.Add({{"severity", severity}}).Set(static_cast<double>(count));
}

void Metrics::set_outbox(std::size_t owed, double oldest_seconds) {
    families_->owed.Set(static_cast<double>(owed));
    families_->oldest.Set(oldest_seconds);
}

void Metrics::set_unwritten(std::size_t bytes) {
    families_->unwritten.Set(static_cast<double>(bytes));
}

void Metrics::set_storage_ok(bool ok) { families_->storage.Set(ok ? 1 : 0); }

void Metrics::set_database(std::uint64_t used_bytes, std::uint64_t free_bytes) {
    families_->database.Add({{"state", "used"}}).Set(static_cast<double>(used_bytes));
    families_->database.Add({{"state", "free"}}).Set(static_cast<double>(free_bytes));
}

std::string Metrics::text() {
    families_->lines.Increment(static_cast<double>(std::exchange(lines_, 0)));
    families_->bytes.Increment(static_cast<double>(std::exchange(bytes_, 0)));
    return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace runnerwatch
