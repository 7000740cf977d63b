// What a database forgets, and what it never does.
#include "storage/database_check.h"
#include "storage/legal_hold.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

const auto without_end = [] { return true; };

// Incidents 0 to 9, one a minute; the first has number 1.
class Retention : public testing::Test {
protected:
    Retention() : store_(open_with_history(folder_.file(), 10)) {}

    // The age is so that incidents below `first_kept` are older.
    RetentionRules rules_keeping(int first_kept) const {
        RetentionRules rules;
        rules.age_max = days(180);
        rules.now = history_start + minutes(first_kept) + days(180);
        return rules;
    }
    Forgotten forget(const RetentionRules& rules) {
        const auto forgotten = store_->forget(rules, without_end);
        if (!forgotten) throw std::runtime_error(forgotten.error().what);
        EXPECT_FALSE(forgotten->more);
        return *forgotten;
    }
    std::vector<std::int64_t> numbers() const {
        auto reader = Reader::open(folder_.file());
        std::vector<std::int64_t> found;
        const auto rows = (*reader)->incidents({});
        for (const auto& row : *rows) found.push_back(row.number);
        std::sort(found.begin(), found.end());
        return found;
    }
    std::int64_t count(const std::string& what) const {
        return Connection(folder_.file(), OpenMode::read_only)
            .number("SELECT count(*) FROM " + what);
    }
    void change(const std::function<void(ChangeSet&)>& change) {
        ChangeSet set = kept_history(0, 10);
        change(set);
        ASSERT_TRUE(store_->commit(set));
    }
    static IncidentRow& row(ChangeSet& set, int number) {
        return *set.incidents.at(history_key(number - 1));
    }
    void expect_in_order() const {
        const auto check = check_database(folder_.file());
        EXPECT_THAT(check->damage, IsEmpty());
        EXPECT_THAT(check->breaches, IsEmpty());
    }

    TestFolder folder_;
    std::unique_ptr<Store> store_;
};

TEST_F(Retention, ForgetsByAgeWithAllThatBelongsToAnIncidentAndKeepsIdentities) {
    const Forgotten forgotten = forget(rules_keeping(4));
    EXPECT_EQ(forgotten.aged, 4u);
    EXPECT_THAT(numbers(), ElementsAre(5, 6, 7, 8, 9, 10)) << "one that is as old as allowed stays";
    EXPECT_EQ(count("member"), 6);
    EXPECT_EQ(count("timeline"), 12);
    EXPECT_EQ(count("evidence"), 12);
    EXPECT_EQ(count("identity"), 10) << "they hold the number of occurrences";
    EXPECT_EQ(count("evidence_text WHERE evidence_text MATCH 'word3'"), 0);
    expect_in_order();
    ASSERT_TRUE(store_->commit(kept_history(20, 1)));
    EXPECT_EQ(numbers().back(), 11) << "no number is given twice";
}

TEST_F(Retention, NeverForgetsWhatIsOpenOwedOnHoldOrYoung) {
    change([](ChangeSet& set) {
        row(set, 1).state = IncidentState::open;
        row(set, 2).state = IncidentState::recovering;
        row(set, 3).state = IncidentState::cannot_tell;
        set.outbox_incidents[{"chat", "{}", row(set, 4).key}] =
            OutboxIncidentRow{"chat", "{}", row(set, 4).key, "open:error:0", "resolved"};
        // A log of long ago that was read only now.
        row(set, 6).noted_at = history_start + days(179);
    });
    ASSERT_EQ(*hold_incident(folder_.file(), "5", "anna", "audit", history_start),
              HoldOutcome::done);
    EXPECT_EQ(forget(rules_keeping(100)).aged, 4u);
    EXPECT_THAT(numbers(), ElementsAre(1, 2, 3, 4, 5, 6));
    RetentionRules small = rules_keeping(100);
    small.bytes_max = 1'000;
    const Forgotten crowded = forget(small);
    EXPECT_EQ(crowded.crowded, 0u) << "number 6 is younger than three days";
    EXPECT_TRUE(crowded.too_large);
    EXPECT_THAT(numbers(), ElementsAre(1, 2, 3, 4, 5, 6));
    expect_in_order();
}

TEST_F(Retention, KeepsThreeDaysWhateverTheAgeSays) {
    RetentionRules rules;
    rules.age_max = std::chrono::hours(1);
    rules.now = history_start + RetentionRules::kept_at_least + minutes(4);
    EXPECT_EQ(forget(rules).aged, 4u) << "late lines may still join the others";
}

