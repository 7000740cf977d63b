#include "tests/alerts/book_fixture.h"

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using BookConditions = BookTest;

TEST_F(BookConditions, CountDifferentValuesWhereTheRuleSaysSo) {
    const Place a = pod("a");
    for (int i = 0; i < 5; ++i) fail("many-jobs", a, noon + i * 1s, "A", {{"job", "1"}});
    fail("many-jobs", a, noon + 10s, "A", {{"job", "2"}});
    EXPECT_THAT(of("many-jobs"), IsEmpty()) << "two jobs, however often";
    restart();
    fail("many-jobs", a, noon + 6min, "A", {{"job", "3"}});
    EXPECT_THAT(of("many-jobs"), IsEmpty()) << "the others are too old";
    fail("many-jobs", a, noon + 7min);
    fail("many-jobs", a, noon + 8min, "A", {{"job", "4"}});
    EXPECT_THAT(of("many-jobs"), SizeIs(1)) << "a record without the field is one value";
}

TEST_F(BookConditions, OpenWhenAPromisedLineIsOverdue) {
    const Place a = pod("a");
    fail("no-start", a, noon);
    restart();
    EXPECT_THAT(of("no-start"), IsEmpty());
    ASSERT_THAT(book->wanted(), SizeIs(1));
    EXPECT_EQ(book->wanted()[0].instance, a.instance);
    EXPECT_EQ(book->wanted()[0].due, noon + 60s + 1ns);

    book->watermark(a.instance, noon + 60s, now);
    EXPECT_THAT(of("no-start"), IsEmpty()) << "a line of this very time may still come";
    restart();
    book->watermark(a.instance, noon + 61s, now);
    const IncidentRow& row = only("no-start");
    EXPECT_EQ(row.count, 1);
    EXPECT_EQ(row.first_seen, noon);
    restart();
    EXPECT_THAT(book->wanted(), IsEmpty());

    recover("no-start", 0, a, noon + 90s);
    EXPECT_EQ(only("no-start").state, IncidentState::resolved) << "it came after all";
    restart();
}

TEST_F(BookConditions, ForgetAPromiseThatIsKept) {
    const Place a = pod("a");
    fail("no-start", a, noon);
    follow("no-start", FollowUp::promised, a, noon + 60s);
    restart();
    book->watermark(a.instance, noon + 1h, now);
    EXPECT_THAT(of("no-start"), IsEmpty());
    EXPECT_THAT(book->wanted(), IsEmpty());
}

TEST_F(BookConditions, KeepAPromiseOfOnePodApartFromAnothers) {
    const Place a = pod("a"), b = pod("b");
    fail("no-start", a, noon);
    fail("no-start", b, noon);
    follow("no-start", FollowUp::promised, b, noon + 1s);
    restart();
    book->watermark(b.instance, noon + 1h, now);
    EXPECT_THAT(of("no-start"), IsEmpty());
    book->watermark(a.instance, noon + 1h, now);
    const IncidentRow& row = only("no-start");
    ASSERT_THAT(book->members(row.key), SizeIs(1));
    EXPECT_EQ(book->members(row.key)[0]->place.member, "a");
}

TEST_F(BookConditions, TakeAnEndForABrokenPromiseOnlyWhereTheRuleSaysSo) {
    const Place a = pod("a");
    start(a);
    fail("no-start", a, noon);
    fail("no-end", a, noon);
    restart();
    book->lifecycle({LifecycleKind::ended, a, noon + 5s}, now);
    EXPECT_THAT(of("no-start"), IsEmpty());
    EXPECT_EQ(only("no-end").count, 1);
    restart();
    book->watermark(a.instance, noon + 1h, now);
    EXPECT_THAT(of("no-start"), IsEmpty());
}

