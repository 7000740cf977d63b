#include "tests/alerts/book_fixture.h"

namespace runnerwatch {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// A book whose rules are read again while it holds incidents.
class BookReload : public BookTest {
protected:
    BookReload() { start(one); }

    // The pack as it is, changed: the old one is gone when the book has taken the new.
    void reload(const std::function<void(RulePack&)>& change) {
        auto next = std::make_unique<RulePack>(pack);
        change(*next);
        book->use_pack(*next, now);
        pack = *next;  // what fail() and recover() name
        book->use_pack(pack, now);
    }

    static Rule& rule(RulePack& rules, const std::string& id) {
        for (Rule& one_rule : rules.rules)
            if (one_rule.id == id) return one_rule;
        throw std::logic_error("no rule " + id);
    }

    const Place one = pod("one");
};

TEST_F(BookReload, ChangesNothingWhenTheRulesAreTheSame) {
    fail("forbidden", one, noon);
    fail("thrice", one, noon + 1s);
    recover("forbidden", 1, one, noon + 10s);
    const std::string before = book->snapshot();
    reload([](RulePack&) {});
    EXPECT_EQ(book->snapshot(), before);
    restart();
}

TEST_F(BookReload, KeepsWhatIsPendingAndTheChangedThresholdHoldsFromThen) {
    fail("thrice", one, noon);
    EXPECT_THAT(of("thrice"), IsEmpty());
    reload([](RulePack& rules) { rule(rules, "thrice").open.count = 2; });
    EXPECT_THAT(of("thrice"), IsEmpty()) << "no line, no change";
    fail("thrice", one, noon + 1s);
    EXPECT_EQ(only("thrice").count, 2);
    restart();
}

TEST_F(BookReload, ARaisedThresholdCountsWhatWasPending) {
    fail("thrice", one, noon);
    fail("thrice", one, noon + 1s);
    reload([](RulePack& rules) { rule(rules, "thrice").open.count = 4; });
    fail("thrice", one, noon + 2s);
    EXPECT_THAT(of("thrice"), IsEmpty());
    fail("thrice", one, noon + 3s);
    EXPECT_THAT(of("thrice"), SizeIs(1));
}

TEST_F(BookReload, LeavesIncidentsOfRulesThatAreNoMore) {
    fail("forbidden", one, noon);
    fail("thrice", one, noon);
    const std::string key = only("forbidden").key;
    reload([](RulePack& rules) {
        std::erase_if(rules.rules, [](const Rule& one_rule) {
            return one_rule.id == "forbidden" || one_rule.id == "thrice";
        });
    });
    EXPECT_EQ(book->find(key)->state, IncidentState::open);
    book->watermark(one.instance, noon + 1h, now);
    book->tick(now + 1h);
    EXPECT_EQ(book->find(key)->state, IncidentState::open);
    EXPECT_TRUE(act(key, ResolveByHand{}, "done"));
    restart();
}

TEST_F(BookReload, TakesUpAnIncidentWhoseRuleComesBack) {
    fail("forbidden", one, noon);
    const RulePack whole = pack;
    reload([](RulePack& rules) { rules.rules.clear(); });
    reload([&](RulePack& rules) { rules = whole; });
    recover("forbidden", 0, one, noon + 10s, {{"runner_name", "name-A"}});
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
}

TEST_F(BookReload, ALineOfAnOldRecoveryPatternProvesNothingUnderTheNewOne) {
    fail("forbidden", one, noon);
    recover("forbidden", 1, one, noon + 10s);  // waits for 60 s of quiet
    EXPECT_EQ(only("forbidden").state, IncidentState::recovering);
    reload([](RulePack& rules) { rule(rules, "forbidden").recover[1].message = "Another line"; });
    book->watermark(one.instance, noon + 5min, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    restart();
}

TEST_F(BookReload, ALineOfAnUnchangedRecoveryPatternGoesOnProving) {
    fail("forbidden", one, noon);
    recover("forbidden", 1, one, noon + 10s);
    reload([](RulePack& rules) { rule(rules, "forbidden").title = "another title"; });
    book->watermark(one.instance, noon + 5min, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
}

TEST_F(BookReload, ANewSilenceEndsWhatHasBeenSilentForSoLong) {
    fail("disabled", one, noon);
    reload([](RulePack& rules) { rule(rules, "disabled").silence = 10min; });
    EXPECT_EQ(only("disabled").state, IncidentState::open);
    book->watermark(one.instance, noon + 11min, now);
    EXPECT_EQ(only("disabled").state, IncidentState::resolved);
}

}  // namespace
}  // namespace runnerwatch
