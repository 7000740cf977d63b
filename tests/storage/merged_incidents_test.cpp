// Incidents that people merged, in pages, facets and stories.
#include "storage/store.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// Of ten incidents that have ended, 2 and then 3, which goes on, are merged into 1 (3 by way of 2).
class MergedIncidents : public testing::Test {
protected:
    MergedIncidents() : store_(open_with_history(folder_.file(), 0)) {
        set_ = kept_history(0, 10);
        row(2).merged_into = history_key(1);
        row(3).merged_into = history_key(2);
        row(3).state = IncidentState::open;
        row(3).severity = Severity::critical;
        row(3).ended_at.reset();
        row(3).namespace_ = "elsewhere";
        row(3).count = 40;
        const auto written = store_->commit(set_);
        if (!written) throw std::runtime_error(written.error().what);
        reader_ = std::move(*Reader::open(folder_.file()));
    }

    IncidentRow& row(int number) { return *set_.incidents.at(history_key(number)); }

    // What a page has, by the number in the key.
    std::vector<int> page(const IncidentFilter& filter) {
        std::vector<int> numbers;
        const auto found = reader_->incidents(filter);
        EXPECT_TRUE(found);
        for (const auto& one : *found) numbers.push_back(std::stoi(one.key));
        return numbers;
    }
    std::map<std::string, std::int64_t> facet(const IncidentFilter& filter, const std::string& of) {
        const auto found = reader_->facets(filter, {of});
        EXPECT_TRUE(found);
        const auto& values = found->facets.front().values;
        return {values.begin(), values.end()};
    }

    TestFolder folder_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Reader> reader_;
    ChangeSet set_;
};

TEST_F(MergedIncidents, StandInListsAsOneWhereTheLastOfThemWasSeen) {
    EXPECT_THAT(page({}), ElementsAre(9, 8, 7, 6, 5, 4, 1, 0));
    const auto shown = reader_->incidents({});
    const IncidentRow& whole = (*shown)[6];
    EXPECT_EQ(whole.state, IncidentState::open);
    EXPECT_EQ(whole.severity, Severity::critical);
    EXPECT_EQ(whole.count, 44);
    EXPECT_EQ(whole.first_seen, row(1).first_seen);
    EXPECT_EQ(whole.last_seen, row(3).last_seen);
    EXPECT_EQ(whole.ended_at, std::nullopt);
    EXPECT_EQ(whole.namespace_, "gitlab-runner");
}

TEST_F(MergedIncidents, AreListedByThemselvesWhenAsked) {
    IncidentFilter filter;
    filter.parts_too = true;
    EXPECT_THAT(page(filter), ElementsAre(9, 8, 7, 6, 5, 4, 3, 1, 2, 0));
}

TEST_F(MergedIncidents, AreOneOnTheirWayThroughThePages) {
    std::vector<int> all;
    IncidentFilter filter;
    filter.limit = 7;  // the whole is the last of the first page
    for (;;) {
        const auto rows = reader_->incidents(filter);
        for (const auto& one : *rows) all.push_back(std::stoi(one.key));
        if (rows->size() < filter.limit) break;
        filter.after = IncidentCursor{*rows->back().last_seen, rows->back().number};
    }
    EXPECT_THAT(all, ElementsAre(9, 8, 7, 6, 5, 4, 1, 0));
}

TEST_F(MergedIncidents, HaveTheStateSeverityAndTimeOfAll) {
    IncidentFilter open, resolved, critical, later;
    open.states = {IncidentState::open};
    resolved.states = {IncidentState::resolved};
    critical.severities = {Severity::critical};
    later.since = history_start + hours(10);
    EXPECT_THAT(page(open), ElementsAre(1));
    EXPECT_THAT(page(resolved), ElementsAre(9, 8, 7, 6, 5, 4, 0));
    EXPECT_THAT(page(critical), ElementsAre(1));
    EXPECT_THAT(page(later), ElementsAre(1)) << "goes on, because of 3";
    later.until = history_start - hours(10);
    EXPECT_THAT(page(later), IsEmpty());
}

TEST(AsWhole, WaitsForWhatAPartWaitsForAndEndsByTheProofOfTheLast) {
    std::vector<IncidentRow> merged(3);
    const auto end = [&](std::size_t one, int minute) {
        merged[one].state = IncidentState::resolved;
        merged[one].ended_at = history_start + std::chrono::minutes(minute);
        merged[one].proof = "proof " + std::to_string(one);
        merged[one].waiting_for.clear();
    };
    for (std::size_t i = 0; i < 3; ++i) merged[i].waiting_for = "waits " + std::to_string(i);
    EXPECT_EQ(as_whole(merged).waiting_for, "waits 0");
    end(0, 5);
    EXPECT_EQ(as_whole(merged).waiting_for, "waits 1");
    EXPECT_EQ(as_whole(merged).proof, "");
    end(1, 9);
    end(2, 7);
    EXPECT_EQ(as_whole(merged).waiting_for, "");
    EXPECT_EQ(as_whole(merged).proof, "proof 1");
}