TEST_F(Retention, FamiliesOfSymptomsAndMergedIncidentsGoTogetherOrNotAtAll) {
    change([](ChangeSet& set) {
        const auto fold = [&](int symptom, int cause) {
            row(set, symptom).state = IncidentState::folded;
            row(set, symptom).folded_into = row(set, cause).key;
        };
        fold(1, 2);   // goes with its cause
        fold(3, 10);  // its cause is young
        fold(4, 5);
        row(set, 5).merged_into = row(set, 6).key;  // goes with what it was merged into
        fold(7, 8);                                 // is on hold, and so keeps its cause
    });
    ASSERT_EQ(*hold_incident(folder_.file(), "7", "anna", "audit", history_start),
              HoldOutcome::done);
    EXPECT_EQ(forget(rules_keeping(9)).aged, 6u);
    EXPECT_THAT(numbers(), ElementsAre(3, 7, 8, 10));
    expect_in_order();
}

TEST_F(Retention, ALiftedHoldHoldsNoLonger) {
    const std::string file = folder_.file();
    EXPECT_EQ(*hold_incident(file, "#2", "anna", "audit of 2024", history_start),
              HoldOutcome::done);
    EXPECT_EQ(*hold_incident(file, "2", "ben", "again", history_start + minutes(1)),
              HoldOutcome::as_it_was);
    EXPECT_EQ(*hold_incident(file, "99", "ben", "none", history_start),
              HoldOutcome::no_such_incident);
    EXPECT_EQ(forget(rules_keeping(2)).aged, 1u);
    EXPECT_THAT(numbers(), testing::Contains(2));
    EXPECT_EQ(*release_incident(file, "2", "ben", history_start + minutes(5)), HoldOutcome::done);
    EXPECT_EQ(*release_incident(file, "2", "ben", history_start), HoldOutcome::as_it_was);
    const auto holds = legal_holds(file);
    ASSERT_EQ(holds->size(), 1u);
    EXPECT_EQ(holds->front().number, 2);
    EXPECT_EQ(holds->front().reason, "audit of 2024");
    EXPECT_EQ(holds->front().released_by, "ben");
    EXPECT_EQ(forget(rules_keeping(2)).aged, 1u);
    EXPECT_THAT(numbers(), Not(testing::Contains(2)));
}

TEST_F(Retention, MakesRoomFromTheLeastSevereAndOldestOn) {
    change([](ChangeSet& set) {
        row(set, 9).severity = Severity::info;
        row(set, 8).severity = Severity::warning;
        row(set, 1).severity = Severity::critical;
    });
    RetentionRules rules = rules_keeping(0);
    rules.bytes_max = 1'000'000'000;
    const std::uint64_t used = forget(rules).bytes_used;
    EXPECT_EQ(numbers().size(), 10u) << "there is room";
    // Just above 80 %, so that a few must go.
    rules.bytes_max = used * 100 / 81;
    const Forgotten few = forget(rules);
    EXPECT_GT(few.crowded, 0u);
    EXPECT_LT(few.crowded, 9u);
    EXPECT_FALSE(few.too_large);
    EXPECT_LE(few.bytes_used, rules.bytes_max * 75 / 100);
    const auto left = numbers();
    EXPECT_THAT(left, Not(testing::Contains(9)));
    EXPECT_THAT(left, testing::Contains(1));
    EXPECT_TRUE(std::is_sorted(left.begin(), left.end()));
    if (few.crowded >= 3) {
        EXPECT_THAT(left, Not(testing::Contains(2))) << "the oldest of the errors";
    }
    EXPECT_EQ(forget(rules).crowded, 0u) << "between 75 and 80 % nothing more goes";
    expect_in_order();
}

TEST_F(Retention, GoesInSlicesThatEndWhenTold) {
    int pieces = 0;
    RetentionRules rules = rules_keeping(100);
    std::uint64_t aged = 0;
    int slices = 0;
    for (bool more = true; more; ++slices) {
        ASSERT_LT(slices, 10);
        pieces = 0;
        const auto slice = store_->forget(rules, [&] { return ++pieces < 3; });
        ASSERT_TRUE(slice);
        EXPECT_LE(slice->aged, 3u);
        aged += slice->aged;
        more = slice->more;
        ASSERT_TRUE(store_->commit(kept_history(100 + slices, 1))) << "commits go in between";
        EXPECT_EQ(check_database(folder_.file())->breaches.size(), 0u);
    }
    EXPECT_EQ(aged, 10u);
    EXPECT_GT(slices, 3);
}

