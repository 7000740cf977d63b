#include "daemon/committer.h"

#include "daemon/runtime/task_group.h"
#include "tests/daemon/run_on_loop.h"
#include "tests/storage/full_disk.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

#include <deque>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A committer between a real database and a list of what becomes dirty.
struct Rig {
    explicit Rig(Loop loop, double rate = 1) : clock(rate) {
        auto opened = Store::open(folder.file());
        if (!opened) throw std::runtime_error(opened.error().what);
        store = std::move(*opened);
        Committer::Hooks hooks;
        hooks.collect = [this](ChangeSet& changes) {
            ++collected;
            while (!dirty.empty()) {
                changes.merge(std::move(dirty.front()));
                dirty.pop_front();
            }
        };
        hooks.committed = [this](const CommitResult& result) {
            for (const auto& [key, number] : result.numbers) numbers[key] = number;
        };
        hooks.recovered = [this] { ++recovered; };
        hooks.trouble = [this](const std::string& what) { troubles.push_back(what); };
        committer =
            std::make_unique<Committer>(loop, thread, *store, clock, metrics, std::move(hooks));
    }

    // No commit of more than a page fits any more.
    void fill_disk() { full.emplace(std::filesystem::file_size(folder.file() + "-wal")); }
    void free_disk() { full.reset(); }

    std::vector<IncidentRow> incidents() {
        auto reader = Reader::open(folder.file());
        if (!reader) throw std::runtime_error(reader.error().what);
        auto rows = (*reader)->incidents({});
        if (!rows) throw std::runtime_error(rows.error().what);
        return std::move(*rows);
    }

    static ChangeSet incident(const std::string& key, std::int64_t count) {
        ChangeSet set;
        IncidentRow row;
        row.key = row.ulid = key;
        row.count = count;
        set.incidents[key] = row;
        PositionRow position;
        position.instance = "source";
        position.lines = static_cast<std::uint64_t>(count);
        set.positions["source"] = position;
        return set;
    }

    TestFolder folder;
    Clock clock;
    Metrics metrics;
    StoreThread thread;
    std::unique_ptr<Store> store;
    std::unique_ptr<Committer> committer;
    std::deque<ChangeSet> dirty;
    std::map<std::string, std::int64_t> numbers;
    std::vector<std::string> troubles;
    std::optional<FullDisk> full;
    int collected = 0, recovered = 0;
};

TEST(Committer, KeepsWhatAFullDiskDoesNotTakeAndWritesItWithWhatCameLater) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.dirty.push_back(Rig::incident("one", 1));
        EXPECT_TRUE(co_await rig.committer->write_now());
        rig.fill_disk();
        rig.dirty.push_back(Rig::incident("one", 2));
        rig.dirty.push_back(Rig::incident("two", 1));
        EXPECT_FALSE(co_await rig.committer->write_now());
        EXPECT_TRUE(rig.committer->failing());
        EXPECT_FALSE(rig.committer->dropping());
        rig.dirty.push_back(Rig::incident("one", 3));
        EXPECT_FALSE(co_await rig.committer->write_now());
        EXPECT_THAT(rig.troubles, SizeIs(1)) << "one trouble is said once";
        EXPECT_THAT(rig.troubles.at(0), HasSubstr("Free space on its disk"));
        EXPECT_THAT(rig.metrics.text(), HasSubstr("runnerwatch_storage_ok 0"));
        EXPECT_THAT(rig.incidents(), SizeIs(1)) << "nobody outside sees what is not committed";
        EXPECT_FALSE(rig.numbers.contains("two"));

        rig.free_disk();
        EXPECT_TRUE(co_await rig.committer->write_now());
        EXPECT_FALSE(rig.committer->failing());
        EXPECT_THAT(rig.troubles, testing::Contains(std::string()));
        EXPECT_THAT(rig.metrics.text(), HasSubstr("runnerwatch_storage_ok 1"));
        EXPECT_THAT(rig.numbers, ElementsAre(testing::Pair("one", 1), testing::Pair("two", 2)));
        std::map<std::string, std::int64_t> counts;
        for (const auto& row : rig.incidents()) counts[row.key] = row.count;
        EXPECT_THAT(counts, ElementsAre(testing::Pair("one", 3), testing::Pair("two", 1)));
        EXPECT_EQ(rig.recovered, 0) << "nothing had to be dropped";
    });
}

