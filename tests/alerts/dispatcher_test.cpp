#include "alerts/dispatcher.h"
#include "alerts/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Timestamp noon = Timestamp(12h) + std::chrono::days(20'000);

IncidentRow incident(const std::string& key, Response response = Response::page) {
    IncidentRow row;
    row.key = key;
    row.number = 1;
    row.rule = "forbidden";
    row.title = "job requests refused";
    row.severity = row.opened_severity = Severity::error;
    row.response = response;
    row.cluster = "prod";
    row.namespace_ = "gitlab-runner";
    row.workload = "Deployment/gitlab-runner";
    row.first_seen = row.last_seen = noon;
    row.fields = row.values = row.symptoms = "{}";
    row.causes = row.also = "[]";
    return row;
}

class DispatcherTest : public testing::Test {
protected:
    DispatcherTest() { begin(); }

    void begin() {
        Route route;
        route.receiver = "ops";
        dispatcher = std::make_unique<Dispatcher>(route, std::set<std::string>{"am"});
    }

    void commit() { dispatcher->committed(dispatcher->take_changes(rows)); }

    std::vector<DueMessage> due(Timestamp now) {
        commit();
        return dispatcher->due(now);
    }

    void answer(const DueMessage& message, int status, Timestamp now) {
        DeliveryOutcome outcome;
        outcome.status = status;
        dispatcher->finished(message, outcome,
                             judge(outcome, message.attempt, message.owed_since, now, 0), now);
    }

    // As a restart: all that is known comes out of the rows.
    void restart() {
        commit();
        StoredState stored;
        for (const auto& [unused, row] : rows.outbox)
            if (row) stored.outbox.push_back(*row);
        for (const auto& [unused, row] : rows.outbox_incidents)
            if (row) stored.outbox_incidents.push_back(*row);
        begin();
        dispatcher->load(stored);
    }

    std::unique_ptr<Dispatcher> dispatcher;
    ChangeSet rows;
};

TEST_F(DispatcherTest, TellsANewIncidentAfterTheGroupWaitAndOnce) {
    dispatcher->caught_up({}, "", noon);
    dispatcher->incident_changed(incident("a"), noon);
    EXPECT_THAT(due(noon + 29s), IsEmpty());
    const auto messages = due(noon + 30s);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].receiver, "ops");
    EXPECT_THAT(dispatcher->due(noon + 31s), IsEmpty()) << "it is under way";
    answer(messages[0], 200, noon + 31s);
    dispatcher->incident_changed(incident("a"), noon + 1min);
    EXPECT_THAT(due(noon + 1h), IsEmpty()) << "unchanged state, no message";
}

TEST_F(DispatcherTest, SendsNothingBeforeItsCommitIsConfirmedUnlessCommitsFail) {
    dispatcher->caught_up({}, "", noon);
    dispatcher->incident_changed(incident("a"), noon);
    EXPECT_THAT(dispatcher->due(noon + 1min), IsEmpty());
    EXPECT_THAT(dispatcher->due(noon + 1min, true), SizeIs(1));
}

TEST_F(DispatcherTest, GroupsIncidentsOfOneWorkload) {
    dispatcher->caught_up({}, "", noon);
    dispatcher->incident_changed(incident("a"), noon);
    dispatcher->incident_changed(incident("b"), noon + 10s);
    auto other = incident("c");
    other.workload = "Deployment/other";
    dispatcher->incident_changed(other, noon + 10s);
    const auto messages = due(noon + 1min);
    ASSERT_THAT(messages, SizeIs(2));
    EXPECT_EQ(messages[0].entries.size() + messages[1].entries.size(), 3u);
}

TEST_F(DispatcherTest, KeepsTheIdempotencyKeyOverRetriesAndRestarts) {
    dispatcher->caught_up({}, "", noon);
    dispatcher->incident_changed(incident("a"), noon);
    const auto first = due(noon + 30s);
    ASSERT_THAT(first, SizeIs(1));
    answer(first[0], 503, noon + 31s);
    EXPECT_THAT(due(noon + 32s), IsEmpty()) << "it backs off";
    const auto second = due(noon + 2min);
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_EQ(second[0].delivery_key, first[0].delivery_key);
    EXPECT_EQ(second[0].attempt, 2);

    restart();
    dispatcher->caught_up({}, "", noon + 3min);
    const auto third = due(noon + 5min);
    ASSERT_THAT(third, SizeIs(1));
    EXPECT_EQ(third[0].delivery_key, first[0].delivery_key) << "killed before the verdict";
}

