// The same logs give the same incidents (design: how we know): read live or later, in any chunks,
// sources in any order that keeps them at most two minutes apart, the daemon killed in between.
//
// Troubles stand further apart here than the two minutes in which a late line joins what is over:
// closer ones may be split another way, as which of two lines comes first decides whether the
// second is late. Further apart every failure is still counted once, where it was seen.
#include "daemon/rule_files.h"
#include "daemon/source_reader.h"
#include "parsers/digest.h"
#include "parsers/line_framer.h"
#include "storage/store.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp(std::chrono::days(20'000)) + 12h;
constexpr Duration apart_max = 2min;

struct Line {
    Timestamp at;
    std::string text;
};

// One container's log.
struct Log {
    Place place;
    std::vector<Line> lines;
    std::size_t failures = 0;  // that rules count
};

std::string failure_of(const std::string& runner) {
    return "level=error msg=\"Checking for jobs... forbidden\" runner=" + runner +
           " runner_name=name-" + runner +
           " status=\"POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
}

// Six minutes of trouble, six in which it ends, six of quiet, and again.
Log random_log(std::mt19937& random, int number) {
    Log log;
    Place& place = log.place;
    place.cluster = "prod";
    place.namespace_ = "gitlab-runner";
    place.workload = number < 3 ? "Deployment/gitlab-runner" : "Deployment/other";
    place.member = "pod-" + std::to_string(number);
    place.member_uid = "uid-" + std::to_string(number);
    place.member_created = noon - 1h + number * 1min;
    place.container = "gitlab-runner";
    place.instance = place.member_uid + "/gitlab-runner/0";
    Timestamp at = noon + std::chrono::seconds(random() % 60);
    while (at < noon + 1h) {
        const auto phase = (at - noon) / 6min % 3;
        const std::string runner = random() % 2 == 0 ? "glrt-AAAA" : "glrt-BBBB";
        const auto kind = random() % 5;
        if (phase == 0 && kind < 3) {
            log.lines.push_back({at, failure_of(runner)});
            ++log.failures;
            if (kind == 0)
                log.lines.push_back(
                    {at, "level=error msg=\"Runner \\\"https://gitlab.example.com" + runner +
                             "\\\" is unhealthy and will be disabled for 1h0m0s seconds!\" "
                             "unhealthy_requests=3 unhealthy_requests_limit=3"});
        } else if (phase == 1 && kind < 2) {
            log.lines.push_back({at,
                                 "level=info msg=\"Checking for jobs... received\" job=1 "
                                 "runner=" +
                                     runner + " runner_name=name-" + runner});
        } else if (phase == 1 && kind == 2) {
            log.lines.push_back({at, "level=info msg=\"Configuration loaded\" builds=0"});
        } else {
            log.lines.push_back({at, "level=info msg=\"Job succeeded\" duration_s=1.5 job=1"});
        }
        at += std::chrono::milliseconds(random() % 90'000);
    }
    return log;
}

class ChunkedLog : public LogSource {
public:
    explicit ChunkedLog(Place place) : place_(std::move(place)) {}
    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink&) override { co_return; }
    PositionRow position(std::size_t held_lines) const override {
        PositionRow row;
        row.kind = "chunks";
        row.blob = std::to_string(handed_over - held_lines);
        return row;
    }
    void drain() override {}
    asio::awaitable<void> probe_tail() override { co_return; }
    std::size_t handed_over = 0;

private:
    Place place_;
};

// A daemon without its network: readers, book and file. Killed, it begins where the file stands.
class Daemon {
public:
    Daemon(const Matcher& matcher, const std::vector<Log>& logs) : matcher_(matcher), logs_(logs) {
        begin();
        for (const auto& log : logs_)
            book_->lifecycle({LifecycleKind::started, log.place, log.place.member_created, {}, {}},
                             clock_.now());
        commit();
    }

    std::size_t lines_left(std::size_t log) const {
        return logs_[log].lines.size() - readers_[log]->log.handed_over;
    }
    const Line& next_line(std::size_t log) const {
        return logs_[log].lines[readers_[log]->log.handed_over];
    }

