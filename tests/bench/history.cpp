// history FILE COUNT [WORDS]: a database with COUNT incidents of two years, one kept line each,
// made once; then how long its questions take. Figures are medians and slowest of 11, with the file
// in the page cache, and of the first time, when SQLite's own cache is empty; and the least
// processor time of one, which a busy machine disturbs less. Given WORDS, only questions that have
// them in their names are asked.
#include "history_rows.h"
#include "storage/store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::days;

template <class Value>
Value or_exit(Result<Value, StoreError> result) {
    if (!result) {
        std::cerr << result.error().what << "\n";
        std::exit(2);
    }
    return std::move(*result);
}

void generate(const std::string& file, std::int64_t count) {
    if (std::filesystem::exists(file)) return;
    const auto began = Steady::now();
    const std::string unfinished = file + ".unfinished";
    std::filesystem::remove(unfinished);
    or_exit(Store::open(unfinished));  // makes the tables
    const auto seconds = [&] { return std::chrono::duration<double>(Steady::now() - began); };
    write_history(unfinished, count, [&](const std::string& step) {
        std::cerr << step << " after " << static_cast<int>(seconds().count()) << " s\n";
    });
    std::filesystem::rename(unfinished, file);
}

using Ask = std::function<std::size_t(Reader&)>;

std::string only;  // questions whose names have it

double processor_milliseconds() {
    return static_cast<double>(std::clock()) * 1'000 / CLOCKS_PER_SEC;
}

void measure(const std::string& file, const std::string& name, const Ask& ask) {
    if (name.find(only) == name.npos) return;
    double least = 1e9;
    const auto milliseconds = [&](Reader& reader, std::size_t& rows) {
        const auto began = Steady::now();
        const double processor = processor_milliseconds();
        rows = ask(reader);
        least = std::min(least, processor_milliseconds() - processor);
        return std::chrono::duration<double, std::milli>(Steady::now() - began).count();
    };
    const auto reader = or_exit(Reader::open(file));
    std::size_t rows = 0;
    const double first = milliseconds(*reader, rows);
    std::vector<double> times;
    for (int i = 0; i < 11; ++i) times.push_back(milliseconds(*reader, rows));
    std::sort(times.begin(), times.end());
    std::printf("| %s | %zu | %.2f | %.2f | %.2f | %.2f |\n", name.c_str(), rows, times[5],
                times[10], first, least);
    std::fflush(stdout);
}

IncidentFilter filter(const std::function<void(IncidentFilter&)>& change) {
    IncidentFilter made;
    made.limit = 50;
    change(made);
    return made;
}

void ask_all(const std::string& file, std::int64_t count) {
    std::printf(
        "| question | rows | median ms | slowest ms | first ms | processor ms |\n"
        "|---|---|---|---|---|---|\n");
    const auto page = [&](const std::string& name, const IncidentFilter& what) {
        measure(file, name,
                [&what](Reader& reader) { return or_exit(reader.incidents(what)).size(); });
    };
    const Timestamp newest = history_end, year_ago = newest - days(365);
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
    const std::int64_t count = argc == 3 || argc == 4 ? std::atoll(argv[2]) : 0;
    if (count < 1'000) {
        std::cerr << "usage: history FILE COUNT [WORDS] (at least 1000)\n";
        return 2;
    }
    if (argc == 4) only = argv[3];
    generate(argv[1], count);
    ask_all(argv[1], count);
    return 0;
}
