#include "tests/alerts/book_fixture.h"

#include <nlohmann/json.hpp>

#include <random>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(BookTest, TwoReplicasWithTheSameTroubleAreOneIncidentWithTwoMembers) {
    start(pod("a")), start(pod("b"));
    fail("forbidden", pod("a"), noon);
    EXPECT_EQ(only("forbidden").severity, Severity::error);
    fail("forbidden", pod("b"), noon + 1s);
    fail("forbidden", pod("a"), noon + 3s);

    const IncidentRow& incident = only("forbidden");
    EXPECT_EQ(incident.count, 3);
    EXPECT_EQ(book->members(incident.key).size(), 2u);
    EXPECT_EQ(incident.severity, Severity::critical) << "all running pods show it";
    EXPECT_EQ(incident.first_seen, noon);
    EXPECT_EQ(incident.last_seen, noon + 3s);
    EXPECT_THAT(incident.scope_words, HasSubstr("2 of 2 running pods of Deployment/gitlab-runner"));
}

TEST_F(BookTest, TwoRunnersOfOneManagerAreTwoIncidents) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon, "A");
    fail("forbidden", pod("a"), noon, "B");
    EXPECT_EQ(of("forbidden").size(), 2u);
}

TEST_F(BookTest, SilenceProvesNothingUnlessTheRuleSaysSo) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    book->watermark(pod("a").instance, noon + 10h, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    EXPECT_THAT(only("forbidden").waiting_for, HasSubstr("Checking for jobs... received"));

    for (int i = 0; i < 3; ++i) fail("thrice", pod("a"), noon + 11h + i * 1s);
    book->watermark(pod("a").instance, noon + 11h + 2s + 299s, now);
    EXPECT_EQ(only("thrice").state, IncidentState::open);
    book->watermark(pod("a").instance, noon + 11h + 2s + 300s, now);
    EXPECT_EQ(only("thrice").state, IncidentState::resolved);
    EXPECT_EQ(only("thrice").ended_at, noon + 11h + 2s + 300s);
}

TEST_F(BookTest, OpensAtTheThirdHitWithinTheWindowAndNotBefore) {
    start(pod("a")), start(pod("b"));
    fail("thrice", pod("a"), noon);
    fail("thrice", pod("a"), noon + 4min);
    fail("thrice", pod("a"), noon + 6min);
    EXPECT_THAT(of("thrice"), IsEmpty()) << "the first is out of the window";
    fail("thrice", pod("b"), noon + 7min);
    EXPECT_THAT(of("thrice"), IsEmpty()) << "another member counts for itself";
    restart();
    fail("thrice", pod("a"), noon + 8min);
    EXPECT_EQ(only("thrice").first_seen, noon) << "what led to it belongs to it";

    fail("across", pod("a"), noon);
    fail("across", pod("b"), noon + 1s);
    fail("across", pod("a"), noon + 2s);
    EXPECT_EQ(of("across").size(), 1u);
}

TEST_F(BookTest, AReloadCountsOnlyWhenItHasLasted) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    recover("forbidden", 1, pod("a"), noon + 10s);
    EXPECT_EQ(only("forbidden").state, IncidentState::recovering);
    ASSERT_EQ(book->wanted().size(), 1u);
    EXPECT_EQ(book->wanted()[0].due, noon + 70s);
    restart();
    book->watermark(pod("a").instance, noon + 69s, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::recovering);
    book->watermark(pod("a").instance, noon + 70s, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
    EXPECT_EQ(only("forbidden").ended_at, noon + 70s);
    EXPECT_THAT(only("forbidden").proof, HasSubstr("Configuration loaded"));
    EXPECT_THAT(book->wanted(), IsEmpty());
}

TEST_F(BookTest, AFailureBehindTheReloadTakesTheRecoveryBack) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    recover("forbidden", 1, pod("a"), noon + 10s);
    fail("forbidden", pod("a"), noon + 13s);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    book->watermark(pod("a").instance, noon + 1h, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
}

