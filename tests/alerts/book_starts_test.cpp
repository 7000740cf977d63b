#include "tests/alerts/book_fixture.h"

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StartsTest : public BookTest {
protected:
    void start_of(const Place& place, const std::string& revision, const std::string& before = {}) {
        book->lifecycle({LifecycleKind::started, place, noon + 1h, revision, before}, now);
    }
    // What the timelines have got since the last call, but for what incidents do by themselves.
    std::vector<std::string> told() {
        std::vector<std::string> words;
        for (const auto& [unused, row] : book->take_changes().timeline)
            if (row->kind == "rollout" || row->kind == "container_restarted")
                words.push_back(row->text);
        return words;
    }
};

TEST_F(StartsTest, ARestartIsOnTheTimelineOfWhatIsOpenThereOnce) {
    start_of(pod("a"), "r1");
    EXPECT_THAT(told(), IsEmpty());
    fail("forbidden", pod("a"), noon);
    told();
    start_of(pod("a", noon - 1h, 1), "r1", "exit code 137, OOMKilled");
    EXPECT_THAT(told(), ElementsAre("container runner of a was started again; the one before ended "
                                    "with exit code 137, OOMKilled"));
    start_of(pod("a", noon - 1h, 1), "r1", "exit code 137, OOMKilled");
    EXPECT_THAT(told(), IsEmpty()) << "it was known already";
    Place elsewhere = pod("b", noon - 1h, 0);
    elsewhere.workload = "Deployment/other";
    start_of(elsewhere, "r1");
    elsewhere.instance = "b/1";
    start_of(elsewhere, "r1");
    EXPECT_THAT(told(), IsEmpty()) << "another workload";
}

TEST_F(StartsTest, ARolloutIsToldByItsFirstPod) {
    start_of(pod("a"), "r1");
    fail("forbidden", pod("a"), noon);
    told();
    start_of(pod("b"), "r1");
    EXPECT_THAT(told(), IsEmpty()) << "one more replica";
    start_of(pod("c"), "r2");
    EXPECT_THAT(told(), ElementsAre("rollout of Deployment/gitlab-runner: c is the first pod of "
                                    "revision r2"));
    start_of(pod("d"), "r2");
    EXPECT_THAT(told(), IsEmpty());
    for (const char* name : {"a", "b"})
        book->lifecycle({LifecycleKind::gone, pod(name), std::nullopt, {}, {}}, now);
    told();
    start_of(pod("e"), "r1");
    EXPECT_THAT(told(), ElementsAre("rollout of Deployment/gitlab-runner: e is the first pod of "
                                    "revision r1"))
        << "rolled back";
}

TEST_F(StartsTest, APodThatTakesThePlaceOfADeletedOneIsNoRollout) {
    start_of(pod("a", noon - 3h), "r1");
    start_of(pod("b", noon - 2h), "r2");
    fail("forbidden", pod("b", noon - 2h), noon);
    book->lifecycle({LifecycleKind::gone, pod("a", noon - 3h), std::nullopt, {}, {}}, now);
    book->lifecycle({LifecycleKind::gone, pod("b", noon - 2h), std::nullopt, {}, {}}, now);
    told();
    start_of(pod("c", noon + 1h), "r2");
    EXPECT_THAT(told(), IsEmpty());
    start_of(pod("d", noon + 2h), "r1");
    EXPECT_THAT(told(), ElementsAre("rollout of Deployment/gitlab-runner: d is the first pod of "
                                    "revision r1"));
}

}  // namespace
}  // namespace runnerwatch
