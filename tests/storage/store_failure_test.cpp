// What can be wrong with a database file or its disk, made real: a commit is all or nothing, the
// error says what to do, and the next commit works once the cause is gone.
#include "storage/database_check.h"
#include "storage/schema.h"
#include "storage/store.h"
#include "tests/storage/full_disk.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include <fstream>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::unique_ptr<Store> opened(const std::string& file) {
    auto store = Store::open(file);
    if (!store) throw std::runtime_error(store.error().what);
    return std::move(*store);
}

StoreError refused(const std::string& file) {
    const auto store = Store::open(file);
    if (store) throw std::runtime_error("opened, and should not have been: " + file);
    return store.error();
}

// Everything in the database as text.
std::string contents(const std::string& file) {
    Connection connection(file, OpenMode::read_only);
    std::vector<std::string> tables;
    Statement names(connection,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                    "'evidence_text%' AND name NOT LIKE 'note_text%' ORDER BY name");
    while (names.step()) tables.push_back(names.text(0));
    std::string text;
    for (const auto& table : tables) {
        const std::int64_t columns =
            connection.number("SELECT count(*) FROM pragma_table_info('" + table + "')");
        Statement rows(connection, "SELECT * FROM " + table + " ORDER BY 1, 2");
        while (rows.step()) {
            text += table;
            for (int i = 0; i < columns; ++i) text += "|" + rows.text(i);
            text += "\n";
        }
    }
    return text;
}

// A commit that needs many pages.
ChangeSet large_changes(int seed) {
    ChangeSet set = filled_changes(seed);
    set.evidence.begin()->second->text.append(512 * 1024, 'x');
    return set;
}

// While it lives, permissions of files count for this thread, also if it is root's.
class NoPrivileges {
public:
    NoPrivileges() {
        ::syscall(SYS_capget, &header_, before_);
        __user_cap_data_struct less[2] = {before_[0], before_[1]};
        less[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
        ::syscall(SYS_capset, &header_, less);
    }
    ~NoPrivileges() { ::syscall(SYS_capset, &header_, before_); }
    NoPrivileges(const NoPrivileges&) = delete;
    NoPrivileges& operator=(const NoPrivileges&) = delete;

private:
    __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct before_[2]{};
};

TEST(FullDiskTest, LeavesTheCommitBeforeAndTakesTheNextOnceThereIsRoom) {
    TestFolder folder;
    auto store = opened(folder.file());
    ASSERT_TRUE(store->commit(filled_changes(1)));
    const std::string before = contents(folder.file());
    const ChangeSet more = large_changes(2);
    {
        const FullDisk full(std::filesystem::file_size(folder.file() + "-wal") + 64 * 1024);
        for (int attempt = 0; attempt < 3; ++attempt) {
            const auto result = store->commit(more);
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().kind, StoreError::Kind::full) << result.error().what;
            EXPECT_EQ(result.error().what,
                      "writing to the database failed: disk I/O error (File too large). "
                      "Database: " +
                          folder.file() +
                          ". Free space on its disk, or raise the quota or limit that holds it; "
                          "nothing is lost meanwhile: what is not written waits and is tried "
                          "again.");
            EXPECT_EQ(contents(folder.file()), before);
        }
    }
    const auto result = store->commit(more);
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->numbers.at(more.incidents.begin()->first), 2) << "no number was used up";
    store.reset();
    EXPECT_EQ((*opened(folder.file())->load(Timestamp::min())).incidents.size(), 2u);
}

// The same at every page at which the room can end.
TEST(FullDiskTest, IsAllOrNothingWhereverTheRoomEnds) {
    TestFolder folder;
    auto store = opened(folder.file());
    ASSERT_TRUE(store->commit(filled_changes(1)));
    const std::string before = contents(folder.file());
    const auto wal = std::filesystem::file_size(folder.file() + "-wal");
    int refusals = 0;
    for (rlim_t room = 0;; room += 2'000) {
        ASSERT_LT(room, 10'000'000u);
        const FullDisk full(wal + room);
        if (store->commit(filled_changes(2))) break;
        ++refusals;
        ASSERT_EQ(contents(folder.file()), before) << room;
    }
    EXPECT_GT(refusals, 10);
    EXPECT_EQ((*store->load(Timestamp::min())).incidents.size(), 2u);
}

TEST(FullDiskTest, AtTheStartIsAStatedConditionAndLeavesNothingHalf) {
    TestFolder folder;
    {
        const FullDisk full(8 * 1024);
        const StoreError error = refused(folder.file());
        EXPECT_EQ(error.kind, StoreError::Kind::full);
        EXPECT_THAT(error.what, StartsWith("opening the database failed: "));
        EXPECT_THAT(error.what, HasSubstr("; then start again: the file is as it was."));
    }
    EXPECT_TRUE(opened(folder.file())->commit(filled_changes(1)));
}

