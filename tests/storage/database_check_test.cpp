#include "storage/database_check.h"

#include "storage/schema.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(DatabaseCheck, FindsNothingInWhatADaemonIsWriting) {
    TestFolder folder;
    auto store = open_with_history(folder.file(), 20);
    const auto check = check_database(folder.file());
    ASSERT_TRUE(check) << check.error().what;
    EXPECT_THAT(check->damage, IsEmpty());
    EXPECT_THAT(check->breaches, IsEmpty());
    EXPECT_EQ(check->schema, static_cast<std::int64_t>(migrations().size()));
    EXPECT_EQ(check->incidents, 20);
    EXPECT_EQ(check->evidence, 40);
    ASSERT_TRUE(store->commit(kept_history(20, 1))) << "the check holds nobody up";
}

TEST(DatabaseCheck, NamesRowsThatContradictEachOther) {
    struct Case {
        const char* sql;
        const char* finding;
    };
    const Case cases[] = {
        {"DELETE FROM incident WHERE number = 1", "1 members of incidents that do not exist"},
        {"UPDATE incident SET changes = 1 WHERE number = 2",
         "1 timeline rows behind the last one that their incident counts"},
        {"UPDATE incident SET evidence_count = 1 WHERE number = 2",
         "1 incidents with more kept log lines than they count"},
        {"UPDATE incident SET folded_into = 'nobody' WHERE number = 2",
         "1 incidents folded into one that does not exist"},
        {"UPDATE incident SET merged_into = 'nobody' WHERE number = 2",
         "1 incidents merged into one that does not exist"},
        {"INSERT INTO note (incident, change, text) VALUES ('nobody', 1, '')",
         "1 notes of incidents that do not exist"},
        {"INSERT INTO hold VALUES ('nobody', 1, '', '', NULL, '')",
         "1 legal holds of incidents that do not exist"},
        {"DELETE FROM identity WHERE last_incident = '00000000000000000000000000000003'",
         "1 incidents whose identity counts fewer occurrences than there are"},
        {"UPDATE meta SET value = '7' WHERE name = 'last_number'",
         "13 numbers of incidents beyond the last one that was given"},
        {"DELETE FROM meta WHERE name = 'database_id'", "1 databases without an id of their own"},
        {"INSERT INTO evidence_text(evidence_text, rowid, text) SELECT 'delete', rowid, text FROM "
         "evidence WHERE slot = 0 AND incident LIKE '%3'",
         "2 log lines that full text search does not know"},
        {"DROP TRIGGER evidence_removed; DELETE FROM evidence WHERE slot = 0 AND incident LIKE "
         "'%3'",
         "2 entries of full text search whose log line does not exist"},
        {"DROP TRIGGER evidence_changed; UPDATE evidence SET text = 'something else' WHERE "
         "slot = 0 AND incident LIKE '%13'",
         "full text search does not find what the kept log lines say"},
        {"DROP TRIGGER evidence_changed; UPDATE evidence SET text = (SELECT text FROM evidence b "
         "WHERE b.slot <> evidence.slot AND b.incident = evidence.incident)",
         "full text search does not find what the kept log lines say"},
    };
    for (const auto& [sql, finding] : cases) {
        SCOPED_TRACE(sql);
        TestFolder folder;
        open_with_history(folder.file(), 20);
        Connection(folder.file(), OpenMode::read_write).execute(sql);
        const auto check = check_database(folder.file());
        ASSERT_TRUE(check) << check.error().what;
        EXPECT_THAT(check->damage, IsEmpty());
        EXPECT_THAT(check->breaches, testing::Contains(finding));
    }
}

TEST(DatabaseCheck, CallsDamageAFinding) {
    TestFolder folder;
    open_with_history(folder.file(), 20);
    {
        std::fstream bytes(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(5 * 4096 + 8);
        bytes << std::string(4'000, '\x5a');
    }
    const auto damaged = check_database(folder.file());
    ASSERT_TRUE(damaged) << damaged.error().what;
    EXPECT_FALSE(damaged->damage.empty());
    std::ofstream(folder.file("text.db")) << std::string(10'000, '#');
    EXPECT_THAT(check_database(folder.file("text.db"))->damage,
                ElementsAre("file is not a database"));
    Connection(folder.file("other.db"), OpenMode::read_write).execute("CREATE TABLE a (b TEXT)");
    EXPECT_THAT(check_database(folder.file("other.db"))->damage,
                ElementsAre("it is a database of another program"));
    open_with_history(folder.file("newer.db"), 1);
    Connection(folder.file("newer.db"), OpenMode::read_write).execute("PRAGMA user_version = 1000");
    EXPECT_THAT(check_database(folder.file("newer.db"))->damage,
                ElementsAre(HasSubstr("written by a newer runnerwatch (schema 1000")));
}

TEST(DatabaseCheck, WhatCannotBeExaminedIsAnError) {
    TestFolder folder;
    const auto missing = check_database(folder.file());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().what,
              "checking the database failed: unable to open database file (No such file or "
              "directory). Database: " +
                  folder.file() +
                  ". Check that it exists and that this user may enter its folder and read it.");
    EXPECT_FALSE(std::filesystem::exists(folder.file())) << "looking must not make one";
}

// An older version has other columns: its rows are judged once it is brought up to date.
TEST(DatabaseCheck, TakesOlderVersionsAsTheyAre) {
    TestFolder folder;
    std::filesystem::copy_file(SOURCE_DIR "/tests/storage/versions/v1.db", folder.file());
    const auto check = check_database(folder.file());
    ASSERT_TRUE(check) << check.error().what;
    EXPECT_THAT(check->damage, IsEmpty());
    EXPECT_EQ(check->schema, 1);
}

}  // namespace
}  // namespace runnerwatch
