#include "storage/schema.h"

#include "storage/store.h"
#include "tests/storage/full_disk.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* first =
    "CREATE TABLE book (title TEXT NOT NULL) STRICT; INSERT INTO book VALUES ('of the first');";
constexpr const char* second = "ALTER TABLE book ADD COLUMN author TEXT NOT NULL DEFAULT 'nobody'";
constexpr const char* third = "CREATE TABLE shelf (id INTEGER) STRICT";

std::vector<std::string> files_in(const TestFolder& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

TEST(Migrate, BringsAnyVersionToTheNewestAndKeepsABackupOfTheOneBefore) {
    TestFolder folder;
    {
        Connection file(folder.file("a.db"), OpenMode::read_write);
        migrate(file, folder.file("a.db"), {first});
        EXPECT_EQ(file.user_version(), 1);
        EXPECT_THAT(files_in(folder), ElementsAre("a.db")) << "a new file needs no backup";
        migrate(file, folder.file("a.db"), {first});
        EXPECT_THAT(files_in(folder), ElementsAre("a.db")) << "nothing to do, nothing to back up";
        migrate(file, folder.file("a.db"), {first, second});
        EXPECT_EQ(file.user_version(), 2);
        EXPECT_EQ(file.number("SELECT count(*) FROM book WHERE author = 'nobody'"), 1);
    }
    EXPECT_THAT(files_in(folder), ElementsAre("a.db", "a.db.before-v2.backup"));
    Connection backup(folder.file("a.db.before-v2.backup"), OpenMode::read_write);
    EXPECT_EQ(backup.user_version(), 1);
    EXPECT_EQ(backup.number("SELECT count(*) FROM book"), 1);
    // The way back is the old program and that file; the way forward is open again afterwards,
    // also over several steps.
    migrate(backup, folder.file("a.db.before-v2.backup"), {first, second, third});
    EXPECT_EQ(backup.user_version(), 3);
}

// A commit that is only in the write-ahead log yet belongs to the backup too.
TEST(Migrate, BacksUpWhatIsOnlyInTheWriteAheadLog) {
    TestFolder folder;
    Connection file(folder.file(), OpenMode::read_write);
    file.execute("PRAGMA journal_mode = WAL");
    file.execute("PRAGMA wal_autocheckpoint = 0");
    migrate(file, folder.file(), {first});
    file.execute("INSERT INTO book VALUES ('of the log')");
    migrate(file, folder.file(), {first, second});
    Connection backup(backup_name(folder.file(), 2), OpenMode::read_only);
    EXPECT_EQ(backup.number("SELECT count(*) FROM book"), 2);
}

TEST(Migrate, DoesAllStepsOrNone) {
    TestFolder folder;
    Connection file(folder.file(), OpenMode::read_write);
    migrate(file, folder.file(), {first});
    EXPECT_THROW(migrate(file, folder.file(), {first, second, "CREATE NONSENSE"}), SqliteError);
    EXPECT_EQ(file.user_version(), 1);
    EXPECT_EQ(file.number("SELECT count(*) FROM pragma_table_info('book')"), 1);
    migrate(file, folder.file(), {first, second, third});
    EXPECT_EQ(file.user_version(), 3);
}

TEST(Migrate, ChangesNothingWithoutRoomForTheBackup) {
    TestFolder folder;
    Connection file(folder.file(), OpenMode::read_write);
    migrate(file, folder.file(), {first});
    file.execute("INSERT INTO book VALUES (hex(zeroblob(100000)))");
    const auto before = files_in(folder);
    std::ofstream(backup_name(folder.file(), 2)) << "an older backup";
    {
        const FullDisk full(64 * 1024);
        EXPECT_THROW(migrate(file, folder.file(), {first, second}), SqliteError);
    }
    EXPECT_EQ(file.user_version(), 1);
    std::ifstream kept(backup_name(folder.file(), 2));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), "an older backup")
        << "half a backup must not stand in for a whole one";
    std::filesystem::remove(backup_name(folder.file(), 2));
    EXPECT_EQ(files_in(folder), before) << "nothing is left behind";
}

// ---- databases of every version that was ever released -------------------------------------

const std::filesystem::path versions = SOURCE_DIR "/tests/storage/versions";

std::string name_of(std::size_t version) { return "v" + std::to_string(version) + ".db"; }

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::map<std::string, std::int64_t> rows_by_table(Connection& connection) {
    std::map<std::string, std::int64_t> rows;
    Statement names(connection,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                    "'evidence_text%' AND name NOT LIKE 'note_text%'");
    while (names.step())
        rows[names.text(0)] = connection.number("SELECT count(*) FROM " + names.text(0));
    return rows;
}

TEST(Versions, OneDatabaseWasKeptOfEach) {
    for (std::size_t version = 1; version <= migrations().size(); ++version)
        EXPECT_TRUE(std::filesystem::exists(versions / name_of(version)))
            << "schema " << version << " left no database: build write_version_database and run"
            << " `build/release/tests/write_version_database tests/storage/versions`"
            << " (tests/storage/versions/README.md)";
}

TEST(Versions, EachIsBroughtUpToDateWithAllThatWasInIt) {
    for (std::size_t version = 1; version <= migrations().size(); ++version) {
        SCOPED_TRACE("version " + std::to_string(version));
        TestFolder folder;
        std::filesystem::copy_file(versions / name_of(version), folder.file());
        std::map<std::string, std::int64_t> before;
        {
            Connection old(folder.file(), OpenMode::read_write);
            ASSERT_EQ(old.user_version(), static_cast<std::int64_t>(version));
            before = rows_by_table(old);
        }
        for (const auto& [table, rows] : before) EXPECT_GT(rows, 0) << table << " shows nothing";
        {
            auto store = Store::open(folder.file());
            ASSERT_TRUE(store) << store.error().what;
            EXPECT_EQ((*store)->database_id(), "00000000000000000000000000000001");
            const auto state = (*store)->load(Timestamp::min());
            ASSERT_TRUE(state) << state.error().what;
            EXPECT_EQ(state->incidents.size(), 2u);
            EXPECT_EQ(state->evidence.size(), 2u);
            EXPECT_EQ(state->positions.size(), 2u);
            const auto reader = Reader::open(folder.file());
            ASSERT_TRUE(reader) << reader.error().what;
            const auto dump = (*reader)->canonical_dump();
            ASSERT_TRUE(dump) << dump.error().what;
            auto expected = versions / name_of(version);
            EXPECT_EQ(*dump, text_of(expected.replace_extension("dump")));
            // It goes on where that version stopped.
            const auto numbers = (*store)->commit(filled_changes(3));
            ASSERT_TRUE(numbers) << numbers.error().what;
            EXPECT_EQ(numbers->numbers.begin()->second, 3);
        }
        Connection now(folder.file(), OpenMode::read_write);
        EXPECT_EQ(now.user_version(), static_cast<std::int64_t>(migrations().size()));
        const auto after = rows_by_table(now);
        for (const auto& [table, rows] : before) EXPECT_GE(after.at(table), rows) << table;
        now.execute("INSERT INTO evidence_text(evidence_text) VALUES ('integrity-check')");
        now.execute("INSERT INTO note_text(note_text) VALUES ('integrity-check')");
        Statement check(now, "PRAGMA integrity_check");
        ASSERT_TRUE(check.step());
        EXPECT_EQ(check.text(0), "ok");
        EXPECT_EQ(std::filesystem::exists(backup_name(folder.file(), migrations().size())),
                  version < migrations().size());
    }
}

}  // namespace
}  // namespace runnerwatch