TEST(ReadOnly, FileIsRefusedAtTheStart) {
    TestFolder folder;
    ASSERT_TRUE(opened(folder.file())->commit(filled_changes(1)));
    const std::string before = contents(folder.file());
    ::chmod(folder.file().c_str(), 0444);
    const NoPrivileges here;
    const StoreError error = refused(folder.file());
    EXPECT_EQ(error.kind, StoreError::Kind::read_only);
    EXPECT_EQ(error.what,
              "opening the database failed: the file cannot be written by this user. Database: " +
                  folder.file() +
                  ". Make the file and its folder writable for this user, or set "
                  "storage.database to a writable place.");
    EXPECT_EQ(contents(folder.file()), before);
}

TEST(ReadOnly, FolderIsRefusedAtTheStart) {
    TestFolder folder;
    ::chmod(folder.path.c_str(), 0555);
    {
        const NoPrivileges here;
        const StoreError error = refused(folder.file());
        EXPECT_EQ(error.kind, StoreError::Kind::read_only);
        EXPECT_THAT(error.what, HasSubstr("its lock file cannot be written (Permission denied)"));
    }
    ::chmod(folder.path.c_str(), 0755);
}

TEST(ReadOnly, FileThatMayNotBeReadIsAStatedError) {
    TestFolder folder;
    opened(folder.file());
    ::chmod(folder.file().c_str(), 0);
    const NoPrivileges here;
    EXPECT_THAT(refused(folder.file()).what,
                HasSubstr("unable to open database file (Permission denied). Database: "));
    const auto reader = Reader::open(folder.file());
    ASSERT_FALSE(reader);
    EXPECT_THAT(reader.error().what, HasSubstr("Permission denied"));
}

TEST(Locked, ByAnotherProgramIsAStatedErrorAndLosesNothing) {
    TestFolder folder;
    auto store = opened(folder.file());
    ASSERT_TRUE(store->commit(filled_changes(1)));
    const std::string before = contents(folder.file());
    {
        Connection other(folder.file(), OpenMode::read_write);
        const Transaction held(other);
        const auto result = store->commit(filled_changes(2));
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, StoreError::Kind::locked);
        EXPECT_EQ(result.error().what,
                  "writing to the database failed: database is locked. Database: " + folder.file() +
                      ". Another program holds it (`fuser` names it): wait, or end it; nothing "
                      "is lost meanwhile: what is not written waits and is tried again.");
    }
    EXPECT_EQ(contents(folder.file()), before);
    EXPECT_TRUE(store->commit(filled_changes(2)));
}

TEST(Newer, VersionIsRefusedAndNamesTheWayBack) {
    TestFolder folder;
    ASSERT_TRUE(opened(folder.file())->commit(filled_changes(1)));
    const std::size_t newer = migrations().size() + 1;
    Connection(folder.file(), OpenMode::read_write)
        .execute(("PRAGMA user_version = " + std::to_string(newer)).c_str());
    const std::string before = contents(folder.file());
    const std::string expected =
        "opening the database failed: it was written by a newer runnerwatch (schema " +
        std::to_string(newer) + ", this program knows " + std::to_string(newer - 1) +
        "). Database: " + folder.file() + ". Start the newer program, or go back with the backup " +
        folder.file() + ".before-v" + std::to_string(newer) +
        ".backup that it made before it changed the file.";
    EXPECT_EQ(refused(folder.file()).what, expected);
    EXPECT_EQ(refused(folder.file()).kind, StoreError::Kind::newer_version);
    const auto reader = Reader::open(folder.file());
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().what, expected);
    EXPECT_EQ(contents(folder.file()), before);
}