    // The next lines of a log, cut into chunks.
    void read(std::size_t number, std::size_t lines, std::mt19937& random) {
        Reading& reading = *readers_[number];
        std::string bytes;
        for (std::size_t i = 0; i < lines; ++i)
            bytes += logs_[number].lines[reading.log.handed_over + i].text + "\n";
        LineFramer framer;
        while (!bytes.empty()) {
            const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + random() % 200);
            framer.feed(bytes.substr(0, size), [&](const FramedLine& line) {
                const Timestamp at = logs_[number].lines[reading.log.handed_over++].at;
                reading.reader.on_line(line.text, at, line.cut, line_hash(line.text));
            });
            bytes.erase(0, size);
        }
    }
    void proven(std::size_t log, Timestamp up_to) { readers_[log]->reader.on_watermark(up_to); }
    void now(Timestamp at) {
        clock_ = Clock(at);
        book_->tick(at);
    }
    void commit() {
        ChangeSet changes;
        for (auto& reading : readers_) reading->reader.take_changes(changes);
        static_cast<void>(book_->take_changed());
        changes.merge(book_->take_changes());
        const auto done = store_->commit(changes);
        ASSERT_TRUE(done) << done.error().what;
        book_->set_numbers(done->numbers);
    }
    void kill() {
        readers_.clear();
        book_.reset();
        store_.reset();
        begin();
    }
    std::string dump() {
        commit();
        return *(*Reader::open(folder_.file()))->canonical_dump();
    }

private:
    struct Reading {
        Reading(Place place, ReaderContext& context, SourceReader::Before before, std::size_t from)
            : log(std::move(place)), reader(log, context, std::move(before)) {
            log.handed_over = from;
        }
        ChunkedLog log;
        SourceReader reader;
    };

    void begin() {
        auto opened = Store::open(folder_.file());
        if (!opened) throw std::runtime_error(opened.error().what);
        store_ = std::move(*opened);
        const auto stored = store_->load(noon - 48h);
        book_ = std::make_unique<IncidentBook>(matcher_.pack(), "db");
        book_->load(*stored);
        context_ = std::make_unique<ReaderContext>(ReaderContext{
            matcher_, heads_, *book_, exceptions_, unclassified_, clock_, metrics_, crash_mark_,
            [] {}, [] { return false; }, [](const std::string&) {}, [](const std::string&) {}});
        for (const auto& log : logs_) {
            SourceReader::Before before;
            std::size_t from = 0;
            for (const auto& row : stored->positions)
                if (row.instance == log.place.instance) {
                    before.position = row;
                    from = std::stoul(row.blob);
                }
            readers_.push_back(
                std::make_unique<Reading>(log.place, *context_, std::move(before), from));
        }
    }

    const Matcher& matcher_;
    const std::vector<Log>& logs_;
    TestFolder folder_;
    KnownHeads heads_{matcher_};
    Clock clock_{noon};
    Metrics metrics_;
    ExceptionBook exceptions_{metrics_};
    UnclassifiedBook unclassified_;
    CrashMark crash_mark_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<IncidentBook> book_;
    std::unique_ptr<ReaderContext> context_;
    std::vector<std::unique_ptr<Reading>> readers_;
};

struct Way {
    Duration apart = apart_max;
    bool live = true;  // our clock goes with the logs'; else all is read a day later
    unsigned commits_in = 10, kills_in = 0;  // one of so many steps; 0: none
};

std::string read_all(const Matcher& matcher, const std::vector<Log>& logs, const Way& way,
                     std::mt19937& random) {
    Daemon daemon(matcher, logs);
    const Timestamp later = noon + 48h;
    if (!way.live) daemon.now(later);
    for (;;) {
        std::optional<Timestamp> earliest;
        for (std::size_t i = 0; i < logs.size(); ++i)
            if (daemon.lines_left(i) > 0 && (!earliest || daemon.next_line(i).at < *earliest))
                earliest = daemon.next_line(i).at;
        if (!earliest) break;
        // Any that is not too far ahead of the one furthest behind.
        std::vector<std::size_t> choice;
        for (std::size_t i = 0; i < logs.size(); ++i)
            if (daemon.lines_left(i) > 0 && daemon.next_line(i).at <= *earliest + way.apart)
                choice.push_back(i);
        const std::size_t log = choice[random() % choice.size()];
        const Timestamp at = daemon.next_line(log).at;
        if (way.live) daemon.now(*earliest + apart_max + 5s);
        daemon.read(log, 1, random);
        if (random() % 4 == 0) daemon.proven(log, at + 1ms);
        if (random() % way.commits_in == 0) daemon.commit();
        if (way.kills_in > 0 && random() % way.kills_in == 0) daemon.kill();
    }
    daemon.now(later);
    for (std::size_t i = 0; i < logs.size(); ++i) daemon.proven(i, noon + 24h);
    daemon.now(later + 1min);
    return daemon.dump();
}