TEST_F(MergedIncidents, AreFoundByTheWordsAndPodsOfEachOfThem) {
    IncidentFilter word, pod;
    word.text = "word3";
    pod.pod = "runner-3";
    EXPECT_THAT(page(word), ElementsAre(1));
    EXPECT_THAT(page(pod), ElementsAre(1));
    EXPECT_EQ(reader_->facets(word, {})->incidents, 1);
    word.text = "word8";
    EXPECT_THAT(page(word), ElementsAre(8));
    word.parts_too = true;
    word.text = "word3";
    EXPECT_THAT(page(word), ElementsAre(3, 1));
}

TEST_F(MergedIncidents, CountAsOneInFacets) {
    EXPECT_EQ(reader_->facets({}, {})->incidents, 8);
    EXPECT_THAT(facet({}, "outcome"),
                UnorderedElementsAre(Pair("going_on", 1), Pair("recovered", 7)));
    EXPECT_THAT(facet({}, "severity"), UnorderedElementsAre(Pair("critical", 1), Pair("error", 7)));
    EXPECT_THAT(facet({}, "namespace"), ElementsAre(Pair("gitlab-runner", 8)));
    // 8 has the pod of 1.
    EXPECT_EQ(facet({}, "pod").at("runner-1"), 2);
    EXPECT_EQ(facet({}, "pod").at("runner-3"), 1);
    IncidentFilter apart;
    apart.parts_too = true;
    EXPECT_EQ(reader_->facets(apart, {})->incidents, 10);
}

// Of an incident alone a column says its outcome, of a merged one code does.
TEST_F(MergedIncidents, HaveTheOutcomeThatEachOfThemWouldHaveAlone) {
    struct Case {
        IncidentState state;
        const char* resolved_by;
        const char* outcome;
    };
    const Case cases[] = {{IncidentState::open, "", "going_on"},
                          {IncidentState::recovering, "", "going_on"},
                          {IncidentState::resolved, "", "recovered"},
                          {IncidentState::resolved, "ann", "by_hand"},
                          {IncidentState::cannot_tell, "", "cannot_tell"}};
    for (const auto& [state, resolved_by, outcome] : cases) {
        SCOPED_TRACE(outcome);
        for (int i = 0; i < 10; ++i) {
            row(i).state = state;
            row(i).resolved_by = resolved_by;
        }
        ASSERT_TRUE(store_->commit(set_));
        IncidentFilter apart;
        apart.parts_too = true;
        EXPECT_THAT(facet(apart, "outcome"), ElementsAre(Pair(outcome, 10)));
        EXPECT_THAT(facet({}, "outcome"), ElementsAre(Pair(outcome, 8)));
    }
}

TEST_F(MergedIncidents, NameTheWholeAndAllPartsInTheirStories) {
    const auto whole = reader_->story(history_key(1));
    ASSERT_TRUE(whole && *whole);
    EXPECT_EQ((*whole)->detail.incident.state, IncidentState::open);
    ASSERT_EQ((*whole)->parts.size(), 2u);
    EXPECT_EQ((*whole)->parts[0].key, history_key(2));
    EXPECT_EQ((*whole)->parts[1].key, history_key(3));
    const auto part = reader_->story(history_key(3));
    ASSERT_TRUE((*part)->whole);
    EXPECT_EQ((*part)->whole->key, history_key(1));
    EXPECT_EQ((*part)->detail.incident.count, 40);
    EXPECT_EQ((*reader_->incident(history_key(1)))->incident.state, IncidentState::resolved)
        << "what the book holds is the row as it is";
}

TEST_F(MergedIncidents, ShowOnlyWhatTheAskerMaySee) {
    IncidentFilter ours, theirs;
    ours.visible = {"gitlab-runner"};
    theirs.visible = {"elsewhere"};
    EXPECT_THAT(page(ours), ElementsAre(9, 8, 7, 6, 5, 4, 1, 0));
    EXPECT_EQ((*reader_->incidents(ours))[6].state, IncidentState::resolved);
    EXPECT_THAT(page(theirs), ElementsAre(3)) << "a part of what may not be seen stands for itself";
    EXPECT_FALSE((*reader_->story(history_key(3), theirs.visible))->whole);
    EXPECT_EQ((*reader_->story(history_key(1), ours.visible))->parts.size(), 1u);
}

}  // namespace
}  // namespace runnerwatch