TEST_F(BookTest, AJobOfAnotherRunnerIsNoRecovery) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon, "A");
    fail("forbidden", pod("a"), noon, "B");
    recover("forbidden", 0, pod("a"), noon + 5s, {{"runner_name", "name-A"}});
    int resolved = 0;
    for (const auto* row : of("forbidden")) {
        const bool is_a = row->fields.find("\"A\"") != std::string::npos;
        EXPECT_EQ(row->state == IncidentState::resolved, is_a) << row->fields;
        resolved += row->state == IncidentState::resolved;
    }
    EXPECT_EQ(resolved, 1);
}

TEST_F(BookTest, ALineWithoutTheFieldProvesOnlyWhereOneIdentityWasShown) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon, "A");
    fail("forbidden", pod("a"), noon, "B");
    recover("forbidden", 0, pod("a"), noon + 5s, {});
    for (const auto* row : of("forbidden")) EXPECT_EQ(row->state, IncidentState::open);
}

TEST_F(BookTest, ALineWithoutTheFieldProvesWhereOneIdentityWasShown) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon, "A");
    recover("forbidden", 0, pod("a"), noon + 5s, {});
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
}

TEST_F(BookTest, EachMemberRecoversForItself) {
    start(pod("a")), start(pod("b"));
    fail("forbidden", pod("a"), noon);
    fail("forbidden", pod("b"), noon);
    recover("forbidden", 0, pod("a"), noon + 5s, {{"runner_name", "name-A"}});
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    recover("forbidden", 0, pod("b"), noon + 9s, {{"runner_name", "name-A"}});
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
    EXPECT_EQ(only("forbidden").ended_at, noon + 9s);
}

TEST_F(BookTest, ARolloutResolvesByTheEvidenceOfTheNewPods) {
    start(pod("a")), start(pod("b"));
    fail("forbidden", pod("a"), noon);
    fail("forbidden", pod("b"), noon);
    const Place fresh = pod("c", noon + 10min);
    start(fresh, noon + 10min);
    recover("forbidden", 1, fresh, noon + 10min);
    book->watermark(fresh.instance, noon + 12min, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open) << "the old pods still live";
    book->lifecycle({LifecycleKind::gone, pod("a"), {}}, now);
    restart();
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    book->lifecycle({LifecycleKind::gone, pod("b"), {}}, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
    EXPECT_THAT(only("forbidden").proof, HasSubstr("c: "));
}

TEST_F(BookTest, AnOlderPodIsNoSuccessor) {
    start(pod("a")), start(pod("old", noon - 5h));
    fail("forbidden", pod("a"), noon);
    recover("forbidden", 0, pod("old", noon - 5h), noon + 1min, {{"runner_name", "name-A"}});
    book->lifecycle({LifecycleKind::gone, pod("a"), {}}, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    EXPECT_THAT(only("forbidden").waiting_for, HasSubstr("newer pod"));
}

TEST_F(BookTest, SaysThatItCannotTellWhenNoSuccessorComes) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    book->lifecycle({LifecycleKind::gone, pod("a"), {}}, now);
    book->tick(now + 4min);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
    book->tick(now + 5min);
    EXPECT_EQ(only("forbidden").state, IncidentState::cannot_tell);
    restart();

    const Place fresh = pod("c", noon + 10min);
    start(fresh, noon + 10min);
    recover("forbidden", 0, fresh, noon + 11min, {{"runner_name", "name-A"}});
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
}

TEST_F(BookTest, ARestartOfTheContainerWithoutTheFailureRecovers) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    book->lifecycle({LifecycleKind::ended, pod("a"), {}}, now);
    const Place again = pod("a", noon - 1h, 1);
    start(again, noon + 5min);
    recover("forbidden", 1, again, noon + 5min);
    book->watermark(again.instance, noon + 6min, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
}

TEST_F(BookTest, AContainerThatEndsBeforeTheHoldDownHasProvenNothing) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    recover("forbidden", 1, pod("a"), noon + 10s);
    book->watermark(pod("a").instance, noon + 40s, now);
    book->lifecycle({LifecycleKind::ended, pod("a"), {}}, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
}

TEST_F(BookTest, AGapInTheHoldDownVoidsIt) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    recover("forbidden", 1, pod("a"), noon + 10s);
    book->gap(pod("a").instance, noon + 20s, noon + 30s, "rotated", now);
    book->watermark(pod("a").instance, noon + 10min, now);
    EXPECT_EQ(only("forbidden").state, IncidentState::open);
}