class AnyOrder : public testing::Test {
protected:
    static void SetUpTestSuite() { matcher_ = std::move(*load_rules({})); }
    static void TearDownTestSuite() { matcher_.reset(); }

    static std::vector<Log> logs_of(unsigned seed) {
        std::mt19937 random(seed);
        std::vector<Log> logs;
        for (int i = 0; i < 4; ++i) logs.push_back(random_log(random, i));
        return logs;
    }

    static inline std::unique_ptr<Matcher> matcher_;
};

// Without what an incident went through on its way. Which pods fail at one moment, and whether all
// have recovered, is known as far as sources have been read: an incident may be called over, or
// raised, and be taken back by a line of another source that is older; and the first line that is
// read opens it. What it comes to, its members, their proofs and the kept lines, are the same.
std::string settled(const std::string& dump) {
    std::string rest;
    std::istringstream lines(dump);
    for (std::string line; std::getline(lines, line);) {
        auto incident = nlohmann::json::parse(line);
        for (const char* name : {"severity", "reopened", "timeline", "headline", "values"})
            incident.erase(name);
        rest += incident.dump() + "\n";
    }
    return rest;
}

// In order, each line committed, nothing killed: what all other ways are held against.
constexpr Way plainly{.apart = Duration(0), .live = true, .commits_in = 1};

TEST_F(AnyOrder, OfSourcesAtMostTwoMinutesApartGivesTheSameIncidents) {
    for (unsigned seed = 1; seed <= 3; ++seed) {
        const auto logs = logs_of(seed);
        std::mt19937 random(seed);
        const std::string expected = read_all(*matcher_, logs, plainly, random);
        EXPECT_GT(std::count(expected.begin(), expected.end(), '\n'), 3) << "nothing is shown";
        for (const Way& way : {Way{}, Way{.live = false}, Way{.commits_in = 3, .kills_in = 25},
                               Way{.live = false, .commits_in = 40, .kills_in = 30}}) {
            SCOPED_TRACE("seed " + std::to_string(seed) + (way.live ? ", live" : ", later") +
                         ", a kill in " + std::to_string(way.kills_in));
            ASSERT_EQ(settled(read_all(*matcher_, logs, way, random)), settled(expected));
        }
    }
}

// Failures by the member that shows them, whatever incidents they stand in.
std::map<std::string, std::size_t> counts_of(const std::string& dump) {
    std::map<std::string, std::size_t> counts;
    std::istringstream lines(dump);
    for (std::string line; std::getline(lines, line);) {
        const auto incident = nlohmann::json::parse(line);
        if (incident.at("rule") != "job-request-forbidden") continue;
        for (const auto& member : incident.at("members"))
            counts[member.at("name")] += member.at("count").get<std::size_t>();
    }
    return counts;
}

TEST_F(AnyOrder, OfSourcesFurtherApartCountsEachFailureOnceWhereItWasSeen) {
    for (unsigned seed = 1; seed <= 3; ++seed) {
        const auto logs = logs_of(seed);
        std::map<std::string, std::size_t> expected;
        for (const auto& log : logs) expected[log.place.member] = log.failures;
        std::mt19937 random(seed);
        for (const Way& way : {Way{.apart = 24h, .live = false},
                               Way{.apart = 24h, .live = false, .commits_in = 5, .kills_in = 25}}) {
            SCOPED_TRACE("seed " + std::to_string(seed));
            EXPECT_EQ(counts_of(read_all(*matcher_, logs, way, random)), expected);
        }
    }
}

}  // namespace
}  // namespace runnerwatch
