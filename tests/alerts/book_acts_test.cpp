// What people do to incidents, act by act.
#include "tests/alerts/book_fixture.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Kind = ActRefusal::Kind;

class BookActs : public BookTest {
protected:
    BookActs() {
        start(pod("a"));
        fail("forbidden", pod("a"), noon);
        key = only("forbidden").key;
        book->set_numbers({{key, 1}});
    }

    // A second incident, of another rule.
    std::string other() {
        for (int i = 0; i < 3; ++i) fail("thrice", pod("a"), noon + i * 1s);
        const std::string second = only("thrice").key;
        book->set_numbers({{second, 2}});
        return second;
    }

    const IncidentRow& row() const { return *book->find(key); }

    void recover_now(Timestamp at) {
        recover("forbidden", 0, pod("a"), at, {{"runner_name", "name-A"}});
    }

    // Kinds and texts of the timeline since the last call.
    std::vector<std::string> told() {
        std::vector<std::string> lines;
        ChangeSet changes = book->take_changes();
        for (const auto& [unused, change] : changes.timeline)
            lines.push_back(change->kind + " (" + change->actor + "): " + change->text);
        audit = changes.audit;
        rows.merge(std::move(changes));
        return lines;
    }

    std::string key;
    ChangeSet::Rows<ChangeSet::PairNumber, AuditRow> audit;
};

TEST_F(BookActs, EachIsARowOfTheTimelineAndOfTheAuditAndTwiceIsAsOnce) {
    const struct {
        const char* name;
        IncidentAct act;
        const char* says;
    } table[] = {
        {"ack", Acknowledge{}, "ack (ann): acknowledged by ann"},
        {"ack", Acknowledge{"bob", noon + 26h}, "acknowledged by ann for bob until "},
        {"unack", Unacknowledge{}, "no longer acknowledged by bob"},
        {"snooze", Snooze{noon + 26h, 50, true}, "or until it was seen 50 times or until its sev"},
        {"unsnooze", Unsnooze{}, "the snooze of ann ended by ann"},
        {"assign", Assign{"bob"}, "assigned to bob by ann"},
        {"assign", Assign{}, "assigned to nobody by ann"},
        {"tag", Tag{{"net", "vpn"}}, "tagged by ann: net, vpn"},
        {"untag", Untag{{"net"}}, "untagged by ann: net"},
        {"resolve", ResolveByHand{}, "resolve (ann): resolved by ann"},
    };
    told();
    for (const auto& one : table) {
        SCOPED_TRACE(one.says);
        const auto first = act(key, one.act);
        ASSERT_TRUE(first) << first.error().what;
        EXPECT_TRUE(first->changed);
        const auto lines = told();
        ASSERT_FALSE(lines.empty());
        EXPECT_THAT(lines[0], HasSubstr(one.says));
        ASSERT_EQ(audit.size(), 1u);
        EXPECT_EQ(audit.begin()->second->act, one.name);
        EXPECT_EQ(audit.begin()->second->actor, "ann");
        EXPECT_EQ(audit.begin()->second->at, now);
        const auto again = act(key, one.act);
        ASSERT_TRUE(again) << again.error().what;
        EXPECT_FALSE(again->changed);
        EXPECT_TRUE(told().empty());
        restart();
    }
    EXPECT_EQ(row().tags, "vpn");
    EXPECT_EQ(row().state, IncidentState::resolved);
    EXPECT_EQ(row().resolved_by, "ann");
}

TEST_F(BookActs, ANoteIsARowOfItsOwnWhateverItComesWith) {
    told();
    ASSERT_TRUE(act(key, Acknowledge{}, "looking at the proxy"));
    ASSERT_TRUE(act(key, AddNote{}, "it was the proxy"));
    EXPECT_THAT(told(), testing::ElementsAre("ack (ann): acknowledged by ann",
                                             "note (ann): looking at the proxy",
                                             "note (ann): it was the proxy"));
}

