// What the commands on a database file print, to the letter.
#include "daemon/commands/db.h"

#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Printed {
    int code;
    std::string out, errors;
};

class DatabaseCommands : public testing::Test {
protected:
    DatabaseCommands() { store_ = open_with_history(file_, 20); }

    // The names of files differ from run to run.
    Printed run(const std::function<int(std::ostream&, std::ostream&)>& command) const {
        std::ostringstream out, errors;
        const int code = command(out, errors);
        return {code, plain(out.str()), plain(errors.str())};
    }
    std::string plain(std::string text) const {
        for (std::size_t at; (at = text.find(folder_.path.string())) != std::string::npos;)
            text.replace(at, folder_.path.string().size(), "DIR");
        return text;
    }
    void damage(const std::string& file) const {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(5 * 4096 + 8);
        bytes << std::string(4'000, '\x5a');
    }

    TestFolder folder_;
    const std::string file_ = folder_.file(), backup_ = folder_.file("backup.db");
    std::unique_ptr<Store> store_;
};

TEST_F(DatabaseCommands, CheckSaysWhatWasExaminedOrWhatIsWrong) {
    const auto check = [&](std::ostream& out, std::ostream& errors) {
        return show_check(file_, out, errors);
    };
    const Printed good = run(check);
    EXPECT_EQ(good.code, 0);
    EXPECT_THAT(good.out, testing::MatchesRegex("in order: 20 incidents, 40 kept records, "
                                                "[0-9.]+ KiB, schema [0-9]+\n"));
    store_.reset();
    Connection(file_, OpenMode::read_write).execute("DELETE FROM incident WHERE number = 1");
    const Printed wrong = run(check);
    EXPECT_EQ(wrong.code, 1);
    EXPECT_EQ(wrong.out,
              "wrong: 1 members of incidents that do not exist\n"
              "wrong: 2 timeline rows of incidents that do not exist\n"
              "wrong: 2 kept log lines of incidents that do not exist\n"
              "It can be read and written, but what is named here contradicts itself, which is a "
              "defect of runnerwatch: please report it.\n");
    damage(file_);
    const Printed damaged = run(check);
    EXPECT_EQ(damaged.code, 1);
    EXPECT_THAT(damaged.out, StartsWith("damaged: "));
    EXPECT_THAT(damaged.out,
                HasSubstr("\nThis database cannot be trusted. Keep it for examination and put back "
                          "a backup: `runnerwatch db restore BACKUP --database DIR/runnerwatch.db`."
                          "\n"));
    std::filesystem::remove(file_);
    EXPECT_EQ(run(check).code, 2);
}

TEST_F(DatabaseCommands, BackupAndRestoreSayWhatIsWhereNow) {
    const auto back_up = [&](std::ostream& out, std::ostream& errors) {
        return write_backup(file_, backup_, false, out, errors);
    };
    const auto restore = [&](std::ostream& out, std::ostream& errors) {
        return restore_backup(backup_, file_, history_start, out, errors);
    };
    const Printed written = run(back_up);
    EXPECT_EQ(written.code, 0);
    EXPECT_THAT(written.out, StartsWith("backed up and verified: DIR/backup.db (20 incidents, 40 "
                                        "kept records, "));
    const Printed again = run(back_up);
    EXPECT_EQ(again.code, 1);
    EXPECT_EQ(
        again.errors,
        "runnerwatch: backing up the database failed: DIR/backup.db exists already. Database: "
        "DIR/runnerwatch.db. Name another file, or say --force to replace it.\n");
    const Printed running = run(restore);
    EXPECT_EQ(running.code, 1);
    EXPECT_THAT(running.errors,
                StartsWith("runnerwatch: opening the database failed: it is being written by "
                           "process "));
    store_.reset();
    const Printed restored = run(restore);
    EXPECT_EQ(restored.code, 0) << restored.errors;
    EXPECT_THAT(restored.out, StartsWith("restored and verified: DIR/runnerwatch.db (20 "));
    EXPECT_THAT(restored.out, HasSubstr("\nwhat it replaced is kept: "
                                        "DIR/runnerwatch.db.replaced-20241004T120000Z\n"));
    damage(backup_);
    const Printed damaged = run(restore);
    EXPECT_EQ(damaged.code, 1);
    EXPECT_THAT(damaged.errors, HasSubstr("The database was not touched."));
    std::filesystem::remove(backup_);
    EXPECT_EQ(run(restore).code, 2);
}

TEST_F(DatabaseCommands, VacuumSaysHowLargeItWasAndIs) {
    store_.reset();
    const Printed vacuumed =
        run([&](std::ostream& out, std::ostream& errors) { return vacuum(file_, out, errors); });
    EXPECT_EQ(vacuumed.code, 0) << vacuumed.errors;
    EXPECT_THAT(vacuumed.out,
                testing::MatchesRegex("was [0-9.]+ KiB \\([0-9]+ bytes\\), is [0-9.]+ KiB "
                                      "\\([0-9]+ bytes\\): DIR/runnerwatch.db\n"));
    const Printed missing = run([&](std::ostream& out, std::ostream& errors) {
        return vacuum(folder_.file("none.db"), out, errors);
    });
    EXPECT_EQ(missing.code, 2);
    EXPECT_FALSE(std::filesystem::exists(folder_.file("none.db")));
}

TEST_F(DatabaseCommands, HoldsSayWhoHoldsWhatAndWhyBesideADaemon) {
    const Timestamp later = history_start + std::chrono::hours(1);
    const auto held = run([&](std::ostream& out, std::ostream& errors) {
        return hold(file_, "3", "anna", "audit of 2024", history_start, out, errors);
    });
    EXPECT_EQ(held.code, 0) << held.errors;
    EXPECT_EQ(held.out, "incident 3 is on legal hold: retention passes over it\n");
    const auto again = run([&](std::ostream& out, std::ostream& errors) {
        return hold(file_, "3", "ben", "so do I", later, out, errors);
    });
    EXPECT_EQ(again.code, 1);
    EXPECT_EQ(again.errors,
              "runnerwatch: incident 3 is on legal hold already. `runnerwatch db holds` lists what "
              "is.\n");
    const auto missing = run([&](std::ostream& out, std::ostream& errors) {
        return hold(file_, "77", "anna", "?", later, out, errors);
    });
    EXPECT_EQ(missing.code, 1);
    EXPECT_THAT(missing.errors, StartsWith("runnerwatch: there is no incident 77. "));
    ASSERT_EQ(run([&](std::ostream& out, std::ostream& errors) {
                  return hold(file_, "4", "anna", "audit of 2024", later, out, errors);
              }).code,
              0);
    const auto lifted = run([&](std::ostream& out, std::ostream& errors) {
        return unhold(file_, "3", "ben", later, out, errors);
    });
    EXPECT_EQ(lifted.out, "incident 3 is no longer on legal hold: retention may remove it\n");
    const auto listed = run([&](std::ostream& out, std::ostream& errors) {
        return list_holds(file_, ListFormat::table, out, errors);
    });
    EXPECT_EQ(listed.code, 0);
    EXPECT_EQ(listed.out,
              "#  SINCE                    BY    REASON         LIFTED                   LIFTED BY "
              " WHAT\n"
              "4  2024-10-04 13:00:00 UTC  anna  audit of 2024                                     "
              " GitLab "
              "refuses this runner's job requests (403)\n"
              "3  2024-10-04 12:00:00 UTC  anna  audit of 2024  2024-10-04 13:00:00 UTC  ben       "
              " GitLab "
              "refuses this runner's job requests (403)\n");
    const auto as_json = run([&](std::ostream& out, std::ostream& errors) {
        return list_holds(file_, ListFormat::json, out, errors);
    });
    EXPECT_THAT(as_json.out, HasSubstr("\"released_at\": null"));
}

}  // namespace
}  // namespace runnerwatch
