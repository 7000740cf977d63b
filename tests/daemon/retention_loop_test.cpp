#include "daemon/retention_loop.h"

#include "tests/daemon/run_on_loop.h"
#include "tests/storage/full_disk.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A history of 2024, by the clock of today.
struct Rig {
    explicit Rig(int incidents) : store(open_with_history(folder.file(), incidents)) {}

    RetentionLoop loop(Loop executor, std::uint64_t bytes_max = 0,
                       std::optional<Timestamp> last_alive = std::nullopt) {
        return RetentionLoop(executor, thread, *store, clock, metrics, {hours(24 * 180), bytes_max},
                             last_alive,
                             [this](const std::string& words) { said.push_back(words); });
    }
    std::size_t incidents() {
        auto reader = Reader::open(folder.file());
        return (*reader)->incidents({})->size();
    }

    TestFolder folder;
    Clock clock;
    Metrics metrics;
    StoreThread thread;
    std::unique_ptr<Store> store;
    std::vector<std::string> said;
};

TEST(RetentionLoopTest, ForgetsWhatIsOldAndSaysAndCountsIt) {
    run_on_loop([](Loop executor) -> asio::awaitable<void> {
        Rig rig(60);
        RetentionLoop loop = rig.loop(executor);
        co_await loop.round();
        EXPECT_EQ(rig.incidents(), 0u);
        EXPECT_THAT(rig.said, ElementsAre("retention removed 60 incidents that ended more than "
                                          "180 days ago"));
        EXPECT_THAT(rig.metrics.text(),
                    HasSubstr("runnerwatch_forgotten_total{what=\"incident\",why=\"age\"} 60"));
        EXPECT_THAT(rig.metrics.text(), HasSubstr("runnerwatch_database_bytes{state=\"free\"}"));
        co_await loop.round();
        EXPECT_THAT(rig.said, SizeIs(1)) << "nothing to do is not said";
    });
}

TEST(RetentionLoopTest, DoubtsAClockThatWentAheadByYearsAndSaysSo) {
    run_on_loop([](Loop executor) -> asio::awaitable<void> {
        Rig rig(5);
        RetentionLoop loop = rig.loop(executor, 0, history_start);
        co_await loop.round();
        co_await loop.round();
        EXPECT_EQ(rig.incidents(), 5u);
        EXPECT_EQ(rig.said.size(), 1u);
        EXPECT_THAT(rig.said.at(0), HasSubstr("the clock of this machine went ahead"));
    });
}

TEST(RetentionLoopTest, SaysOnceThatTheDatabaseIsTooLargeAndStaysDegraded) {
    run_on_loop([](Loop executor) -> asio::awaitable<void> {
        Rig rig(0);
        ChangeSet open = kept_history(0, 3);
        for (auto& [unused, row] : open.incidents) row->state = IncidentState::open;
        EXPECT_TRUE(rig.store->commit(open));
        RetentionLoop loop = rig.loop(executor, 10'000);
        EXPECT_THAT(loop.trouble(), IsEmpty());
        co_await loop.round();
        co_await loop.round();
        EXPECT_THAT(loop.trouble(), HasSubstr("nothing is left that may be removed"));
        EXPECT_THAT(rig.said, ElementsAre(loop.trouble()));
        EXPECT_EQ(rig.incidents(), 3u);
    });
}

TEST(RetentionLoopTest, SaysOnceWhatHindersItAndGoesOnLater) {
    run_on_loop([](Loop executor) -> asio::awaitable<void> {
        Rig rig(20);
        RetentionLoop loop = rig.loop(executor);
        {
            const FullDisk full(std::filesystem::file_size(rig.folder.file() + "-wal"));
            co_await loop.round();
            co_await loop.round();
        }
        EXPECT_EQ(rig.said.size(), 1u);
        EXPECT_THAT(rig.said.at(0), HasSubstr("Free space on its disk"));
        EXPECT_EQ(rig.incidents(), 20u);
        co_await loop.round();
        EXPECT_EQ(rig.incidents(), 0u);
    });
}

}  // namespace
}  // namespace runnerwatch
