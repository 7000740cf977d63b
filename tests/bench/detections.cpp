// detections FOLDER [SECONDS]: how many detections a second are kept, over 1,000 incidents that are
// open, with all that the daemon does for each: the book, what is owed to receivers, events, and
// one transaction after the other on the disk of FOLDER. As in the daemon one thread observes while
// another commits. Lines are not read here: that is what `./dev bench` measures.
#include "alerts/dispatcher.h"
#include "alerts/incident_book.h"
#include "storage/store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <future>
#include <iostream>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int incidents = 1'000;
constexpr int pods_of_each = 3;
constexpr std::chrono::milliseconds grouping{20};  // as Committer::grouping
const Timestamp begin{std::chrono::days(20'500)};

RulePack one_rule() {
    Rule rule;
    rule.id = "forbidden";
    rule.title = "GitLab refuses this runner's job requests (403)";
    rule.severity = Severity::error;
    rule.raise_to = Severity::critical;
    rule.response = Response::page;
    rule.identity = {"host", "runner"};
    Cause cause;
    cause.id = "wrong-token-kind";
    cause.says = "The token is of another kind.";
    rule.causes = {cause};
    return {"bench", "1", {rule}};
}

Place pod(int incident, int number) {
    Place place;
    place.cluster = "prod";
    place.namespace_ = "team-" + std::to_string(incident % 20);
    place.workload = "Deployment/runner-" + std::to_string(incident);
    place.member = "runner-" + std::to_string(incident) + "-" + std::to_string(number);
    place.member_uid = "uid-" + place.member;
    place.member_created = begin;
    place.container = "gitlab-runner";
    place.instance = place.member + "/0";
    return place;
}

Route to_one_team() {
    Route route;
    route.receiver = "team";
    return route;
}

class Bench {
public:
    explicit Bench(const std::string& file)
        : store_(or_exit(Store::open(file))), book_(pack_, store_->database_id()) {
        for (int i = 0; i < incidents; ++i)
            for (int k = 0; k < pods_of_each; ++k) {
                places_.push_back(pod(i, k));
                book_.lifecycle({LifecycleKind::started, places_.back(), begin}, begin);
            }
        for (int i = 0; i < incidents * pods_of_each; ++i) observe();
        commit(collect());
    }

    void run(std::chrono::seconds span) {
        const auto began = Steady::now();
        const std::clock_t clock = std::clock();
        const std::uint64_t before = line_;
        std::future<void> committing;
        std::vector<double> commits;
        while (Steady::now() - began < span) {
            const auto until = Steady::now() + grouping;
            while (Steady::now() < until || (committing.valid() && !ready(committing)))
                for (int i = 0; i < 16; ++i) observe();
            if (committing.valid()) committing.get();
            committing = std::async(std::launch::async, [this, &commits, set = collect()] {
                const auto commit_began = Steady::now();
                commit(set);
                commits.push_back(
                    std::chrono::duration<double, std::milli>(Steady::now() - commit_began)
                        .count());
            });
        }
        committing.get();
        const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
        const auto count = static_cast<double>(line_ - before);
        std::sort(commits.begin(), commits.end());
        std::printf(
            "%.0f detections/s committed over %d open incidents of %d pods each; %.1f us of "
            "processor time each\n%zu commits, median %.1f ms, slowest %.1f ms\n",
            count / seconds, incidents, pods_of_each,
            static_cast<double>(std::clock() - clock) / CLOCKS_PER_SEC * 1e6 / count,
            commits.size(), commits[commits.size() / 2], commits.back());
    }

private:
    template <class Value>
    static Value or_exit(Result<Value, StoreError> result) {
        if (result) return std::move(*result);
        std::cerr << result.error().what << "\n";
        std::exit(2);
    }

    static bool ready(const std::future<void>& work) {
        return work.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }

    Timestamp now() const { return begin + std::chrono::microseconds(50) * line_; }

    void observe() {
        const std::size_t at = line_ * 7 % places_.size();
        ++line_;
        Observation seen;
        seen.rule = &pack_.rules.front();
        seen.place = places_[at];
        seen.at = now();
        seen.first_line = seen.last_line = line_;
        const std::string runner = "runner" + std::to_string(at / pods_of_each);
        seen.values = {{"host", "gitlab.example.com"},
                       {"runner", runner},
                       {"runner_name", runner},
                       {"status", "POST https://gitlab.example.com/api/v4/jobs/request: 403"},
                       {"correlation_id", "01M850ZMQ6F7S1RWGPFKZPGD3Q"}};
        seen.identity = {{"host", "gitlab.example.com"}, {"runner", runner}};
        const Cause& cause = seen.rule->causes.front();
        seen.causes = {{&cause, cause.says}};
        seen.headline = "Checking for jobs... forbidden runner=" + runner;
        seen.text =
            "ERROR: Checking for jobs... forbidden correlation_id=" + std::to_string(line_) +
            " runner=" + runner +
            " status=POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden";
        seen.context_before = "INFO: a line before it\nINFO: and another one\n";
        book_.watermark(seen.place.instance, *seen.at, now());
        book_.observe(seen, now());
    }

    ChangeSet collect() {
        ChangeSet set;
        for (const auto& key : book_.take_changed())
            if (const auto told = book_.as_told(key)) dispatcher_.incident_changed(*told, now());
        set.merge(book_.take_changes());
        taken_ = dispatcher_.take_changes(set);
        return set;
    }

    void commit(const ChangeSet& set) { or_exit(store_->commit(set)); }

    RulePack pack_ = one_rule();
    std::unique_ptr<Store> store_;
    IncidentBook book_;
    Dispatcher dispatcher_{to_one_team(), {}};
    std::vector<Place> places_;
    std::uint64_t line_ = 0, taken_ = 0;
};

}  // namespace
}  // namespace runnerwatch

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: detections FOLDER [SECONDS]\n";
        return 2;
    }
    const std::filesystem::path file = std::filesystem::path(argv[1]) / "detections.db";
    for (const char* part : {"", "-wal", "-shm", ".lock"})
        std::filesystem::remove(file.string() + part);
    runnerwatch::Bench bench(file.string());
    bench.run(std::chrono::seconds(argc == 3 ? std::atoi(argv[2]) : 10));
}
