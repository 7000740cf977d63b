#include "alerts/alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

const Timestamp noon = Timestamp(12h) + std::chrono::days(20'000);

IncidentRow incident() {
    IncidentRow row;
    row.key = "a";
    row.number = 7;
    row.rule = "job-request-forbidden";
    row.title = "GitLab refuses job requests";
    row.severity = Severity::error;
    row.response = Response::page;
    row.namespace_ = "gitlab-runner";
    row.first_seen = row.last_seen = noon - 2h;
    row.fields = R"({"runner":"glpat-FAK"})";
    row.values = row.symptoms = "{}";
    row.causes = "[]";
    return row;
}

class LedgerTest : public testing::Test {
protected:
    static AlertmanagerLedger made(const RulePack& pack) {
        return {pack, {{"am", {"http://one", "http://two/"}, 1h}}};
    }

    std::vector<AlertmanagerPost> due(Timestamp now) {
        return ledger.due({&row}, true, false, now);
    }
    void succeed(const std::vector<AlertmanagerPost>& posts, Timestamp now) {
        for (const auto& post : posts) ledger.finished(post, true, now);
    }
    static json alerts(const AlertmanagerPost& post) { return json::parse(post.request.body); }

    RulePack pack;
    IncidentRow row = incident();
    AlertmanagerLedger ledger = made(pack);
};

TEST_F(LedgerTest, PostsToEveryAlertmanagerWithTheIncidentsOwnStart) {
    const auto posts = due(noon);
    ASSERT_THAT(posts, SizeIs(2));
    EXPECT_EQ(posts[1].request.url, "http://two/api/v2/alerts");
    const json alert = alerts(posts[0]).at(0);
    EXPECT_EQ(alert["labels"]["alertname"], "GitLabRunnerJobRequestForbidden");
    EXPECT_EQ(alert["labels"]["runner"], "glpat-FAK");
    EXPECT_EQ(alert["startsAt"], format_time(noon - 2h));
    EXPECT_EQ(alert["endsAt"], format_time(noon + 1h)) << "a stop of ours is no resolve";
}

TEST_F(LedgerTest, RefreshesEveryMinuteAndNotBefore) {
    succeed(due(noon), noon);
    EXPECT_THAT(due(noon + 59s), IsEmpty());
    EXPECT_THAT(due(noon + 60s), SizeIs(2));
}

TEST_F(LedgerTest, ResolvesWithTheProofsTimeAndRepeatsItForSixMinutes) {
    succeed(due(noon), noon);
    row.state = IncidentState::resolved;
    row.ended_at = noon - 1h;
    int sent = 0;
    for (Timestamp now = noon + 5s; now < noon + 20min; now += 5s) {
        const auto posts = due(now);
        if (!posts.empty()) {
            EXPECT_EQ(alerts(posts[0]).at(0)["endsAt"], format_time(noon - 1h));
            ++sent;
        }
        succeed(posts, now);
    }
    EXPECT_GE(sent, 6);
    EXPECT_LE(sent, 8);
    EXPECT_THAT(due(noon + 1h), IsEmpty());
}

TEST_F(LedgerTest, ARaisedSeverityEndsTheOldAlertInTheSamePost) {
    succeed(due(noon), noon);
    row.severity = Severity::critical;
    const auto posts = due(noon + 1s);
    ASSERT_THAT(posts, SizeIs(2));
    const json both = alerts(posts[0]);
    ASSERT_EQ(both.size(), 2u);
    EXPECT_EQ(both[0]["labels"]["severity"], "error");
    EXPECT_EQ(both[0]["endsAt"], format_time(noon + 1s));
    EXPECT_EQ(both[1]["labels"]["severity"], "critical");
    EXPECT_EQ(both[1]["endsAt"], format_time(noon + 1s + 1h));
}

TEST_F(LedgerTest, ARestartGoesOnAndResolvesNothingByItself) {
    succeed(due(noon), noon);
    ChangeSet changes;
    ledger.take_changes(changes);
    StoredState stored;
    for (const auto& [unused, sent] : changes.alertmanager_sent)
        stored.alertmanager_sent.push_back(*sent);
    AlertmanagerLedger again = made(pack);
    again.load(stored);
    // 20 minutes without us, still catching up: what was firing is refreshed, nothing else.
    const auto posts = again.due({&row}, false, false, noon + 20min);
    ASSERT_THAT(posts, SizeIs(2));
    EXPECT_EQ(alerts(posts[0]).size(), 1u);
    EXPECT_EQ(alerts(posts[0])[0]["endsAt"], format_time(noon + 20min + 1h));
}

TEST_F(LedgerTest, TellsNothingNewWhileCatchingUpAndNothingUncommitted) {
    EXPECT_THAT(ledger.due({&row}, false, false, noon), IsEmpty());
    row.number = 0;
    EXPECT_THAT(ledger.due({&row}, true, false, noon), IsEmpty());
    EXPECT_THAT(ledger.due({&row}, true, true, noon), SizeIs(2)) << "the disk is full";
}

TEST_F(LedgerTest, BacksOffFromAnAlertmanagerThatDoesNotAnswerAndServesTheOther) {
    const auto posts = due(noon);
    ledger.finished(posts[0], false, noon);
    ledger.finished(posts[1], true, noon);
    EXPECT_THAT(due(noon + 1s), IsEmpty());
    const auto again = due(noon + 5s);
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_EQ(again[0].url, "http://one");
}

TEST_F(LedgerTest, AdviceIsSentToNobody) {
    row.response = Response::advice;
    EXPECT_THAT(due(noon), IsEmpty());
}

TEST_F(LedgerTest, WhatIsSnoozedIsNotNewThereAndStaysThereIfItWas) {
    row.snoozed_by = "ann";
    EXPECT_THAT(due(noon), IsEmpty());
    row.snoozed_by.clear();
    succeed(due(noon), noon);
    row.snoozed_by = "ann";
    EXPECT_THAT(due(noon + 2min), SizeIs(2)) << "a firing alert ends without a refresh";
    succeed(due(noon + 2min), noon + 2min);
    row.state = IncidentState::resolved;
    row.ended_at = noon + 3min;
    EXPECT_THAT(due(noon + 4min), SizeIs(2)) << "its end is told";
    succeed(due(noon + 4min), noon + 4min);
    row.state = IncidentState::open;
    row.ended_at.reset();
    for (const auto& post : due(noon + 5min))
        for (const auto& alert : alerts(post))
            EXPECT_LE(alert["endsAt"], format_time(noon + 5min)) << "fires again while snoozed";
}

}  // namespace
}  // namespace runnerwatch
