// What is kept of the things people do to incidents.
#include "storage/row_io.h"
#include "storage/store.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

const Timestamp noon = Timestamp(12h) + std::chrono::days(20'000);

class ActRowsTest : public testing::Test {
protected:
    ActRowsTest() : store(std::move(*Store::open(folder.file()))) {}

    IncidentRow over(const std::string& key, Timestamp ended) {
        IncidentRow row;
        row.key = row.ulid = key;
        row.state = IncidentState::resolved;
        row.ended_at = row.last_seen = ended;
        return row;
    }

    void commit(const std::vector<IncidentRow>& rows) {
        ChangeSet set;
        for (const auto& row : rows) set.incidents[row.key] = row;
        ASSERT_TRUE(store->commit(set));
    }

    std::vector<std::string> loaded(Timestamp since) {
        std::vector<std::string> keys;
        const auto state = store->load(since);
        for (const auto& row : state->incidents) keys.push_back(row.key);
        return keys;
    }

    std::int64_t found(const std::string& words) {
        Connection file(folder.file(), OpenMode::read_only);
        return file.number("SELECT count(*) FROM note_text WHERE note_text MATCH '" + words + "'");
    }

    TestFolder folder;
    std::unique_ptr<Store> store;
};

TEST_F(ActRowsTest, WhatIsSnoozedIsLoadedHoweverLongItHasBeenOver) {
    IncidentRow snoozed = over("a", noon - 500h), woken = over("b", noon - 500h);
    snoozed.snoozed_until = noon + 1h;
    woken.snoozed_until = noon - 100h;
    commit({snoozed, woken});
    EXPECT_THAT(loaded(noon - 48h), ElementsAre("a"));
}

TEST_F(ActRowsTest, WhatIsMergedIsLoadedTogether) {
    IncidentRow open = over("a", noon - 1h), root = over("b", noon - 500h),
                sibling = over("c", noon - 600h), nested = over("d", noon - 700h),
                stranger = over("e", noon - 500h);
    open.state = IncidentState::open;
    open.merged_into = sibling.merged_into = "b";
    nested.merged_into = "c";
    commit({open, root, sibling, nested, stranger});
    EXPECT_THAT(loaded(noon - 48h), UnorderedElementsAre("a", "b", "c", "d"));
}

TEST_F(ActRowsTest, NotesAreFoundByTheirWordsUntilTheyAreForgotten) {
    ChangeSet set;
    TimelineRow note;
    note.incident = "a";
    note.change = 3;
    note.kind = "note";
    note.text = "restarted the proxy in front of GitLab";
    TimelineRow other = note;
    other.change = 4;
    other.kind = "ack";
    set.timeline[{"a", 3}] = note;
    set.timeline[{"a", 4}] = other;
    ASSERT_TRUE(store->commit(set));
    EXPECT_EQ(found("proxy"), 1);
    ASSERT_TRUE(store->commit(set)) << "a commit whose answer got lost is made again";
    EXPECT_EQ(found("proxy"), 1);
    set.timeline[{"a", 3}] = std::nullopt;
    ASSERT_TRUE(store->commit(set));
    EXPECT_EQ(found("proxy"), 0);
}

}  // namespace
}  // namespace runnerwatch