TEST_F(DispatcherTest, TellsTheNewestStateWhenNobodyCouldBeReached) {
    dispatcher->caught_up({}, "", noon);
    auto row = incident("a");
    dispatcher->incident_changed(row, noon);
    answer(due(noon + 30s).at(0), 0, noon + 31s);
    row.state = IncidentState::resolved;
    row.ended_at = noon + 10min;
    dispatcher->incident_changed(row, noon + 10min);
    const auto messages = due(noon + 1h);
    ASSERT_THAT(messages, SizeIs(1));
    ASSERT_THAT(messages[0].entries, SizeIs(1));
    EXPECT_EQ(reason_for(messages[0], messages[0].entries[0]), Reason::was_open);
    answer(messages[0], 200, noon + 1h);
    EXPECT_THAT(due(noon + 10h), IsEmpty());
    EXPECT_EQ(dispatcher->owed(), 0u);
}

TEST_F(DispatcherTest, TellsSeverityRaisedSoonAndResolvedWithTheNextInterval) {
    dispatcher->caught_up({}, "", noon);
    auto row = incident("a");
    dispatcher->incident_changed(row, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    row.severity = Severity::critical;
    dispatcher->incident_changed(row, noon + 40s);
    auto messages = due(noon + 70s);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(reason_for(messages[0], messages[0].entries[0]), Reason::severity_raised);
    answer(messages[0], 200, noon + 70s);
    row.state = IncidentState::resolved;
    dispatcher->incident_changed(row, noon + 80s);
    EXPECT_THAT(due(noon + 5min), IsEmpty());
    messages = due(noon + 70s + 5min);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(reason_for(messages[0], messages[0].entries[0]), Reason::resolved);
}

TEST_F(DispatcherTest, RemindsOfWhatNobodyTookAndOnlyOfThat) {
    dispatcher->caught_up({}, "", noon);
    auto row = incident("a");
    dispatcher->incident_changed(row, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    EXPECT_THAT(due(noon + 4h), IsEmpty());
    const auto messages = due(noon + 30s + 4h);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_TRUE(messages[0].reminder);
    answer(messages[0], 200, noon + 30s + 4h);
    row.acknowledged_by = "ann";
    row.state = IncidentState::recovering;
    row.severity = Severity::critical;
    dispatcher->incident_changed(row, noon + 5h);
    answer(due(noon + 6h).at(0), 200, noon + 6h);
    EXPECT_THAT(due(noon + 24h), IsEmpty()) << "a person has it";
}

TEST_F(DispatcherTest, OfWhatIsSnoozedNothingIsToldUntilItWakesAndThenWhy) {
    dispatcher->caught_up({}, "", noon);
    auto one = incident("a");
    dispatcher->incident_changed(one, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    one.snoozed_by = "ann";
    dispatcher->incident_changed(one, noon + 1min);
    one.severity = Severity::critical;
    one.reopened = 1;
    dispatcher->incident_changed(one, noon + 2min);
    EXPECT_THAT(due(noon + 24h), IsEmpty()) << "neither what changed nor reminders";
    EXPECT_EQ(dispatcher->owed(), 0u);
    one.snoozed_by.clear();
    one.wakes = 1;
    one.woke_because = "it has been seen 20 times";
    dispatcher->incident_changed(one, noon + 25h);
    const auto messages = due(noon + 25h + 30s);
    ASSERT_THAT(messages, SizeIs(1));
    const Message message = compose(messages[0], {IncidentDetail{one, {}, {}, {}}}, {}, noon);
    EXPECT_EQ(message.incidents.at(0).reason, Reason::snooze_ended);
    EXPECT_THAT(text_of(message), HasSubstr("its snooze ended: it has been seen 20 times"));
    answer(messages[0], 200, noon + 26h);
    one.state = IncidentState::resolved;
    dispatcher->incident_changed(one, noon + 27h);
    EXPECT_THAT(due(noon + 28h), SizeIs(1));
}

TEST_F(DispatcherTest, AWakeWithNothingNewIsToldOnceToo) {
    dispatcher->caught_up({}, "", noon);
    auto one = incident("a");
    dispatcher->incident_changed(one, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    one.snoozed_by = "ann";
    dispatcher->incident_changed(one, noon + 1min);
    restart();
    dispatcher->caught_up({&one}, "", noon + 2min);
    dispatcher->incident_changed(one, noon + 2min);
    EXPECT_THAT(due(noon + 24h), IsEmpty());
    one.snoozed_by.clear();
    one.wakes = 1;
    dispatcher->incident_changed(one, noon + 25h);
    const auto messages = due(noon + 25h + 30s);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(reason_for(messages[0], messages[0].entries.at(0)), Reason::snooze_ended);
    answer(messages[0], 200, noon + 25h + 31s);
    dispatcher->incident_changed(one, noon + 25h + 40s);
    EXPECT_THAT(due(noon + 26h), IsEmpty());
}

TEST_F(DispatcherTest, ASnoozeEndedByHandTellsOnlyWhatChangedMeanwhile) {
    dispatcher->caught_up({}, "", noon);
    auto same = incident("a"), worse = incident("b");
    for (auto* one : {&same, &worse}) dispatcher->incident_changed(*one, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    for (auto* one : {&same, &worse}) {
        one->snoozed_by = "ann";
        dispatcher->incident_changed(*one, noon + 1min);
    }
    worse.severity = Severity::critical;
    dispatcher->incident_changed(worse, noon + 30min);
    for (auto* one : {&same, &worse}) {
        one->snoozed_by.clear();
        dispatcher->incident_changed(*one, noon + 1h);
    }
    const auto messages = due(noon + 1h + 30s);
    ASSERT_THAT(messages, SizeIs(1));
    ASSERT_THAT(messages[0].entries, SizeIs(1));
    EXPECT_EQ(messages[0].entries[0].incident, "b");
    EXPECT_EQ(reason_for(messages[0], messages[0].entries[0]), Reason::severity_raised);
}

TEST_F(DispatcherTest, AMessageOfAGroupLeavesOutWhatIsSnoozedInIt) {
    dispatcher->caught_up({}, "", noon);
    auto quiet = incident("a"), loud = incident("b");
    for (auto* one : {&quiet, &loud}) dispatcher->incident_changed(*one, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    quiet.snoozed_by = "ann";
    for (auto* one : {&quiet, &loud}) {
        one->severity = Severity::critical;
        dispatcher->incident_changed(*one, noon + 1min);
    }
    const auto messages = due(noon + 2min);
    ASSERT_THAT(messages, SizeIs(1));
    ASSERT_THAT(messages[0].entries, SizeIs(1));
    EXPECT_EQ(messages[0].entries[0].incident, "b");
    answer(messages[0], 200, noon + 2min);
    const auto reminders = due(noon + 24h);
    ASSERT_THAT(reminders, SizeIs(1));
    ASSERT_THAT(reminders[0].entries, SizeIs(1));
    EXPECT_EQ(reminders[0].entries[0].incident, "b");
}

TEST_F(DispatcherTest, WhatBeganAndEndedWhileSnoozedIsNeverTold) {
    dispatcher->caught_up({}, "", noon);
    auto one = incident("a");
    one.snoozed_by = "ann";
    dispatcher->incident_changed(one, noon);
    one.state = IncidentState::resolved;
    dispatcher->incident_changed(one, noon + 1h);
    one.snoozed_by.clear();
    dispatcher->incident_changed(one, noon + 2h);
    EXPECT_THAT(due(noon + 24h), IsEmpty());
}

TEST_F(DispatcherTest, ASnoozeIsNoPartOfTheDigestOfAStart) {
    auto loud = incident("a"), quiet = incident("b");
    quiet.snoozed_by = "ann";
    dispatcher->caught_up({&loud, &quiet}, "", noon);
    const auto messages = due(noon);
    ASSERT_THAT(messages, SizeIs(1));
    ASSERT_THAT(messages[0].entries, SizeIs(1));
    EXPECT_EQ(messages[0].entries[0].incident, "a");
}

TEST_F(DispatcherTest, TellsTicketsOnceADayAndAdviceToNobody) {
    dispatcher->caught_up({}, "", noon);
    dispatcher->incident_changed(incident("t", Response::ticket), noon);
    dispatcher->incident_changed(incident("v", Response::advice), noon);
    EXPECT_THAT(due(noon + 19h), IsEmpty());
    const auto messages = due(noon + 20h);  // 08:00
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].kind, "daily");
    ASSERT_THAT(messages[0].entries, SizeIs(1));
    EXPECT_EQ(messages[0].entries[0].incident, "t");
}

TEST_F(DispatcherTest, ATicketThatWasOverBeforeItsDigestDoesNotBringTheNextOneForward) {
    dispatcher->caught_up({}, "", noon);
    IncidentRow brief = incident("t", Response::ticket);
    dispatcher->incident_changed(brief, noon);
    brief.state = IncidentState::resolved;
    dispatcher->incident_changed(brief, noon + 1h);
    EXPECT_THAT(due(noon + 20h), IsEmpty());
    const Timestamp later = noon + 72h;
    dispatcher->incident_changed(incident("u", Response::ticket), later);
    EXPECT_THAT(due(later + 1h), IsEmpty()) << "tickets wait for the morning";
    EXPECT_THAT(due(later + 20h), SizeIs(1));
}

TEST_F(DispatcherTest, AStartWithThreeOpenSendsOneDigest) {
    std::vector<IncidentRow> open{incident("a"), incident("b"), incident("c")};
    auto ended = incident("d");
    ended.state = IncidentState::resolved;
    for (auto& row : open) dispatcher->incident_changed(row, noon);
    dispatcher->incident_changed(ended, noon);
    EXPECT_THAT(due(noon + 1h), IsEmpty()) << "nothing while catching up";
    dispatcher->caught_up({&open[0], &open[1], &open[2], &ended}, "", noon + 1h);
    const auto messages = due(noon + 1h);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].kind, "start");
    EXPECT_THAT(messages[0].entries, SizeIs(3));
    answer(messages[0], 200, noon + 1h);
    EXPECT_THAT(due(noon + 2h), IsEmpty()) << "told once";
    open[0].state = IncidentState::resolved;
    dispatcher->incident_changed(open[0], noon + 2h);
    const auto later = due(noon + 3h);
    ASSERT_THAT(later, SizeIs(1));
    EXPECT_EQ(reason_for(later[0], later[0].entries[0]), Reason::resolved);
}

TEST_F(DispatcherTest, AStartWhereEverythingHasEndedSendsNothing) {
    auto ended = incident("d");
    ended.state = IncidentState::resolved;
    dispatcher->incident_changed(ended, noon);
    dispatcher->caught_up({&ended}, "", noon);
    EXPECT_THAT(due(noon + 24h), IsEmpty());
}

TEST_F(DispatcherTest, ARestartDoesNotTellAgainWhatWasTold) {
    dispatcher->caught_up({}, "", noon);
    const auto row = incident("a");
    dispatcher->incident_changed(row, noon);
    answer(due(noon + 30s).at(0), 200, noon + 30s);
    restart();
    dispatcher->incident_changed(row, noon + 1min);
    dispatcher->caught_up({&row}, "", noon + 1min);
    EXPECT_THAT(due(noon + 1h), IsEmpty());
}

TEST_F(DispatcherTest, AfterAnOutageOneLineSaysSo) {
    dispatcher->caught_up({}, "runnerwatch did not run from … to …", noon);
    const auto messages = due(noon);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_THAT(subject_of(compose(messages[0], {}, RulePack{}, noon)), HasSubstr("did not run"));
}

TEST(Judge, WaitsAsLongAsTheReceiverAsksButNotLongerThanItMatters) {
    const auto delay = [](DeliveryOutcome outcome, int attempt) {
        const auto verdict = judge(outcome, attempt, noon, noon, 0);
        const auto* again = std::get_if<RetryAt>(&verdict);
        return again ? again->when - noon : Duration(-1);
    };
    EXPECT_EQ(delay({429, 60s, ""}, 1), 60s);
    EXPECT_EQ(delay({429, 0s, ""}, 1), 5s);
    EXPECT_EQ(delay({0, {}, "refused"}, 2), 15s);
    EXPECT_EQ(delay({503, {}, ""}, 100), 2h);
    EXPECT_EQ(delay({429, 80h, ""}, 1), Duration(-1));
    for (const int refused : {400, 401, 403, 404, 410, 301})
        EXPECT_TRUE(std::holds_alternative<GaveUp>(judge({refused, {}, ""}, 1, noon, noon, 0)));
}

}  // namespace
}  // namespace runnerwatch