TEST_F(BookConditions, TakeTheNextStartInOneLogForAnEnd) {
    const Place a = pod("a");
    fail("no-start", a, noon);
    fail("no-end", a, noon);
    fail("no-start", a, noon + 5s);
    fail("no-end", a, noon + 5s);
    EXPECT_THAT(of("no-start"), IsEmpty());
    EXPECT_EQ(only("no-end").count, 1);
    restart();
    book->watermark(a.instance, noon + 64s, now);
    EXPECT_THAT(of("no-start"), IsEmpty()) << "the first start is forgotten";
    book->watermark(a.instance, noon + 66s, now);
    EXPECT_EQ(only("no-start").count, 1);
    EXPECT_EQ(only("no-end").count, 2);
}

TEST_F(BookConditions, DoNotCallALineMissingThatNobodyCouldRead) {
    const Place a = pod("a");
    fail("no-start", a, noon);
    fail("no-end", a, noon);
    book->gap(a.instance, noon + 1s, noon + 2s, "rotated", now);
    restart();
    book->watermark(a.instance, noon + 1h, now);
    EXPECT_THAT(of("no-start"), IsEmpty());
    EXPECT_THAT(of("no-end"), IsEmpty());
}

TEST_F(BookConditions, OpenWithAWholeSequenceInOrder) {
    const Place a = pod("a");
    follow("then", 0, a, noon - 1s);
    fail("then", a, noon);
    follow("then", 1, a, noon + 1s);
    restart();
    follow("then", 0, a, noon + 2s);
    EXPECT_THAT(of("then"), IsEmpty()) << "the third came before the second";
    restart();
    const EvidenceRef ref = follow("then", 1, a, noon + 3s);
    const IncidentRow& row = only("then");
    EXPECT_EQ(ref.identity, row.identity);
    EXPECT_EQ(row.count, 1) << "a sequence is one occurrence";
    EXPECT_EQ(row.evidence_count, 3) << "and each of its lines is proof";
    restart();

    fail("then", a, noon + 1min);
    EXPECT_EQ(only("then").count, 1) << "half a sequence is not the trouble again";
    follow("then", 0, a, noon + 2min);
    follow("then", 1, a, noon + 3min);
    EXPECT_EQ(only("then").count, 2);
    restart();
}

TEST_F(BookConditions, WantASequenceInOnePodOfOneIdentityAndInTime) {
    const Place a = pod("a"), b = pod("b");
    fail("then", a, noon);
    follow("then", 0, b, noon + 1s);
    follow("then", 0, a, noon + 1s, "B");
    follow("then", 1, a, noon + 2s);
    EXPECT_THAT(of("then"), IsEmpty());
    restart();
    follow("then", 0, a, noon + 4min);
    follow("then", 1, a, noon + 6min);
    EXPECT_THAT(of("then"), IsEmpty());
    restart();
}

TEST_F(BookConditions, OpenNothingWithoutAProbe) {
    fail("probed", pod("a"), noon);
    EXPECT_THAT(of("probed"), IsEmpty());
    restart();
}

TEST_F(BookConditions, ForgetWhatNeverOpenedAfterTwoDays) {
    fail("thrice", pod("a"), noon);
    fail("then", pod("a"), noon);
    now = noon + 47h;
    book->tick(now);
    EXPECT_THAT(book->snapshot(), HasSubstr("thrice"));
    now = noon + 49h;
    book->tick(now);
    EXPECT_THAT(book->snapshot(), testing::Not(HasSubstr("thrice")));
    EXPECT_THAT(book->snapshot(), testing::Not(HasSubstr("then")));
    restart();
}

TEST_F(BookConditions, AreBoundedInMemory) {
    for (std::size_t i = 0; i <= IncidentBook::pending_max; ++i)
        fail("then", pod("a"), noon, std::to_string(i));
    EXPECT_EQ(book->refused(), 1u);
    for (std::size_t i = 0; i <= 2 * IncidentBook::pending_hits_max; ++i)
        fail("then", pod("a"), noon + i * 1s, "0");
    restart();
}

}  // namespace
}  // namespace runnerwatch