TEST_F(BookTest, FoldsASymptomIntoItsCauseInBothOrders) {
    const bool orders[] = {true, false};
    for (const bool cause_first : orders) {
        SCOPED_TRACE(cause_first ? "cause first" : "symptom first");
        book = std::make_unique<IncidentBook>(pack, "db");
        start(pod("a"));
        if (cause_first) fail("forbidden", pod("a"), noon);
        fail("disabled", pod("a"), noon + 1s);
        if (!cause_first) fail("forbidden", pod("a"), noon + 2s);

        EXPECT_EQ(only("forbidden").severity, Severity::critical);
        const auto symptoms = nlohmann::json::parse(only("forbidden").symptoms);
        EXPECT_EQ(symptoms.at("disabled").at("count"), 1);
        if (cause_first) {
            EXPECT_THAT(of("disabled"), IsEmpty());
        } else {
            EXPECT_EQ(only("disabled").state, IncidentState::folded);
            EXPECT_EQ(only("disabled").folded_into, only("forbidden").key);
        }
    }
}

TEST_F(BookTest, FoldsTheSymptomThatCameBeforeItsPodJoinedTheCause) {
    pack.rules[0].identity = {"runner"};
    pack.rules[1].identity = {};  // nothing in common: only the same container folds
    book = std::make_unique<IncidentBook>(pack, "db");
    start(pod("a")), start(pod("b"));
    fail("forbidden", pod("a"), noon);
    fail("disabled", pod("b"), noon + 1s);
    EXPECT_EQ(only("disabled").state, IncidentState::open);
    fail("forbidden", pod("b"), noon + 2s);
    EXPECT_EQ(only("disabled").state, IncidentState::folded);
    const auto symptoms = nlohmann::json::parse(only("forbidden").symptoms);
    EXPECT_EQ(symptoms.at("disabled").at("count"), 1);
}

TEST_F(BookTest, DoesNotFoldTheSymptomOfAnotherRunner) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon, "A");
    fail("disabled", pod("a"), noon + 1s, "B");
    EXPECT_EQ(only("disabled").state, IncidentState::open);
    EXPECT_EQ(only("forbidden").symptoms, "{}");
}

TEST_F(BookTest, ALaterFailureIsTheNextOccurrenceALateOneBelongsToTheLast) {
    start(pod("a")), start(pod("b"));
    fail("forbidden", pod("a"), noon);
    recover("forbidden", 0, pod("a"), noon + 1min, {{"runner_name", "name-A"}});
    ASSERT_EQ(only("forbidden").state, IncidentState::resolved);
    const std::string first = only("forbidden").key;

    recover("forbidden", 0, pod("b"), noon + 50s, {{"runner_name", "name-A"}});
    line = 0;  // b is read later, from its own beginning
    Place late = pod("b");
    fail("forbidden", late, noon + 30s);
    EXPECT_EQ(only("forbidden").key, first) << "read late, not new";
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved) << "b had recovered too";

    line = 100;
    fail("forbidden", pod("a"), noon + 1h);
    const IncidentRow& second = only("forbidden");
    EXPECT_NE(second.key, first);
    EXPECT_EQ(second.occurrence, 2);
    EXPECT_EQ(second.previous, first);
}

TEST_F(BookTest, KeysAreComputedNotDrawn) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    const std::string key = only("forbidden").key, ulid = only("forbidden").ulid;
    book = std::make_unique<IncidentBook>(pack, "db");
    fail("forbidden", pod("z"), noon);
    EXPECT_EQ(only("forbidden").key, key);
    EXPECT_EQ(only("forbidden").ulid, ulid);
    EXPECT_EQ(ulid.size(), 26u);
}