TEST(Corrupt, FileThatIsNoDatabaseIsRefusedAndLeftAlone) {
    TestFolder folder;
    const std::string text = "clusters: [{name: prod}]\n" + std::string(10'000, '#');
    std::ofstream(folder.file()) << text;
    const StoreError error = refused(folder.file());
    EXPECT_EQ(error.kind, StoreError::Kind::corrupt);
    EXPECT_EQ(error.what,
              "opening the database failed: file is not a database. Database: " + folder.file() +
                  ". It is not a whole database of runnerwatch. Keep the file for examination, "
                  "put back a backup, or name another file to begin anew.");
    std::ifstream file(folder.file());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
    EXPECT_FALSE(Reader::open(folder.file()));
}

TEST(Corrupt, DatabaseOfAnotherProgramIsRefusedAndLeftAlone) {
    TestFolder folder;
    Connection(folder.file(), OpenMode::read_write).execute("CREATE TABLE bookmarks (url TEXT)");
    const StoreError error = refused(folder.file());
    EXPECT_EQ(error.kind, StoreError::Kind::corrupt);
    EXPECT_EQ(error.what,
              "opening the database failed: it is a database of another program. Database: " +
                  folder.file() +
                  ". Name a file of its own in storage.database; this one was not touched.");
    Connection file(folder.file(), OpenMode::read_only);
    EXPECT_EQ(file.number("SELECT count(*) FROM sqlite_schema"), 1);
    const auto reader = Reader::open(folder.file());
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().what, error.what);
}

// Whatever is damaged: no crash, no wrong rows, and an error that names the file.
TEST(Corrupt, DamageAnywhereIsAStatedError) {
    TestFolder folder;
    {
        auto store = opened(folder.file());
        for (int seed = 1; seed <= 20; ++seed) ASSERT_TRUE(store->commit(large_changes(seed)));
    }
    const auto size = std::filesystem::file_size(folder.file());
    const std::string whole = contents(folder.file());
    int stated = 0;
    for (int page = 0; page < 60; ++page) {
        SCOPED_TRACE(page);
        const std::string damaged = folder.file("damaged.db");
        std::filesystem::copy_file(folder.file(), damaged,
                                   std::filesystem::copy_options::overwrite_existing);
        {
            std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(page * 4096 + (page == 0 ? 100 : 0));
            file << std::string(2'000, '\x5a');
        }
        auto store = Store::open(damaged);
        if (store) {
            const auto state = (*store)->load(Timestamp::min());
            const auto commit = (*store)->commit(filled_changes(99));
            if (!state) {
                EXPECT_THAT(state.error().what, HasSubstr(damaged));
            }
            if (!commit) {
                EXPECT_THAT(commit.error().what, HasSubstr(damaged));
            }
            // Damage that neither of them met is found by who looks for it.
            store->reset();
            const auto check = check_database(damaged);
            ASSERT_TRUE(check) << check.error().what;
            stated += !state || !commit || !check->damage.empty();
        } else {
            EXPECT_EQ(store.error().kind, StoreError::Kind::corrupt) << store.error().what;
            ++stated;
        }
    }
    EXPECT_GT(stated, 20);
    EXPECT_EQ(std::filesystem::file_size(folder.file()), size);
    EXPECT_EQ(contents(folder.file()), whole);
}

TEST(Corrupt, NumberIsAStatedError) {
    TestFolder folder;
    auto store = opened(folder.file());
    Connection(folder.file(), OpenMode::read_write)
        .execute("INSERT INTO meta VALUES ('last_number', 'seven')");
    const auto result = store->commit(filled_changes(1));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, StoreError::Kind::corrupt);
    EXPECT_THAT(result.error().what, HasSubstr("the last number given is \"seven\""));
}

// A defect of ours, or no memory: the daemon must hear of it as of a disk that is full, keep what
// it has and try again; an exception would end its writing and nobody would notice.
TEST(Defect, InTheWriterIsAStatedErrorAndChangesNothing) {
    TestFolder folder;
    auto store = opened(folder.file());
    ASSERT_TRUE(store->commit(filled_changes(1)));
    const std::string before = contents(folder.file());
    ChangeSet wrong = filled_changes(2);
    wrong.incidents["a key that its row does not have"] = filled<IncidentRow>(3);
    const auto result = store->commit(wrong);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, StoreError::Kind::io);
    EXPECT_THAT(result.error().what,
                StartsWith("writing to the database failed: an error of the program itself: "));
    EXPECT_THAT(result.error().what,
                HasSubstr("start the daemon again, and report it; nothing is lost meanwhile"));
    EXPECT_EQ(contents(folder.file()), before);
    EXPECT_TRUE(store->commit(filled_changes(2)));
}

TEST(Reading, ADatabaseThatIsNotThereOrNotWrittenYetIsAStatedError) {
    TestFolder folder;
    const auto missing = Reader::open(folder.file());
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().what,
                HasSubstr("unable to open database file (No such file or directory)"));
    EXPECT_FALSE(std::filesystem::exists(folder.file())) << "looking must not make one";
    std::ofstream(folder.file()).close();
    const auto empty = Reader::open(folder.file());
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().kind, StoreError::Kind::older_version);
    EXPECT_THAT(empty.error().what, HasSubstr("nothing has been written to it yet"));
}

}  // namespace
}  // namespace runnerwatch