TEST(Committer, DropsOnlyPastItsLimitOfBytes) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.dirty.push_back(Rig::incident("one", 1));
        EXPECT_TRUE(co_await rig.committer->write_now());
        rig.fill_disk();
        constexpr std::size_t part = 15 * 1024 * 1024;  // the fifth is one too many
        for (int slot = 0; slot < 5; ++slot) {
            EXPECT_FALSE(rig.committer->dropping()) << slot;
            ChangeSet set;
            EvidenceRow proof;
            proof.incident = "one";
            proof.slot = slot;
            proof.text = std::string(part, 'x');
            set.evidence[{"one", slot}] = proof;
            rig.dirty.push_back(std::move(set));
            EXPECT_FALSE(co_await rig.committer->write_now());
            EXPECT_EQ(rig.committer->dropping(), slot == 4) << slot;
        }
        EXPECT_EQ(rig.recovered, 0);
        rig.free_disk();
        EXPECT_TRUE(co_await rig.committer->write_now());
        EXPECT_FALSE(rig.committer->dropping());
        EXPECT_EQ(rig.recovered, 1);
    });
}

// Ten minutes pass in a tenth of a second here, and nobody kicks: it retries by itself.
TEST(Committer, DropsPastItsLimitOfTimeAndRetriesUntilTheDiskTakesItAgain) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, 6'000);
        rig.dirty.push_back(Rig::incident("one", 1));
        EXPECT_TRUE(co_await rig.committer->write_now());
        rig.fill_disk();
        TaskGroup tasks(loop, &fail_test);
        tasks.spawn("writing", rig.committer->run());
        rig.dirty.push_back(Rig::incident("one", 2));
        rig.committer->kick();
        auto failing = [&] { return rig.committer->failing(); };
        co_await until(failing);
        EXPECT_FALSE(rig.committer->dropping());
        auto dropping = [&] { return rig.committer->dropping(); };
        co_await until(dropping);
        EXPECT_GT(rig.collected, 3);
        rig.free_disk();
        auto written = [&] { return !rig.committer->failing(); };
        co_await until(written);
        EXPECT_FALSE(rig.committer->dropping());
        EXPECT_EQ(rig.recovered, 1);
        EXPECT_EQ(rig.incidents().at(0).count, 2);
        co_await tasks.stop();
    });
}

// The last write of a stop comes while one is under way: it waits for it.
TEST(Committer, NeverHasTwoCommitsInFlight) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.dirty.push_back(Rig::incident("one", 1));
        EXPECT_TRUE(co_await rig.committer->write_now());
        rig.fill_disk();
        rig.dirty.push_back(Rig::incident("one", 2));
        TaskGroup tasks(loop, &fail_test);
        bool first = true, second = false;
        auto failing_write = [&]() -> asio::awaitable<void> {
            first = co_await rig.committer->write_now();
            rig.free_disk();
        };
        auto later_write = [&]() -> asio::awaitable<void> {
            rig.dirty.push_back(Rig::incident("one", 3));
            second = co_await rig.committer->write_now();
        };
        tasks.spawn("first", failing_write());
        tasks.spawn("second", later_write());
        auto over = [&] { return second; };
        co_await until(over);
        EXPECT_FALSE(first);
        EXPECT_EQ(rig.incidents().at(0).count, 3);
        EXPECT_TRUE(co_await rig.committer->write_now());
        EXPECT_EQ(rig.incidents().at(0).count, 3) << "older rows were laid over newer ones";
        co_await tasks.stop();
    });
}

// What a person is answered about is on disk, and many who ask at once wait for one write.
TEST(Committer, IsDurableBehindTheCommitThatHoldsWhatWasDirty) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        TaskGroup tasks(loop, &fail_test);
        tasks.spawn("writing", rig.committer->run());
        int answered = 0;
        auto ask = [&](int number) -> asio::awaitable<void> {
            rig.dirty.push_back(Rig::incident(std::to_string(number), 1));
            EXPECT_TRUE(co_await rig.committer->durable());
            bool found = false;
            for (const auto& row : rig.incidents()) found |= row.key == std::to_string(number);
            EXPECT_TRUE(found) << number;
            ++answered;
        };
        for (int number = 0; number < 50; ++number) tasks.spawn("asking", ask(number));
        auto all = [&] { return answered == 50; };
        co_await until(all);
        EXPECT_LE(rig.collected, 3);
        co_await tasks.stop();
    });
}

TEST(Committer, SaysThatAWriteFailedInsteadOfWaitingForADisk) {
    run_on_loop([](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop);
        rig.dirty.push_back(Rig::incident("one", 1));
        EXPECT_TRUE(co_await rig.committer->write_now());
        rig.fill_disk();
        TaskGroup tasks(loop, &fail_test);
        tasks.spawn("writing", rig.committer->run());
        rig.dirty.push_back(Rig::incident("one", 2));
        EXPECT_FALSE(co_await rig.committer->durable());
        EXPECT_FALSE(co_await rig.committer->durable());
        EXPECT_EQ(rig.incidents().at(0).count, 1);
        rig.free_disk();
        auto written = [&] { return !rig.committer->failing(); };
        co_await until(written);
        EXPECT_TRUE(co_await rig.committer->durable());
        EXPECT_EQ(rig.incidents().at(0).count, 2) << "what was asked is not taken back";
        co_await tasks.stop();
    });
}

}  // namespace
}  // namespace runnerwatch