TEST_F(BookTest, MoreThanThreeOccurrencesInAnHourAreOneFlappingIncident) {
    start(pod("a"));
    for (int i = 0; i < 6; ++i) {
        fail("forbidden", pod("a"), noon + i * 8min);
        recover("forbidden", 0, pod("a"), noon + i * 8min + 1min, {{"runner_name", "name-A"}});
    }
    EXPECT_TRUE(only("forbidden").flapping);
    EXPECT_EQ(only("forbidden").occurrence, 3);
    EXPECT_EQ(only("forbidden").count, 4);
}

TEST_F(BookTest, RawLinesExtendTheEvidenceAndCountNothing) {
    start(pod("a"));
    const EvidenceRef ref = fail("forbidden", pod("a"), noon);
    book->extend(ref, "more");
    auto changes = book->take_changes();
    EXPECT_EQ(changes.evidence.begin()->second->text, "failure of A\nmore");
    EXPECT_EQ(only("forbidden").count, 1);

    const EvidenceRef waiting = fail("thrice", pod("a"), noon);
    book->extend(waiting, "goroutine 1");
    fail("thrice", pod("a"), noon + 1s);
    fail("thrice", pod("a"), noon + 2s);
    changes = book->take_changes();
    EXPECT_THAT(changes.evidence.begin()->second->text, HasSubstr("goroutine 1"));
}

TEST_F(BookTest, KeepsTheFirstFiveAndTheLastFifteenRecordsAsEvidence) {
    start(pod("a"));
    for (int i = 0; i < 50; ++i) fail("forbidden", pod("a"), noon + i * 1s);
    std::vector<std::int64_t> ordinals;
    for (const auto& [unused, row] : book->take_changes().evidence)
        ordinals.push_back(row->ordinal);
    std::sort(ordinals.begin(), ordinals.end());
    EXPECT_THAT(ordinals, ElementsAre(1, 2, 3, 4, 5, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                      48, 49, 50));
    EXPECT_EQ(only("forbidden").count, 50);
}

TEST_F(BookTest, AcknowledgingIsAnAttributeThatSurvives) {
    start(pod("a"));
    fail("forbidden", pod("a"), noon);
    const std::string key = only("forbidden").key;
    EXPECT_TRUE(act(key, Acknowledge{}, "on it"));
    EXPECT_FALSE(act("nobody", Acknowledge{}));
    restart();
    fail("forbidden", pod("a"), noon + 1min);
    EXPECT_EQ(only("forbidden").acknowledged_by, "ann");
    EXPECT_TRUE(act(key, ResolveByHand{}, "by hand"));
    EXPECT_EQ(only("forbidden").state, IncidentState::resolved);
}

// Whatever happens, a book loaded from its rows is the book that wrote them.
TEST_F(BookTest, ARestartAtAnyMomentChangesNothing) {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        book = std::make_unique<IncidentBook>(pack, "db");
        rows = {};
        line = 0;
        now = noon + 24h;
        Timestamp at = noon;
        const auto any = [&](unsigned n) { return static_cast<int>(random() % n); };
        const char* rules[] = {"forbidden", "disabled", "thrice", "across"};
        const char* pods[] = {"a", "b", "c", "d"};
        for (int step = 0; step < 120; ++step) {
            at += std::chrono::seconds(any(40));
            now += std::chrono::seconds(any(90));
            const int number = any(4);
            const Place place = pod(pods[number], noon + number * 5min);
            const std::string runner = any(2) ? "A" : "B";
            switch (any(9)) {
                case 0:
                case 1:
                case 2:
                    fail(rules[any(4)], place, at, runner);
                    break;
                case 3:
                    recover("forbidden", 0, place, at, {{"runner_name", "name-" + runner}});
                    break;
                case 4:
                    recover("forbidden", 1, place, at);
                    break;
                case 5:
                    book->watermark(place.instance, at, now);
                    break;
                case 6:
                    book->tick(now);
                    break;
                case 7:
                    book->lifecycle(
                        {any(3) ? LifecycleKind::started : LifecycleKind::gone, place, noon}, now);
                    break;
                case 8:
                    book->gap(place.instance, at - 10s, at, "lost", now);
                    break;
            }
            if (any(4) == 0) restart();
            if (HasFatalFailure()) return;
        }
    }
}

}  // namespace
}  // namespace runnerwatch
