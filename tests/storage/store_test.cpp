#include "storage/store.h"

#include "storage/schema.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

const Timestamp noon = Timestamp(std::chrono::hours(24 * 20'000 + 12));

IncidentRow incident(const std::string& key, Timestamp noted_at = noon) {
    IncidentRow row;
    row.key = key;
    row.ulid = "ULID-" + key;
    row.identity = "\"identity of " + key + "\"";
    row.first_seen = row.last_seen = row.noted_at = noted_at;
    return row;
}

ChangeSet with(const std::vector<IncidentRow>& rows) {
    ChangeSet set;
    for (const auto& row : rows) set.incidents[row.key] = row;
    return set;
}

class StoreTest : public testing::Test {
protected:
    StoreTest() { reopen(); }

    void reopen() {
        store.reset();
        auto opened = Store::open(folder.file());
        ASSERT_TRUE(opened) << opened.error().what;
        store = std::move(*opened);
    }

    std::map<std::string, std::int64_t> commit(const ChangeSet& changes) {
        const auto result = store->commit(changes);
        EXPECT_TRUE(result) << result.error().what;
        return result ? result->numbers : std::map<std::string, std::int64_t>{};
    }

    StoredState load(Timestamp ended_since = Timestamp::min()) {
        auto state = store->load(ended_since);
        EXPECT_TRUE(state) << state.error().what;
        return state ? std::move(*state) : StoredState{};
    }

    std::unique_ptr<Reader> reader() {
        auto opened = Reader::open(folder.file());
        EXPECT_TRUE(opened) << opened.error().what;
        return std::move(*opened);
    }

    std::string dump() {
        auto text = reader()->canonical_dump();
        EXPECT_TRUE(text) << text.error().what;
        return text ? *text : "";
    }

    TestFolder folder;
    std::unique_ptr<Store> store;
};

TEST_F(StoreTest, GivesBackAllThatWasCommittedAfterAReopening) {
    ChangeSet set = filled_changes(1);
    auto& row = *set.incidents.begin()->second;
    row.number = commit(set).at(row.key);
    EXPECT_EQ(row.number, 1);
    reopen();
    const StoredState state = load();
    EXPECT_THAT(state.identities, ElementsAre(*set.identities.begin()->second));
    EXPECT_THAT(state.incidents, ElementsAre(row));
    EXPECT_THAT(state.members, ElementsAre(*set.members.begin()->second));
    EXPECT_THAT(state.pending, ElementsAre(*set.pending.begin()->second));
    EXPECT_THAT(state.evidence, ElementsAre(*set.evidence.begin()->second));
    EXPECT_THAT(state.sources, ElementsAre(*set.sources.begin()->second));
    EXPECT_THAT(state.recovery_marks, ElementsAre(*set.recovery_marks.begin()->second));
    EXPECT_THAT(state.positions, ElementsAre(*set.positions.begin()->second));
    EXPECT_THAT(state.outbox, ElementsAre(*set.outbox.begin()->second));
    EXPECT_THAT(state.outbox_incidents, ElementsAre(*set.outbox_incidents.begin()->second));
    EXPECT_THAT(state.alertmanager_sent, ElementsAre(*set.alertmanager_sent.begin()->second));
    const auto& coverage = *set.coverage.begin()->second;
    EXPECT_THAT(state.coverage_ordinals, ElementsAre(Pair(coverage.instance, coverage.ordinal)));
    EXPECT_EQ(state.meta.at("seed 1"), "1");
    EXPECT_THAT(*reader()->coverage(), ElementsAre(coverage));
    const auto detail = *reader()->incident("#1");
    ASSERT_TRUE(detail);
    EXPECT_THAT(detail->timeline, ElementsAre(*set.timeline.begin()->second,
                                              *std::next(set.timeline.begin())->second));
    EXPECT_THAT(state.idempotency, ElementsAre(*set.idempotency.begin()->second));
    store.reset();
    Connection file(folder.file(), OpenMode::read_only);
    EXPECT_THAT(select<DeliveryAttemptRow>(file), ElementsAre(set.attempts.at(0)));
    EXPECT_THAT(select<AuditRow>(file), ElementsAre(*set.audit.begin()->second));
}

TEST_F(StoreTest, GivesTheCoverageThatReadingGoesOnWith) {
    ChangeSet set;
    const auto add = [&](std::int64_t ordinal, std::optional<Timestamp> to) {
        CoverageRow row;
        row.instance = "one";
        row.ordinal = ordinal;
        row.kind = ordinal == read_ordinal ? read_kind : "stalled";
        row.to = to;
        set.coverage[{row.instance, ordinal}] = row;
    };
    add(read_ordinal, Timestamp(Duration(1)));
    add(1, Timestamp(Duration(2)));
    add(2, std::nullopt);
    commit(set);
    std::vector<std::int64_t> ordinals;
    const auto open = reader()->open_coverage();
    for (const CoverageRow& row : *open) ordinals.push_back(row.ordinal);
    EXPECT_THAT(ordinals, ElementsAre(read_ordinal, 2));
}

TEST_F(StoreTest, TakesAwayWhatACommitDeletes) {
    ChangeSet set = filled_changes(1);
    commit(set);
    const auto forget = [](auto& rows) {
        for (auto& [unused, row] : rows) row.reset();
    };
    forget(set.identities), forget(set.incidents), forget(set.members), forget(set.pending);
    forget(set.timeline), forget(set.evidence), forget(set.sources), forget(set.recovery_marks);
    forget(set.positions), forget(set.coverage), forget(set.outbox);
    forget(set.outbox_incidents), forget(set.alertmanager_sent);
    forget(set.audit), forget(set.idempotency);
    set.attempts.clear();
    commit(set);
    store.reset();
    Connection file(folder.file(), OpenMode::read_only);
    for (const char* table :
         {"identity", "incident", "member", "pending", "timeline", "evidence", "source",
          "recovery_line", "position", "coverage", "outbox", "outbox_incident", "alertmanager_sent",
          "audit", "idempotency", "note"})
        EXPECT_EQ(file.number(std::string("SELECT count(*) FROM ") + table), 0) << table;
}

// State, not deltas: a commit whose answer got lost may be made again.
TEST_F(StoreTest, TheSameCommitTwiceIsTheSameAsOnce) {
    const auto contents = [this] {
        std::string text;
        Connection file(folder.file(), OpenMode::read_only);
        for (const auto& row : select<IncidentRow>(file))
            text += row.key + std::to_string(row.number) + std::to_string(row.count);
        for (const char* table : {"timeline", "evidence", "delivery_attempt", "coverage", "meta",
                                  "audit", "idempotency", "note"})
            text += " " + std::to_string(file.number(std::string("SELECT count(*) FROM ") + table));
        return text + dump();
    };
    ChangeSet set = filled_changes(1);
    set.merge(filled_changes(2));
    const auto numbers = commit(set);
    const std::string once = contents();
    EXPECT_EQ(commit(set), numbers);
    EXPECT_EQ(contents(), once);
}

TEST_F(StoreTest, NumbersIncidentsInTheOrderOfTheirOpening) {
    EXPECT_THAT(commit(with({incident("aa", noon + std::chrono::seconds(2)),
                             incident("bb", noon + std::chrono::seconds(1)),
                             incident("cc", noon + std::chrono::seconds(1))})),
                UnorderedElementsAre(Pair("aa", 3), Pair("bb", 1), Pair("cc", 2)));
    EXPECT_THAT(commit(with({incident("ab", noon), incident("aa")})),
                UnorderedElementsAre(Pair("ab", 4), Pair("aa", 3)));
    reopen();
    EXPECT_THAT(commit(with({incident("dd")})), ElementsAre(Pair("dd", 5)));
}

TEST_F(StoreTest, NeverGivesANumberTwiceAlsoAfterItsIncidentIsForgotten) {
    commit(with({incident("aa"), incident("bb")}));
    ChangeSet forget;
    forget.incidents["bb"] = std::nullopt;
    forget.identities["i"] = IdentityRow{"i", 7, "bb", "[]"};
    commit(forget);
    reopen();
    EXPECT_THAT(commit(with({incident("cc")})), ElementsAre(Pair("cc", 3)));
    // What makes keys unique outlives the incident as well.
    EXPECT_THAT(load().identities, ElementsAre(IdentityRow{"i", 7, "bb", "[]"}));
}

TEST_F(StoreTest, KeepsItsIdentity) {
    const std::string id = store->database_id();
    EXPECT_EQ(id.size(), 32u);
    reopen();
    EXPECT_EQ(store->database_id(), id);
    EXPECT_EQ(load().database_id, id);
    TestFolder elsewhere;
    EXPECT_NE((*Store::open(elsewhere.file()))->database_id(), id);
}

TEST_F(StoreTest, LoadsEndedIncidentsOnlyWhereALateLineMayStillJoinThem) {
    auto open = incident("open", noon - std::chrono::hours(500));
    auto ended = incident("ended", noon);
    ended.state = IncidentState::resolved;
    ended.ended_at = noon;
    auto old = ended;
    old.key = "old", old.ulid = "ULID-old";
    old.ended_at = noon - std::chrono::seconds(1);
    ChangeSet set = with({open, ended, old});
    for (const char* key : {"open", "ended", "old"}) {
        MemberRow member;
        member.incident = key;
        set.members[{key, ""}] = member;
        EvidenceRow proof;
        proof.incident = key;
        set.evidence[{key, 0}] = proof;
    }
    commit(set);
    const StoredState state = load(noon);
    std::vector<std::string> incidents, members, evidence;
    for (const auto& row : state.incidents) incidents.push_back(row.key);
    for (const auto& row : state.members) members.push_back(row.incident);
    for (const auto& row : state.evidence) evidence.push_back(row.incident);
    EXPECT_THAT(incidents, UnorderedElementsAre("open", "ended"));
    EXPECT_THAT(members, UnorderedElementsAre("open", "ended"));
    EXPECT_THAT(evidence, UnorderedElementsAre("open", "ended"));
}

TEST_F(StoreTest, FindsAnIncidentByNumberUlidAndKey) {
    auto row = incident("0123456789abcdef0123456789abcdef");
    row.ulid = "01KDTESTTESTTESTTESTTESTTE";
    commit(with({row}));
    const auto reading = reader();
    for (const std::string id : {"1", "#1", row.ulid.c_str(), row.key.c_str()}) {
        const auto found = reading->incident(id);
        ASSERT_TRUE(found) << found.error().what;
        ASSERT_TRUE(*found) << id;
        EXPECT_EQ((*found)->incident.key, row.key) << id;
    }
    for (const char* id :
         {"", "#", "2", "#2", "-1", "1 OR 1", "' OR '1'='1", "99999999999999999999"})
        EXPECT_FALSE(*reading->incident(id)) << id;
}

TEST_F(StoreTest, ListsTheLatestFirstByStateRuleAndNamespace) {
    auto one = incident("one", noon), two = incident("two", noon + std::chrono::seconds(1));
    one.rule = two.rule = "r";
    two.namespace_ = "n'; DROP TABLE incident; --";
    two.state = IncidentState::resolved;
    commit(with({one, two, incident("three", noon - std::chrono::seconds(1))}));
    const auto keys = [&](const IncidentFilter& filter) {
        std::vector<std::string> found;
        const auto rows = reader()->incidents(filter);
        EXPECT_TRUE(rows) << rows.error().what;
        for (const auto& row : *rows) found.push_back(row.key);
        return found;
    };
    EXPECT_THAT(keys({}), ElementsAre("two", "one", "three"));
    IncidentFilter latest, of_rule, of_namespace, open_of_rule;
    latest.limit = 2;
    of_rule.rule = open_of_rule.rule = "r";
    of_namespace.namespace_ = two.namespace_;
    open_of_rule.states = {IncidentState::open, IncidentState::recovering};
    EXPECT_THAT(keys(latest), ElementsAre("two", "one"));
    EXPECT_THAT(keys(of_rule), ElementsAre("two", "one"));
    EXPECT_THAT(keys(of_namespace), ElementsAre("two"));
    EXPECT_THAT(keys(open_of_rule), ElementsAre("one"));
}

TEST_F(StoreTest, AReaderSeesOnlyWhatIsCommitted) {
    commit(with({incident("aa")}));
    const auto reading = reader();
    Connection writing(folder.file(), OpenMode::read_write);
    {
        Transaction transaction(writing);
        writing.execute("UPDATE incident SET count = 99");
        EXPECT_EQ(reading->incidents({})->at(0).count, 0);
    }
    EXPECT_EQ(reading->incidents({})->at(0).count, 0) << "not committed, so it never was";
}

// An incident, its members and its evidence are read from one commit, also while commits go on.
TEST_F(StoreTest, AReaderSeesOneCommitAtATime) {
    const auto state = [](std::int64_t count) {
        auto row = incident("aa");
        row.count = count;
        ChangeSet set = with({row});
        MemberRow member;
        member.incident = "aa";
        member.count = count;
        set.members[{"aa", ""}] = member;
        TimelineRow change;
        change.incident = "aa";
        change.text = std::to_string(count);
        set.timeline[{"aa", 0}] = change;
        return set;
    };
    commit(state(0));
    const auto reading = reader();
    std::atomic<bool> enough = false;
    std::thread writer([&] {
        for (std::int64_t count = 1; !enough; ++count) commit(state(count));
    });
    std::int64_t last = 0;
    for (int i = 0; i < 400; ++i) {
        const auto detail = *reading->incident("1");
        EXPECT_EQ(detail->members.at(0).count, detail->incident.count);
        EXPECT_EQ(detail->timeline.at(0).text, std::to_string(detail->incident.count));
        EXPECT_GE(detail->incident.count, last);
        last = detail->incident.count;
    }
    enough = true;
    writer.join();
}

TEST_F(StoreTest, TheCanonicalDumpIsSortedAndLeavesOutWhatDependsOnTheDay) {
    ChangeSet set = with({incident("bb"), incident("aa")});
    TimelineRow told;
    told.incident = "aa";
    told.change = 1;
    told.text = "of the log";
    set.timeline[{"aa", 1}] = told;
    told.change = 2;
    told.clock = ClockKind::ours;
    told.text = "of our clock";
    set.timeline[{"aa", 2}] = told;
    EvidenceRow proof;
    proof.incident = "aa";
    proof.text = "the line";
    proof.context_before = "lines around it";
    set.evidence[{"aa", 0}] = proof;
    commit(set);
    const std::string dumped = dump();
    EXPECT_LT(dumped.find("\"key\":\"aa\""), dumped.find("\"key\":\"bb\""));
    EXPECT_EQ(std::count(dumped.begin(), dumped.end(), '\n'), 2);
    EXPECT_THAT(dumped, HasSubstr("of the log"));
    EXPECT_THAT(dumped, HasSubstr("the line"));
    EXPECT_THAT(dumped, Not(HasSubstr("of our clock")));
    EXPECT_THAT(dumped, Not(HasSubstr("lines around it")));

    // The same incidents in another database: other numbers, other ULIDs, seen another day.
    TestFolder elsewhere;
    auto other = std::move(*Store::open(elsewhere.file()));
    ASSERT_TRUE(other->commit(with({incident("bb"), incident("zz")})));
    ChangeSet forget;
    forget.incidents["zz"] = std::nullopt;
    ASSERT_TRUE(other->commit(forget));
    for (auto& [key, row] : set.incidents) {
        row->ulid = "another " + key;
        row->noted_at += std::chrono::hours(24);
    }
    set.timeline.erase({"aa", 2});
    set.evidence.begin()->second->context_before = "other lines";
    ASSERT_TRUE(other->commit(set));
    EXPECT_EQ(*(*Reader::open(elsewhere.file()))->canonical_dump(), dumped);
}

TEST_F(StoreTest, LinesWithoutATimeOfTheirOwnLeaveNoTimeInTheDump) {
    auto row = incident("aa");
    row.clock = ClockKind::ours;
    commit(with({row}));
    EXPECT_THAT(dump(), HasSubstr("\"first_seen\":null"));
}

TEST(ChangeSet, MergedIsWhatBothWouldHaveLeftOneAfterTheOther) {
    TestFolder apart, together;
    ChangeSet first = filled_changes(1), second = filled_changes(2);
    // The second takes back some of the first and changes the rest.
    second.incidents[first.incidents.begin()->first] = std::nullopt;
    auto position = *first.positions.begin()->second;
    position.lines += 7;
    second.positions[position.instance] = position;
    auto one = std::move(*Store::open(apart.file()));
    ASSERT_TRUE(one->commit(first));
    ASSERT_TRUE(one->commit(second));
    auto other = std::move(*Store::open(together.file()));
    ChangeSet both = first;
    both.merge(second);
    ASSERT_TRUE(other->commit(both));
    Connection a(apart.file(), OpenMode::read_only), b(together.file(), OpenMode::read_only);
    EXPECT_EQ(select<PositionRow>(a), select<PositionRow>(b));
    EXPECT_EQ(select<MemberRow>(a), select<MemberRow>(b));
    EXPECT_EQ(select<DeliveryAttemptRow>(a), select<DeliveryAttemptRow>(b));
    EXPECT_EQ(select<IncidentRow>(a).size(), 1u);
    EXPECT_EQ(select<IncidentRow>(b).size(), 1u);
}

TEST(ChangeSet, KnowsWhatIsUrgentAndWhatItHolds) {
    ChangeSet set;
    EXPECT_TRUE(set.empty());
    EXPECT_EQ(set.bytes(), 0u);
    set.positions["a"] = filled<PositionRow>(1);
    EXPECT_FALSE(set.empty());
    EXPECT_FALSE(set.urgent()) << "how far reading has come may wait";
    EvidenceRow proof;
    proof.text = std::string(100'000, 'x');
    set.evidence[{"aa", 0}] = proof;
    EXPECT_TRUE(set.urgent());
    EXPECT_GT(set.bytes(), 100'000u);
    EXPECT_LT(set.bytes(), 110'000u);
}

}  // namespace
}  // namespace runnerwatch
