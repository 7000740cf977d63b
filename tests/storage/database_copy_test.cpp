// Backup, restore and vacuum of a database file, as people do them: beside a daemon, on a full
// disk, killed half way.
#include "storage/database_copy.h"

#include "storage/schema.h"
#include "tests/storage/full_disk.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Without the lock, and the log that SQLite leaves behind a reader.
std::vector<std::string> files_in(const TestFolder& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("runnerwatch.db-") && !name.ends_with(".lock")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string dump_of(const std::string& file) {
    auto reader = Reader::open(file);
    if (!reader) throw std::runtime_error(reader.error().what);
    return *(*reader)->canonical_dump();
}

void damage(const std::string& file) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(3 * 4096 + 8);
    bytes << std::string(4'000, '\x5a');
}

class DatabaseCopy : public testing::Test {
protected:
    DatabaseCopy() { store_ = open_with_history(folder_.file(), 100); }
    void stop() { store_.reset(); }

    TestFolder folder_;
    std::unique_ptr<Store> store_;
    const std::string backup_ = folder_.file("backup.db");
};

TEST_F(DatabaseCopy, BackupBesideADaemonIsAsOfOneCommitAlthoughItGoesOnWriting) {
    const std::string before = dump_of(folder_.file());
    int slices = 0;
    BackupOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_LE(done, total);
        ASSERT_TRUE(store_->commit(kept_history(++slices + 500, 1)));
    };
    const auto check = back_up_database(folder_.file(), backup_, options);
    ASSERT_TRUE(check) << check.error().what;
    EXPECT_THAT(check->breaches, IsEmpty());
    EXPECT_EQ(check->incidents, 100);
    EXPECT_GT(slices, 1);
    EXPECT_LT(slices, 100) << "each write began it anew";
    EXPECT_EQ(dump_of(backup_), before);
    stop();
    EXPECT_THAT(files_in(folder_), ElementsAre("backup.db", "runnerwatch.db"));
}

TEST_F(DatabaseCopy, BackupReplacesAFileOnlyWhenToldTo) {
    std::ofstream(backup_) << "of yesterday";
    const auto refused = back_up_database(folder_.file(), backup_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "backing up the database failed: " + backup_ +
                                        " exists already. Database: " + folder_.file() +
                                        ". Name another file, or say --force to replace it.");
    BackupOptions force;
    force.overwrite = true;
    EXPECT_TRUE(back_up_database(folder_.file(), backup_, force));
    EXPECT_EQ(dump_of(backup_), dump_of(folder_.file()));
    EXPECT_FALSE(back_up_database(folder_.file(), folder_.file(), force)) << "of itself";
}

TEST_F(DatabaseCopy, BackupKilledHalfWayLeavesWhatWasThere) {
    std::ofstream(backup_) << "of yesterday";
    const pid_t child = ::fork();
    if (child == 0) {
        BackupOptions options;
        options.overwrite = true;
        options.progress = [](std::uint64_t, std::uint64_t) { ::kill(::getpid(), SIGKILL); };
        static_cast<void>(back_up_database(folder_.file(), backup_, options));
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    std::ifstream kept(backup_);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), "of yesterday");
    std::filesystem::remove(backup_);
    ASSERT_TRUE(back_up_database(folder_.file(), backup_)) << "what was left is in nobody's way";
    stop();
    EXPECT_THAT(files_in(folder_), ElementsAre("backup.db", "runnerwatch.db"));
}

TEST_F(DatabaseCopy, BackupWithoutRoomLeavesNothing) {
    stop();
    {
        const FullDisk full(64 * 1024);
        const auto check = back_up_database(folder_.file(), backup_);
        ASSERT_FALSE(check);
        EXPECT_EQ(check.error().kind, StoreError::Kind::full) << check.error().what;
        EXPECT_THAT(check.error().what, HasSubstr("no half file was left"));
    }
    EXPECT_THAT(files_in(folder_), ElementsAre("runnerwatch.db"));
}

TEST_F(DatabaseCopy, BackupOfADamagedDatabaseIsRefused) {
    stop();
    damage(folder_.file());
    const auto check = back_up_database(folder_.file(), backup_);
    ASSERT_FALSE(check);
    EXPECT_EQ(check.error().kind, StoreError::Kind::corrupt);
    EXPECT_THAT(files_in(folder_), ElementsAre("runnerwatch.db"));
}

TEST_F(DatabaseCopy, RestorePutsTheBackupInPlaceAndKeepsWhatStoodThereWithItsLog) {
    ASSERT_TRUE(back_up_database(folder_.file(), backup_));
    const std::string before = dump_of(folder_.file());
    ASSERT_TRUE(store_->commit(kept_history(500, 1)));
    const std::string after = dump_of(folder_.file());
    {
        const auto running = restore_database(backup_, folder_.file(), "now");
        ASSERT_FALSE(running) << "under a daemon";
        EXPECT_EQ(running.error().kind, StoreError::Kind::locked);
    }
    // Killed: its last commits are in the log alone.
    Connection holds_the_log(folder_.file(), OpenMode::read_write);
    holds_the_log.number("SELECT count(*) FROM incident");
    stop();
    ::chmod(folder_.file().c_str(), 0640);
    const auto restored = restore_database(backup_, folder_.file(), "now");
    ASSERT_TRUE(restored) << restored.error().what;
    EXPECT_EQ(restored->kept, folder_.file() + ".replaced-now");
    EXPECT_EQ(dump_of(folder_.file()), before);
    EXPECT_EQ(dump_of(restored->kept), after);
    EXPECT_EQ(std::filesystem::status(folder_.file()).permissions(), std::filesystem::perms(0640));
    EXPECT_FALSE(std::filesystem::exists(folder_.file() + "-wal"));
    const auto again = restore_database(backup_, folder_.file(), "now");
    ASSERT_FALSE(again) << "a kept file was overwritten";
    EXPECT_EQ(dump_of(folder_.file()), before);
    auto store = Store::open(folder_.file());
    ASSERT_TRUE(store) << store.error().what;
    EXPECT_TRUE((*store)->commit(kept_history(600, 1)));
}

