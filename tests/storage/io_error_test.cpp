// A disk that fails: a stated error, nothing half written, and it goes on once the disk is back.
#include "storage/database_copy.h"
#include "storage/store.h"
#include "tests/storage/failing_disk.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::Not;

class IoError : public testing::Test {
protected:
    ~IoError() override { set(false, false, false); }

    static void set(bool reads, bool writes, bool syncs) {
        FailingDisk::reads_fail = reads;
        FailingDisk::writes_fail = writes;
        FailingDisk::syncs_fail = syncs;
    }

    FailingDisk disk_;
    TestFolder folder_;
};

TEST_F(IoError, WhileWritingLeavesTheCommitBeforeAndTakesTheNext) {
    auto store = open_with_history(folder_.file(), 10);
    const auto dump = [&] { return *(*Reader::open(folder_.file()))->canonical_dump(); };
    const std::string before = dump();
    for (const bool at_sync : {false, true}) {
        set(false, !at_sync, at_sync);
        const auto result = store->commit(kept_history(10, 1));
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, StoreError::Kind::io);
        EXPECT_THAT(result.error().what,
                    HasSubstr("writing to the database failed: disk I/O error"));
        EXPECT_THAT(result.error().what, HasSubstr("Check the disk (dmesg, smartctl)"));
        EXPECT_THAT(result.error().what, HasSubstr("nothing is lost meanwhile"));
        set(false, false, false);
        EXPECT_EQ(dump(), before);
    }
    const auto result = store->commit(kept_history(10, 1));
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->numbers.at(history_key(10)), 11) << "no number was used up";
    EXPECT_TRUE(check_database(folder_.file())->passed());
}

TEST_F(IoError, OfAFileSystemMadeReadOnlyIsSaidAsThatAndTheNextCommitIsTakenOnceItIsNot) {
    auto store = open_with_history(folder_.file(), 10);
    FailingDisk::write_errno = EROFS;
    set(false, true, false);
    const auto result = store->commit(kept_history(10, 1));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, StoreError::Kind::read_only);
    EXPECT_THAT(result.error().what, HasSubstr("(Read-only file system). Database: "));
    EXPECT_THAT(result.error().what, HasSubstr("mount it for writing; nothing is lost meanwhile"));
    EXPECT_EQ((*Reader::open(folder_.file()))->incidents({})->size(), 10u) << "reading goes on";
    set(false, false, false);
    FailingDisk::write_errno = 0;
    EXPECT_TRUE(store->commit(kept_history(10, 1)));
    EXPECT_TRUE(check_database(folder_.file())->passed());
}

TEST_F(IoError, WhileForgettingLeavesAllAsItWas) {
    auto store = open_with_history(folder_.file(), 10);
    RetentionRules rules;
    rules.now = history_start + std::chrono::days(400);
    set(false, true, false);
    const auto forgotten = store->forget(rules, [] { return true; });
    ASSERT_FALSE(forgotten);
    EXPECT_EQ(forgotten.error().kind, StoreError::Kind::io);
    set(false, false, false);
    EXPECT_TRUE(check_database(folder_.file())->passed());
    EXPECT_EQ(store->forget(rules, [] { return true; })->aged, 10u);
}

TEST_F(IoError, WhileReadingIsAStatedErrorOfThatQuestionAlone) {
    open_with_history(folder_.file(), 10);
    auto reader = Reader::open(folder_.file());
    ASSERT_TRUE(reader) << reader.error().what;
    set(true, false, false);
    const auto failed = (*reader)->incidents({});
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().what, HasSubstr("reading the database failed: disk I/O error"));
    EXPECT_FALSE(Reader::open(folder_.file())) << "nor at the start";
    set(false, false, false);
    EXPECT_EQ((*reader)->incidents({})->size(), 10u);
}

TEST_F(IoError, WhileCopyingLeavesNoHalfFile) {
    open_with_history(folder_.file(), 10);
    for (const bool at_read : {false, true}) {
        set(at_read, !at_read, false);
        const auto copied = back_up_database(folder_.file(), folder_.file("backup.db"));
        ASSERT_FALSE(copied);
        EXPECT_EQ(copied.error().kind, StoreError::Kind::io) << copied.error().what;
        set(false, false, false);
        for (const auto& entry : std::filesystem::directory_iterator(folder_.path))
            EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("backup")));
    }
}

}  // namespace
}  // namespace runnerwatch
