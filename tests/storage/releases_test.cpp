// Which runner, of which version, showed an incident; who was told in a span of time.
#include "storage/store.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

class Releases : public testing::Test {
protected:
    Releases() : store_(open_with_history(folder_.file(), 0)), set_(kept_history(0, 4)) {
        member(0, "runner-0").place.version = "17.5.0";
        member(1, "runner-1").place.version = "17.5.0";
        member(1, "runner-x").place.version = "18.0.0";
        member(1, "runner-1").first_seen = history_start + minutes(2);
        member(1, "runner-x").first_seen = history_start + minutes(1);
    }

    MemberRow& member(int number, const std::string& pod) {
        auto& row = set_.members[{history_key(number), pod}];
        if (!row) row.emplace();
        row->incident = history_key(number);
        row->place.member = pod;
        return *row;
    }
    IncidentRow& row(int number) { return *set_.incidents.at(history_key(number)); }
    void write() {
        ASSERT_TRUE(store_->commit(set_));
        reader_ = std::move(*Reader::open(folder_.file()));
    }
    std::vector<IncidentMoments> moments() {
        std::vector<IncidentMoments> all;
        EXPECT_TRUE(reader_->each_moments({}, [&](const auto& one) { all.push_back(one); }));
        std::sort(all.begin(), all.end(),
                  [](const auto& a, const auto& b) { return a.key < b.key; });
        return all;
    }
    void attempt(const std::string& delivery, Timestamp at, int of_incident) {
        DeliveryAttemptRow row{"on-call", "{}", delivery, 1, at, "sent", 200, "", ""};
        row.told = "{\"" + history_key(of_incident) + "\":\"open:error:0\"}";
        set_.attempts.push_back(row);
    }
    std::vector<std::string> told(Timestamp since, Timestamp until,
                                  const std::vector<std::string>& visible = {}) {
        std::vector<std::string> keys;
        const auto read = reader_->each_delivery(
            since, until, visible,
            [&](const DeliveryAttemptRow& one) { keys.push_back(one.delivery_key); });
        EXPECT_TRUE(read && *read == keys.size());
        return keys;
    }

    TestFolder folder_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Reader> reader_;
    ChangeSet set_;
};

TEST_F(Releases, AreFoundAndCounted) {
    write();
    IncidentFilter filter;
    filter.version = "17.5.0";
    EXPECT_EQ(reader_->incidents(filter)->size(), 2u);
    filter.version = "18.0.0";
    ASSERT_EQ(reader_->incidents(filter)->size(), 1u);
    EXPECT_EQ(reader_->incidents(filter)->front().key, history_key(1));
    EXPECT_EQ(reader_->facets(filter, {})->incidents, 1);
    filter.version = "18";
    EXPECT_EQ(reader_->incidents(filter)->size(), 0u);
    const auto facets = reader_->facets({}, {"version"});
    EXPECT_THAT(facets->facets.front().values,
                UnorderedElementsAre(Pair("17.5.0", 2), Pair("18.0.0", 1), Pair("", 2)))
        << "an incident counts for each that shows it";
}

TEST_F(Releases, OfAnIncidentIsTheOneThatShowedItFirst) {
    write();
    const auto all = moments();
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0].version, "17.5.0");
    EXPECT_EQ(all[1].version, "18.0.0");
    EXPECT_EQ(all[2].version, "");
}

TEST_F(Releases, AreKeptWithThePlace) {
    write();
    const auto detail = reader_->incident(history_key(0));
    EXPECT_EQ((*detail)->members.front().place.version, "17.5.0");
}

TEST_F(Releases, MomentsSayWhatPeopleKeptQuiet) {
    row(0).snoozed_by = "ann";
    set_.timeline[{history_key(2), 3}] = TimelineRow{
        history_key(2), 3, history_start, ClockKind::ours, "snooze_goes_on", "runnerwatch", "",
        "{}",           ""};
    write();
    const auto all = moments();
    EXPECT_TRUE(all[0].snoozed);
    EXPECT_FALSE(all[1].snoozed);
    EXPECT_TRUE(all[2].snoozed);
}

TEST_F(Releases, MomentsSayWhatWasADrill) {
    row(0).tags = "drill";
    row(1).tags = "vpn drill x";
    row(2).tags = "drills fire-drill";
    write();
    const auto all = moments();
    EXPECT_TRUE(all[0].drill);
    EXPECT_TRUE(all[1].drill);
    EXPECT_FALSE(all[2].drill);
    EXPECT_FALSE(all[3].drill);
}

TEST_F(Releases, TheRunnerIsFoundAndCounted) {
    row(0).fields = R"({"host":"gitlab.example.com","runner":"glrt-AAA"})";
    row(1).fields = R"({"runner":"glrt-AAA"})";
    row(2).fields = R"({"runner":"glrt-BBB"})";
    row(3).fields = "not what a daemon writes";
    write();
    IncidentFilter filter;
    filter.runner = "glrt-AAA";
    EXPECT_EQ(reader_->incidents(filter)->size(), 2u);
    EXPECT_EQ(reader_->facets(filter, {})->incidents, 2);
    filter.since = history_start + minutes(1);
    EXPECT_EQ(reader_->incidents(filter)->size(), 1u);
    filter.runner = "glrt";
    EXPECT_EQ(reader_->incidents(filter)->size(), 0u);
    const auto counted = [&](const IncidentFilter& of) {
        return reader_->facets(of, {"runner"})->facets.front().values;
    };
    EXPECT_THAT(counted({}), ElementsAre(Pair("glrt-AAA", 2), Pair("glrt-BBB", 1)));

    // A merged incident is of the runners of all its parts.
    row(2).merged_into = history_key(1);
    write();
    EXPECT_THAT(counted({}), ElementsAre(Pair("glrt-AAA", 2), Pair("glrt-BBB", 1)));
    IncidentFilter part;
    part.runner = "glrt-BBB";
    ASSERT_EQ(reader_->incidents(part)->size(), 1u);
    EXPECT_EQ(reader_->incidents(part)->front().key, history_key(1));
    part.parts_too = true;
    EXPECT_EQ(reader_->incidents(part)->size(), 2u);
    part.runner = "glrt-CCC";
    EXPECT_EQ(reader_->incidents(part)->size(), 0u);
}

TEST_F(Releases, DeliveriesOfASpanAreThoseInItThatToldOfWhatMayBeSeen) {
    row(1).namespace_ = "elsewhere";
    attempt("before", history_start - minutes(1), 0);
    attempt("second", history_start + minutes(2), 1);
    attempt("first", history_start, 0);
    attempt("behind", history_start + minutes(3), 0);
    DeliveryAttemptRow nothing{"on-call", "{}", "heartbeat", 1,   history_start,
                               "sent",    200,  "",          "{}"};
    set_.attempts.push_back(nothing);
    write();
    const Timestamp until = history_start + minutes(2);
    EXPECT_THAT(told(history_start, until), ElementsAre("first", "second"));
    EXPECT_THAT(told(history_start, until, {"elsewhere", "nowhere"}), ElementsAre("second"));
}

}  // namespace
}  // namespace runnerwatch