TEST_F(BookActs, WhatMakesNoSenseIsRefusedWithItsReasonAndChangesNothing) {
    const std::string second = other();
    const struct {
        IncidentAct act;
        const char* note;
        Kind kind;
        const char* why;
    } table[] = {
        {Acknowledge{"", noon}, "", Kind::invalid, "#1 was not acknowledged: until "},
        {Acknowledge{"", now + 9000h}, "", Kind::invalid, "more than a year away"},
        {Acknowledge{std::string(101, 'x'), {}}, "", Kind::invalid, "owner has more than 100"},
        {Assign{"bob\n"}, "", Kind::invalid, "control characters"},
        {Snooze{}, "", Kind::invalid, "nothing says what ends the snooze"},
        {Snooze{{}, 0, false}, "", Kind::invalid, "count is not 1 or more"},
        {Snooze{{}, 1, false}, "", Kind::conflict, "it has been seen 1 times already"},
        {AddNote{}, "", Kind::invalid, "the note is empty"},
        {Tag{{"two words"}}, "", Kind::invalid, "a tag is 1 to 60"},
        {Tag{}, "", Kind::invalid, "no tag is named"},
        {MergeInto{"nobody"}, "", Kind::no_such_incident, "there is no incident nobody"},
        {MergeInto{key}, "", Kind::conflict, "#1 is the same incident"},
    };
    told();
    const std::string before = book->snapshot();
    for (const auto& one : table) {
        SCOPED_TRACE(one.why);
        const auto done = act(key, one.act, one.note);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().kind, one.kind);
        EXPECT_THAT(done.error().what, HasSubstr(one.why));
        EXPECT_EQ(book->snapshot(), before);
    }
    EXPECT_EQ(act("nobody", Acknowledge{}).error().kind, Kind::no_such_incident);
    EXPECT_EQ(act(key, Acknowledge{}, "", "").error().kind, Kind::invalid);
    EXPECT_TRUE(told().empty());
    std::vector<std::string> many;
    for (int i = 0; i < 21; ++i) many.push_back("tag" + std::to_string(i));
    EXPECT_EQ(act(key, Tag{many}).error().kind, Kind::full);
}

TEST_F(BookActs, WhatIsOverTakesNotesTagsAndAnAssigneeOnly) {
    recover_now(noon + 10s);
    ASSERT_EQ(row().state, IncidentState::resolved);
    EXPECT_THAT(act(key, Acknowledge{}).error().what, HasSubstr("it is over"));
    EXPECT_EQ(act(key, Snooze{now + 1h, {}, false}).error().kind, Kind::conflict);
    EXPECT_THAT(act(key, ResolveByHand{}).error().what, HasSubstr("it is over already"));
    EXPECT_TRUE(act(key, AddNote{}, "it was the proxy"));
    EXPECT_TRUE(act(key, Tag{{"proxy"}}));
    EXPECT_TRUE(act(key, Assign{"bob"}));
    restart();
    EXPECT_EQ(row().assignee, "bob");
}

TEST_F(BookActs, ASymptomIsActedOnInItsCause) {
    fail("disabled", pod("a"), noon - 1min, "A");
    start(pod("b"));
    fail("disabled", pod("b"), noon, "B");
    const std::string symptom = only("disabled").key;
    fail("forbidden", pod("b"), noon + 1s, "B");
    ASSERT_EQ(book->find(symptom)->state, IncidentState::folded);
    EXPECT_THAT(act(symptom, Acknowledge{}).error().what, HasSubstr("symptom of"));
    EXPECT_EQ(act(symptom, MergeInto{key}).error().kind, Kind::conflict);
    EXPECT_TRUE(act(symptom, AddNote{}, "seen"));
}

TEST_F(BookActs, AnAcknowledgementEndsByOurClockAndSaysSo) {
    ASSERT_TRUE(act(key, Acknowledge{"", now + 2h}));
    EXPECT_EQ(book->next_tick(), now + 2h);
    restart();
    now += 2h - 1s;
    book->tick(now);
    EXPECT_EQ(row().acknowledged_by, "ann");
    now += 1s;
    told();
    book->tick(now);
    EXPECT_EQ(row().acknowledged_by, "");
    EXPECT_THAT(told(),
                testing::ElementsAre(testing::StartsWith("ack_expired (runnerwatch): ann")));
    EXPECT_EQ(book->next_tick(), std::nullopt);
    restart();
}

TEST_F(BookActs, OfWhatIsOverItStaysOnRecordWhoWorkedOnIt) {
    ASSERT_TRUE(act(key, Acknowledge{"", now + 2h}));
    recover_now(noon + 10s);
    now += 3h;
    book->tick(now);
    EXPECT_EQ(row().acknowledged_by, "ann");
    EXPECT_EQ(book->next_tick(), std::nullopt);
}