// None of them may make a slice that never ends, however many are passed over.
TEST_F(Retention, PassesOverManyThatAreKeptByTheirFamilies) {
    ChangeSet set = kept_history(1'000, 700);
    for (int number = 1'000; number < 1'650; ++number) {
        IncidentRow symptom = *set.incidents.at(history_key(number));
        symptom.key = "symptom" + std::to_string(number);
        symptom.ulid = symptom.key;
        symptom.identity = symptom.key;
        symptom.state = IncidentState::open;
        symptom.folded_into = history_key(number);
        symptom.changes = symptom.evidence_count = 0;
        set.incidents[symptom.key] = symptom;
    }
    ASSERT_TRUE(store_->commit(set));
    EXPECT_EQ(forget(rules_keeping(10'000)).aged, 60u);
    EXPECT_EQ(forget(rules_keeping(10'000)).aged, 0u);
}

TEST_F(Retention, DeliveriesGoWithTheLastIncidentTheyToldOfOrByTheirAge) {
    const auto attempt = [](const std::string& key, Timestamp at, const std::string& told) {
        return DeliveryAttemptRow{"chat", "{}", key, 1, at, "sent", 200, "", told};
    };
    const std::string first = history_key(0), second = history_key(1);
    ChangeSet set;
    set.attempts = {
        attempt("of both", history_start, R"({")" + first + R"(":"a",")" + second + R"(":"a"})"),
        attempt("of the first", history_start, R"({")" + first + R"(":"a"})"),
        attempt("a test, old", history_start - days(1), "{}"),
        attempt("a test, young", history_start + days(1), "{}"),
    };
    ASSERT_TRUE(store_->commit(set));
    EXPECT_EQ(forget(rules_keeping(1)).deliveries, 2u);
    EXPECT_EQ(count("delivery_attempt WHERE delivery_key IN ('of both', 'a test, young')"), 2);
    EXPECT_EQ(forget(rules_keeping(2)).deliveries, 1u);
    EXPECT_EQ(count("delivery_attempt"), 1);
    EXPECT_EQ(count("delivery_incident"), 0);
}

TEST_F(Retention, GapsPositionsUnknownMessagesAndAuditsAgeByThemselves) {
    const Timestamp old = history_start - days(1), young = history_start + days(1);
    ChangeSet set;
    const auto gap = [&](const std::string& instance, std::int64_t ordinal, Timestamp at,
                         bool ended) {
        CoverageRow row;
        row.instance = instance;
        row.ordinal = ordinal;
        row.kind = ordinal == 0 ? "read" : "rotated";
        row.noted_at = at;
        if (ended) row.to = at;
        set.coverage[{instance, ordinal}] = row;
    };
    const auto position = [&](const std::string& instance, Timestamp at, bool complete) {
        PositionRow row;
        row.instance = instance;
        row.complete = complete;
        row.updated_at = at;
        set.positions[instance] = row;
    };
    SourceRow source;
    source.place.instance = "living";
    set.sources["living"] = source;
    position("living", old, true);
    gap("living", 0, old, true);   // what was read: goes on
    gap("living", 1, old, true);   // forgotten
    gap("living", 2, old, false);  // has no end yet
    gap("living", 3, young, true);
    position("gone", old, true);  // forgotten, with what was read of it
    gap("gone", 0, old, true);
    position("unread", old, false);
    gap("unread", 0, old, true);
    for (const Timestamp at : {old, young}) {
        TemplateRow unknown;
        unknown.id = format_time(at);
        unknown.noted_at = at;
        set.templates[unknown.id] = unknown;
        for (const std::string& key : {std::string("forgotten"), history_key(5)}) {
            AuditRow audit;
            audit.incident = key;
            audit.change = at == old ? 1 : 2;
            audit.at = at;
            set.audit[{key, audit.change}] = audit;
        }
    }
    ASSERT_TRUE(store_->commit(set));
    const Forgotten forgotten = forget(rules_keeping(0));
    EXPECT_EQ(forgotten.positions, 1u);
    EXPECT_EQ(forgotten.gaps, 2u);
    EXPECT_EQ(forgotten.templates, 1u);
    EXPECT_EQ(forgotten.audits, 1u);
    EXPECT_EQ(count("coverage WHERE instance = 'living' AND ordinal IN (0, 2, 3)"), 3);
    EXPECT_EQ(count("coverage"), 4);
    EXPECT_EQ(count("position"), 2);
    EXPECT_EQ(count("audit"), 3) << "also the old one of an incident that is still there";
    EXPECT_TRUE(forget(rules_keeping(0)).nothing());
}

TEST_F(Retention, ThatCannotWriteIsAnErrorAndChangesNothing) {
    Connection other(folder_.file(), OpenMode::read_write);
    const Transaction held(other);
    const auto forgotten = store_->forget(rules_keeping(100), without_end);
    ASSERT_FALSE(forgotten);
    EXPECT_EQ(forgotten.error().kind, StoreError::Kind::locked);
    EXPECT_EQ(numbers().size(), 10u);
}

}  // namespace
}  // namespace runnerwatch
