// Every column of every table, whatever the tables are: what is put in comes back.
#include "storage/schema.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

template <class Row>
class RowTest : public testing::Test {
protected:
    RowTest() { migrate(*connection, folder.file(), migrations()); }

    void reopen() {
        connection.reset();
        connection = std::make_unique<Connection>(folder.file(), OpenMode::read_write);
    }

    TestFolder folder;
    std::unique_ptr<Connection> connection =
        std::make_unique<Connection>(folder.file(), OpenMode::read_write);
};

using AllRows = testing::Types<IdentityRow, IncidentRow, MemberRow, PendingRow, TimelineRow,
                               EvidenceRow, SourceRow, RecoveryMarkRow, PositionRow, CoverageRow,
                               OutboxRow, OutboxIncidentRow, AlertmanagerSentRow,
                               DeliveryAttemptRow, AuditRow, IdempotencyRow>;
TYPED_TEST_SUITE(RowTest, AllRows);

TYPED_TEST(RowTest, ComesBackFromDiskAsItWasPut) {
    const auto row = filled<TypeParam>(1);
    put(*this->connection, row);
    this->reopen();
    EXPECT_THAT(select<TypeParam>(*this->connection), ElementsAre(row));
}

// Nothing known: no times, empty texts, zeros.
TYPED_TEST(RowTest, ComesBackWithNothingInIt) {
    const TypeParam row;
    put(*this->connection, row);
    this->reopen();
    EXPECT_THAT(select<TypeParam>(*this->connection), ElementsAre(row));
}

TYPED_TEST(RowTest, IsReplacedWholeByARowOfTheSameKey) {
    const auto before = filled<TypeParam>(1), other = filled<TypeParam>(2);
    put(*this->connection, before);
    put(*this->connection, other);
    TypeParam after;  // the key of `before` and nothing else
    int index = 0;
    for_each_column<TypeParam>([&](const auto& column) {
        if (index++ < Table<TypeParam>::key_columns) column.access(after) = column.access(before);
    });
    put(*this->connection, after);
    EXPECT_THAT(select<TypeParam>(*this->connection), testing::UnorderedElementsAre(after, other));
}

TYPED_TEST(RowTest, HasAllColumnsOfItsTableAndNoOthers) {
    std::vector<std::string> ours, theirs;
    for_each_column<TypeParam>([&](const auto& column) {
        std::string name = column.name;
        if (name.front() == '"') name = name.substr(1, name.size() - 2);
        ours.push_back(name);
    });
    Statement query(*this->connection, std::string("SELECT name FROM pragma_table_info('") +
                                           Table<TypeParam>::name + "')");
    while (query.step()) theirs.push_back(query.text(0));
    EXPECT_THAT(ours, UnorderedElementsAreArray(theirs));
}

TEST(Words, OfEveryStateComeBack) {
    TestFolder folder;
    Connection connection(folder.file(), OpenMode::read_write);
    migrate(connection, folder.file(), migrations());
    int number = 0;
    for (const auto state :
         {IncidentState::open, IncidentState::recovering, IncidentState::resolved,
          IncidentState::cannot_tell, IncidentState::folded})
        for (const auto clock : {ClockKind::source, ClockKind::ours})
            for (const auto severity :
                 {Severity::info, Severity::warning, Severity::error, Severity::critical}) {
                auto row = filled<IncidentRow>(++number);
                row.state = state;
                row.clock = clock;
                row.severity = severity;
                put(connection, row);
                EXPECT_THAT(select<IncidentRow>(connection, "ORDER BY number DESC LIMIT 1"),
                            ElementsAre(row));
            }
    for (const auto state : {MemberState::failing, MemberState::recovering, MemberState::recovered,
                             MemberState::gone, MemberState::replaced}) {
        auto row = filled<MemberRow>(++number);
        row.state = state;
        put(connection, row);
        EXPECT_THAT(select<MemberRow>(connection, "ORDER BY count DESC LIMIT 1"), ElementsAre(row));
    }
}

// Full text finds what the evidence says now, and nothing it no longer says.
TEST(FullText, FollowsTheEvidence) {
    TestFolder folder;
    Connection connection(folder.file(), OpenMode::read_write);
    migrate(connection, folder.file(), migrations());
    const auto found = [&](const std::string& word) {
        Statement query(connection,
                        "SELECT evidence.incident FROM evidence_text JOIN evidence ON "
                        "evidence.rowid = evidence_text.rowid WHERE evidence_text MATCH ?");
        query.bind(1, std::string_view(word));
        std::vector<std::string> incidents;
        while (query.step()) incidents.push_back(query.text(0));
        return incidents;
    };
    EvidenceRow row;
    row.incident = "one";
    row.text = "Checking for jobs... forbidden";
    put(connection, row);
    EvidenceRow other = row;
    other.incident = "two";
    other.text = "certificate has expired";
    put(connection, other);
    EXPECT_THAT(found("forbidden"), ElementsAre("one"));
    EXPECT_THAT(found("certificate"), ElementsAre("two"));
    row.text = "no space left on device";
    put(connection, row);
    EXPECT_THAT(found("forbidden"), IsEmpty());
    EXPECT_THAT(found("space"), ElementsAre("one"));
    remove<EvidenceRow>(connection, std::pair<std::string, std::int64_t>{"two", 0});
    EXPECT_THAT(found("certificate"), IsEmpty());
    connection.execute("INSERT INTO evidence_text(evidence_text) VALUES ('integrity-check')");
}

TEST(Words, UnknownOnesAreAStatedError) {
    TestFolder folder;
    Connection connection(folder.file(), OpenMode::read_write);
    migrate(connection, folder.file(), migrations());
    put(connection, filled<IncidentRow>(1));
    connection.execute("UPDATE incident SET state = 'sleeping'");
    try {
        select<IncidentRow>(connection);
        ADD_FAILURE() << "a state that does not exist was read";
    } catch (const SqliteError& error) {
        EXPECT_STREQ(error.what(), "unknown word \"sleeping\"");
    }
}

}  // namespace
}  // namespace runnerwatch