TEST_F(BookActs, ASnoozeEndsAtTheFirstOfWhatItNames) {
    const struct {
        const char* why;
        Snooze snooze;
    } table[] = {{"it was snoozed until ", {noon + 26h, 500, true}},
                 {"it has been seen 5 times", {noon + 26h, 5, true}},
                 {"its severity rose to critical", {noon + 26h, 500, true}}};
    for (std::size_t i = 0; i < std::size(table); ++i) {
        SCOPED_TRACE(table[i].why);
        book = std::make_unique<IncidentBook>(pack, "db");
        rows = {};
        now = noon + 24h;
        start(pod("b"));
        start(pod("a"));
        fail("forbidden", pod("a"), noon);
        ASSERT_TRUE(act(key, table[i].snooze));
        restart();
        if (i == 0) {
            EXPECT_EQ(book->next_tick(), noon + 26h);
            now = noon + 26h;
            book->tick(now);
        }
        if (i == 1)
            for (int n = 1; n < 5; ++n) {
                EXPECT_EQ(row().snoozed_by, "ann");
                fail("forbidden", pod("a"), noon + n * 1s);
            }
        if (i == 2) fail("forbidden", pod("b"), noon + 1s);
        EXPECT_EQ(row().snoozed_by, "");
        EXPECT_EQ(row().wakes, 1);
        EXPECT_THAT(row().woke_because, HasSubstr(table[i].why));
        EXPECT_THAT(told().back(), HasSubstr(table[i].why));
        restart();
    }
}

TEST_F(BookActs, ASnoozeByTimeHoldsForTheNextOccurrence) {
    ASSERT_TRUE(act(key, Snooze{noon + 100h, {}, false}));
    ASSERT_TRUE(act(key, Tag{{"proxy"}}));
    recover_now(noon + 10s);
    now = noon + 80h;  // past what ended incidents are kept for otherwise
    book->tick(now);
    restart();
    fail("forbidden", pod("a"), noon + 79h);
    const IncidentRow& next = only("forbidden");
    EXPECT_NE(next.key, key);
    EXPECT_EQ(next.snoozed_by, "ann");
    EXPECT_EQ(next.snoozed_until, noon + 100h);
    EXPECT_EQ(next.tags, "") << "of this one nobody has said anything yet";
}

TEST_F(BookActs, AnEndBeforeTheSnoozeWakesNobody) {
    ASSERT_TRUE(act(key, Snooze{now + 1h, {}, false}));
    recover_now(noon + 10s);
    now += 1h;
    book->tick(now);
    EXPECT_EQ(row().snoozed_by, "");
    EXPECT_EQ(row().wakes, 0);
}

TEST_F(BookActs, WhatWasResolvedByHandOpensAgainWhenItIsSeenAgain) {
    ASSERT_TRUE(act(key, ResolveByHand{}, "fixed the token"));
    EXPECT_EQ(row().proof, "resolved by ann");
    fail("forbidden", pod("a"), noon + 1min);
    EXPECT_EQ(row().state, IncidentState::open);
    EXPECT_EQ(row().reopened, 1);
    EXPECT_EQ(row().resolved_by, "");
    restart();
}

TEST_F(BookActs, MergedIncidentsAreToldAsOneUntilAllAreOver) {
    const std::string second = other();
    ASSERT_TRUE(act(second, MergeInto{key}, "the same outage"));
    EXPECT_FALSE(act(second, MergeInto{key})->changed);
    EXPECT_EQ(act(key, MergeInto{second}).error().kind, Kind::conflict) << "a circle";
    restart();
    EXPECT_EQ(book->as_told(second)->state, IncidentState::folded);
    EXPECT_EQ(book->as_told(second)->folded_into, key);
    EXPECT_EQ(book->as_told(key)->count, 4);
    book->take_changed();
    recover_now(noon + 10s);
    EXPECT_EQ(row().state, IncidentState::resolved);
    EXPECT_EQ(book->as_told(key)->state, IncidentState::open);
    EXPECT_EQ(book->as_told(key)->proof, "");
    book->take_changed();
    book->watermark(pod("a").instance, noon + 10min, now);
    EXPECT_THAT(book->take_changed(), testing::Contains(key)) << "the part changes the whole";
    EXPECT_EQ(book->as_told(key)->state, IncidentState::resolved);
}

TEST_F(BookActs, ResolvingTheWholeResolvesItsParts) {
    const std::string second = other();
    ASSERT_TRUE(act(second, MergeInto{key}));
    ASSERT_TRUE(act(key, ResolveByHand{}));
    EXPECT_EQ(book->find(second)->state, IncidentState::resolved);
    EXPECT_EQ(book->find(second)->resolved_by, "ann");
}