TEST_F(DatabaseCopy, RestoreRefusesWhatIsNoBackupAndTouchesNothing) {
    ASSERT_TRUE(back_up_database(folder_.file(), backup_));
    const std::string before = dump_of(folder_.file());
    stop();
    damage(backup_);
    EXPECT_EQ(restore_database(backup_, folder_.file(), "now").error().kind,
              StoreError::Kind::corrupt);
    std::ofstream(backup_) << std::string(10'000, '#');
    EXPECT_EQ(restore_database(backup_, folder_.file(), "now").error().kind,
              StoreError::Kind::corrupt);
    std::ofstream(backup_).close();
    EXPECT_THAT(restore_database(backup_, folder_.file(), "now").error().what,
                HasSubstr("nothing was written to it yet"));
    std::filesystem::remove(backup_);
    EXPECT_THAT(restore_database(backup_, folder_.file(), "now").error().what,
                HasSubstr("No such file or directory"));
    EXPECT_THAT(files_in(folder_), ElementsAre("runnerwatch.db"));
    EXPECT_EQ(dump_of(folder_.file()), before);
}

TEST_F(DatabaseCopy, RestoreIsPossibleWhereTheDatabaseIsDamagedGoneOrOlder) {
    ASSERT_TRUE(back_up_database(folder_.file(), backup_));
    const std::string before = dump_of(folder_.file());
    stop();
    damage(folder_.file());
    ASSERT_TRUE(restore_database(backup_, folder_.file(), "damaged"));
    EXPECT_EQ(dump_of(folder_.file()), before);
    std::filesystem::remove(folder_.file());
    std::ofstream(folder_.file() + "-wal") << "of the one that is gone";
    const auto restored = restore_database(backup_, folder_.file(), "gone");
    ASSERT_TRUE(restored) << restored.error().what;
    EXPECT_EQ(restored->kept, "");
    EXPECT_EQ(dump_of(folder_.file()), before);
    // Looking at a database leaves files beside it, which have no place among the sources.
    const std::string old = folder_.file() + ".old";
    std::filesystem::copy_file(SOURCE_DIR "/tests/storage/versions/v1.db", old);
    ASSERT_TRUE(restore_database(old, folder_.file(), "old"));
    auto store = Store::open(folder_.file());
    ASSERT_TRUE(store) << "the daemon brings it up to date";
    EXPECT_EQ((*store)->load(Timestamp::min())->incidents.size(), 2u);
}

TEST_F(DatabaseCopy, VacuumGivesBackTheRoomOfWhatWasDeletedAndFindsTheSameLines) {
    ChangeSet gone;
    for (const auto& [key, row] : kept_history(0, 80).incidents) gone.incidents[key] = std::nullopt;
    for (const auto& [key, row] : kept_history(0, 80).evidence) gone.evidence[key] = std::nullopt;
    for (const auto& [key, row] : kept_history(0, 80).members) gone.members[key] = std::nullopt;
    for (const auto& [key, row] : kept_history(0, 80).timeline) gone.timeline[key] = std::nullopt;
    ASSERT_TRUE(store_->commit(gone));
    const std::string before = dump_of(folder_.file());
    EXPECT_EQ(vacuum_database(folder_.file()).error().kind, StoreError::Kind::locked)
        << "under a daemon";
    stop();
    {
        auto reader = Reader::open(folder_.file());
        ASSERT_TRUE(reader);
        EXPECT_EQ(vacuum_database(folder_.file()).error().kind, StoreError::Kind::locked)
            << "while somebody reads it";
    }
    const auto vacuumed = vacuum_database(folder_.file());
    ASSERT_TRUE(vacuumed) << vacuumed.error().what;
    EXPECT_LT(vacuumed->bytes_after, vacuumed->bytes_before / 2);
    EXPECT_EQ(vacuumed->bytes_after, std::filesystem::file_size(folder_.file()));
    EXPECT_EQ(dump_of(folder_.file()), before);
    EXPECT_TRUE(check_database(folder_.file())->passed());
    IncidentFilter filter;
    filter.text = "word97";
    const auto found = (*Reader::open(folder_.file()))->incidents(filter);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_THAT(found->front().headline, HasSubstr("word97"));
    EXPECT_THAT(files_in(folder_), ElementsAre("runnerwatch.db"));
}

TEST_F(DatabaseCopy, VacuumWithoutRoomChangesNothing) {
    const std::string before = dump_of(folder_.file());
    stop();
    {
        const FullDisk full(128 * 1024);
        const auto vacuumed = vacuum_database(folder_.file());
        ASSERT_FALSE(vacuumed);
        EXPECT_EQ(vacuumed.error().kind, StoreError::Kind::full) << vacuumed.error().what;
    }
    EXPECT_EQ(dump_of(folder_.file()), before);
    EXPECT_THAT(files_in(folder_), ElementsAre("runnerwatch.db"));
}

}  // namespace
}  // namespace runnerwatch
