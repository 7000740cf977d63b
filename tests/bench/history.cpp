// history FILE COUNT: a database with COUNT incidents of two years, one kept line each, made once;
// then how long its questions take. Figures are medians and slowest of 11, with the file in the
// page cache, and of the first time, when SQLite's own cache is empty.
#include "storage/store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::days;

const Timestamp newest{days(20'500)};
constexpr days span{730};
constexpr int batch = 4'000;

std::string padded(std::int64_t number, std::size_t digits) {
    std::string text = std::to_string(number);
    return std::string(digits - std::min(digits, text.size()), '0') + text;
}

// Incident `i` of `count`: the same in every database of that size.
void add(ChangeSet& set, std::int64_t i, std::int64_t count) {
    std::mt19937_64 random(static_cast<std::uint64_t>(i));
    const auto pick = [&](std::uint64_t below) { return random() % below; };
    const Timestamp at = newest - span + Duration(span) / count * i;
    const std::uint64_t rule = std::min(pick(40), pick(40)), name = pick(20);
    IncidentRow row;
    row.key = padded(i, 32);
    row.ulid = padded(i, 26);
    row.identity = "identity " + std::to_string(i);
    row.rule = "rule-" + padded(static_cast<std::int64_t>(rule), 2);
    row.title = "GitLab refuses this runner's job requests (403)";
    row.impact = "No job can start on this runner.";
    const std::uint64_t severity = pick(100);
    row.severity = severity < 2    ? Severity::critical
                   : severity < 30 ? Severity::error
                   : severity < 90 ? Severity::warning
                                   : Severity::info;
    row.state = pick(30) == 0 ? IncidentState::folded : IncidentState::resolved;
    if (i + 500 > count) row.state = IncidentState::open;
    row.cluster = "prod";
    row.namespace_ = "team-" + std::to_string(name);
    row.workload = "Deployment/runner-" + std::to_string(name * 10 + pick(10));
    row.scope_words = "2 of 2 running pods of " + row.workload;
    row.fields = R"({"host":"gitlab.example.com","runner":"glrt-AAA"})";
    row.headline = "Checking for jobs... forbidden";
    row.first_seen = at;
    // One in a thousand lasts for weeks.
    row.last_seen =
        at + (pick(1'000) == 0 ? Duration(days(static_cast<int>(pick(30))))
                               : std::chrono::seconds(static_cast<std::int64_t>(pick(7'200))));
    if (row.state != IncidentState::open) row.ended_at = *row.last_seen + std::chrono::minutes(2);
    row.noted_at = at + std::chrono::seconds(2);
    row.count = row.evidence_count = 1;
    set.incidents[row.key] = row;
    set.identities[row.identity] = IdentityRow{row.identity, 1, row.key, "[]"};
    MemberRow member;
    member.incident = row.key;
    member.place.member = "runner-" + std::to_string(pick(5'000));
    set.members[{row.key, member.place.member}] = member;
    EvidenceRow evidence;
    evidence.incident = row.key;
    evidence.ordinal = 1;
    evidence.rule = row.rule;
    evidence.member = member.place.member;
    evidence.at = at;
    // In every line; in one of 1,000; in one of 100,000; in this alone.
    evidence.text = "ERROR: Checking for jobs... forbidden runner=glrt" +
                    std::to_string(pick(1'000)) + " correlation=cor" +
                    std::to_string(pick(100'000)) + " job=j" + std::to_string(i);
    evidence.hash = padded(i, 64);
    set.evidence[{row.key, 0}] = evidence;
}

template <class Value>
Value or_exit(Result<Value, StoreError> result) {
    if (!result) {
        std::cerr << result.error().what << "\n";
        std::exit(2);
    }
    return std::move(*result);
}

void generate(const std::string& file, std::int64_t count) {
    auto store = or_exit(Store::open(file));
    const auto began = Steady::now();
    auto said = began;
    const auto meta = or_exit(or_exit(Reader::open(file))->meta("last_number"));
    std::int64_t done = meta ? std::stoll(*meta) : 0;
    const std::int64_t before = done;
    while (done < count) {
        ChangeSet set;
        const std::int64_t end = std::min(done + batch, count);
        for (; done < end; ++done) add(set, done, count);
        or_exit(store->commit(set));
        if (Steady::now() - said < std::chrono::seconds(10)) continue;
        said = Steady::now();
        std::cerr << done << " incidents\n";
    }
    const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
    if (done > before)
        std::cerr << "written: " << done - before << " incidents in " << seconds << " s\n";
}

using Ask = std::function<std::size_t(Reader&)>;

void measure(const std::string& file, const std::string& name, const Ask& ask) {
    const auto milliseconds = [&](Reader& reader, std::size_t& rows) {
        const auto began = Steady::now();
        rows = ask(reader);
        return std::chrono::duration<double, std::milli>(Steady::now() - began).count();
    };
    const auto reader = or_exit(Reader::open(file));
    std::size_t rows = 0;
    const double first = milliseconds(*reader, rows);
    std::vector<double> times;
    for (int i = 0; i < 11; ++i) times.push_back(milliseconds(*reader, rows));
    std::sort(times.begin(), times.end());
    std::printf("| %s | %zu | %.2f | %.2f | %.2f |\n", name.c_str(), rows, times[5], times[10],
                first);
    std::fflush(stdout);
}

IncidentFilter filter(const std::function<void(IncidentFilter&)>& change) {
    IncidentFilter made;
    made.limit = 50;
    change(made);
    return made;
}

void ask_all(const std::string& file, std::int64_t count) {
    std::printf("| question | rows | median ms | slowest ms | first ms |\n|---|---|---|---|---|\n");
    const auto page = [&](const std::string& name, const IncidentFilter& what) {
        measure(file, name,
                [&what](Reader& reader) { return or_exit(reader.incidents(what)).size(); });
    };
    const Timestamp year_ago = newest - days(365);
    const auto in = [](const char* rule, const char* name) {
        return [=](IncidentFilter& f) {
            f.rule = rule;
            f.namespace_ = name;
        };
    };
    const auto month = [](IncidentFilter& f, Timestamp from) {
        f.since = from;
        f.until = from + days(30);
    };
    page("newest 50", filter([](auto&) {}));
    page("rule + namespace", filter(in("rule-07", "team-3")));
    page("rare rule + namespace", filter(in("rule-39", "team-3")));
    page("rule + namespace, last month", filter([&](auto& f) {
             in("rule-07", "team-3")(f);
             month(f, newest - days(30));
         }));
    page("rule + namespace, a month a year ago", filter([&](auto& f) {
             in("rule-07", "team-3")(f);
             month(f, year_ago);
         }));
    page("rare rule + namespace, a day a year ago", filter([&](auto& f) {
             in("rule-39", "team-3")(f);
             f.since = year_ago;
             f.until = year_ago + days(1);
         }));
    page("a month a year ago", filter([&](auto& f) { month(f, year_ago); }));
    page("a pod", filter([](auto& f) { f.pod = "runner-77"; }));
    page("a workload by name, last month", filter([&](auto& f) {
             f.workload = "runner-77";
             month(f, newest - days(30));
         }));
    page("open", filter([](auto& f) { f.states = {IncidentState::open}; }));
    page("critical, a month a year ago", filter([&](auto& f) {
             f.severities = {Severity::critical};
             month(f, year_ago);
         }));
    const auto words = [](const std::string& text) {
        return [text](IncidentFilter& f) { f.text = text; };
    };
    page("text: one line", filter(words("j" + std::to_string(count / 2))));
    page("text: one line in 100,000", filter(words("cor4711")));
    page("text: one line in 1,000", filter(words("glrt471")));
    page("text: every line", filter(words("forbidden")));
    page("text: every line, and one in 1,000", filter(words("forbidden glrt471")));
    page("text: one in 1,000, rule + namespace, last month", filter([&](auto& f) {
             words("glrt471")(f);
             in("rule-07", "team-3")(f);
             month(f, newest - days(30));
         }));
    page("text: none", filter(words("nowhere")));
    const auto facets = [&](const std::string& name, const IncidentFilter& what,
                            const std::vector<std::string>& names) {
        measure(file, "facets: " + name, [&what, &names](Reader& reader) {
            return static_cast<std::size_t>(or_exit(reader.facets(what, names)).incidents);
        });
    };
    const std::vector<std::string> indexed{"rule",     "severity", "namespace",
                                           "workload", "state",    "outcome"};
    const auto last_month = [&](auto& f) { month(f, newest - days(30)); };
    const auto old_month = [&](auto& f) { month(f, year_ago); };
    facets("last month", filter(last_month), indexed);
    facets("a month a year ago", filter(old_month), indexed);
    facets("a month a year ago, rule + namespace", filter([&](auto& f) {
               in("rule-07", "team-3")(f);
               old_month(f);
           }),
           indexed);
    facets("a month a year ago, by pod", filter(old_month), {"pod"});
    measure(file, "statistics: a month a year ago", [&](Reader& reader) {
        return or_exit(reader.each_moments(filter(old_month), [](const IncidentMoments&) {}));
    });
}

}  // namespace
}  // namespace runnerwatch

int main(int argc, char** argv) {
    using namespace runnerwatch;
    const std::int64_t count = argc == 3 ? std::atoll(argv[2]) : 0;
    if (count < 1'000) {
        std::cerr << "usage: history FILE COUNT (at least 1000)\n";
        return 2;
    }
    generate(argv[1], count);
    ask_all(argv[1], count);
    return 0;
}