TEST_F(BookActs, APartStaysWithTheWholeWhenItComesAgain) {
    const std::string second = other();
    ASSERT_TRUE(act(key, MergeInto{second}));
    recover_now(noon + 10s);
    fail("forbidden", pod("a"), noon + 4min);
    const auto found = of("forbidden");
    ASSERT_EQ(found.size(), 2u) << "the first occurrence is still a part of what lasts";
    const auto* next = found[0]->key == key ? found[1] : found[0];
    EXPECT_EQ(next->merged_into, second);
    restart();
    EXPECT_EQ(book->as_told(second)->count, 5);
    now += 100h;
    book->tick(now);
    EXPECT_EQ(of("forbidden").size(), 2u) << "as long as one of them lasts";
    restart();
}

// The same log with and without a merge in between: nothing but the rows that tell of it differs.
TEST_F(BookActs, ASplitLeavesWhatWouldHaveBeenWithoutTheMerge) {
    std::string without;
    for (const bool merged : {false, true}) {
        book = std::make_unique<IncidentBook>(pack, "db");
        rows = {};
        line = 0;
        start(pod("a"));
        fail("forbidden", pod("a"), noon);
        const std::string second = other();
        if (merged) {
            ASSERT_TRUE(act(second, MergeInto{key}));
        }
        fail("thrice", pod("a"), noon + 30s);
        restart();
        recover_now(noon + 40s);
        fail("thrice", pod("a"), noon + 60s);
        if (merged) {
            ASSERT_TRUE(act(second, Split{}));
        }
        restart();
        fail("thrice", pod("a"), noon + 70s);
        json all = json::parse(book->snapshot());
        for (auto& incident : all["incidents"]) incident.erase("changes");
        if (!merged) without = all.dump(1);
        EXPECT_EQ(all.dump(1), without);
    }
    EXPECT_EQ(only("thrice").count, 6);
}

TEST_F(BookActs, ATimelineThatIsFullForTheLogStillTakesWhatPeopleDoUpToALimit) {
    const auto most = IncidentBook::timeline_max + IncidentBook::act_rows_max;
    while (row().changes < most) ASSERT_TRUE(act(key, AddNote{}, "and again"));
    const auto refused = act(key, AddNote{}, "once more");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::full);
    EXPECT_THAT(refused.error().what, HasSubstr("6000 rows, which is the limit"));
    EXPECT_EQ(row().changes, most);
}

TEST_F(BookActs, WhatHadLeftMemoryIsRecalledForAnAct) {
    ASSERT_TRUE(act(key, Assign{"bob"}));
    recover_now(noon + 10s);
    IncidentDetail stored;
    stored.incident = row();
    stored.members = {*book->members(key).front()};
    now += 100h;
    book->tick(now);
    ASSERT_EQ(book->find(key), nullptr);
    told();
    EXPECT_TRUE(book->recall(stored, now));
    EXPECT_TRUE(act(key, AddNote{}, "for the postmortem"));
    EXPECT_EQ(told(), std::vector<std::string>{"note (ann): for the postmortem"});
    book->tick(now);
    EXPECT_NE(book->find(key), nullptr);
    now += 1h;
    book->tick(now);
    EXPECT_EQ(book->find(key), nullptr);
    fail("forbidden", pod("a"), noon + 200h);
    EXPECT_EQ(only("forbidden").occurrence, 2);
}

TEST_F(BookActs, OnlySoManyAreRecalledAtOnceAndThoseOfBeforeMakeRoom) {
    now += 100h;
    const auto recall = [this](int number) {
        IncidentDetail stored;
        stored.incident.key = "old " + std::to_string(number);
        stored.incident.identity = stored.incident.key;
        stored.incident.rule = "forbidden";
        stored.incident.state = IncidentState::resolved;
        stored.incident.first_seen = stored.incident.last_seen = noon - 1000h;
        stored.incident.ended_at = noon - 999h;
        return book->recall(stored, now);
    };
    const int most = static_cast<int>(IncidentBook::recalled_max);
    for (int i = 0; i < most; ++i) ASSERT_TRUE(recall(i));
    EXPECT_FALSE(recall(most));
    EXPECT_TRUE(recall(0)) << "it is held";
    ASSERT_TRUE(act("old 7", AddNote{}, "seen"));
    ASSERT_TRUE(act("old 8", MergeInto{key}));
    now += 2min;
    ASSERT_TRUE(recall(0)) << "it is wanted again";
    EXPECT_TRUE(recall(most));
    EXPECT_EQ(book->recalled(), 3u);
    EXPECT_EQ(book->find("old 7"), nullptr);
    EXPECT_NE(book->find("old 8"), nullptr) << "it is a part of what goes on";
    const auto written = book->take_changes();
    EXPECT_EQ(written.timeline.count({"old 7", 1}), 1u) << "what was done to it is not lost";
    EXPECT_NE(book->find("old 0"), nullptr);
}

}  // namespace
}  // namespace runnerwatch
