#include "storage/store.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp(std::chrono::days(20'000)) + 12h;

class IncidentMomentsTest : public testing::Test {
protected:
    void put(const std::string& key, const std::string& into, Timestamp from,
             std::optional<Timestamp> to) {
        IncidentRow row;
        row.key = row.ulid = row.identity = key;
        row.merged_into = into;
        row.first_seen = row.last_seen = from;
        row.noted_at = from + 1s;
        row.ended_at = to;
        row.state = to ? IncidentState::resolved : IncidentState::open;
        set.incidents[key] = row;
    }
    void change(const std::string& key, std::int64_t number, const char* kind, Timestamp at) {
        set.timeline[{key, number}] =
            TimelineRow{key, number, at, ClockKind::source, kind, "", "", "{}", ""};
        set.incidents[key]->changes = number;
    }
    void told(const std::string& key, Timestamp at) {
        DeliveryAttemptRow row{"on-call", "{}", "told " + key, 1, at, "sent", 200, "", ""};
        row.told = "{\"" + key + "\":\"open:error:0\"}";
        set.attempts.push_back(row);
    }
    std::vector<IncidentMoments> moments() {
        auto store = Store::open(folder.file());
        EXPECT_TRUE((*store)->commit(set));
        std::vector<IncidentMoments> all;
        const auto read = (*Reader::open(folder.file()))->each_moments({}, [&](const auto& one) {
            all.push_back(one);
        });
        EXPECT_TRUE(read);
        return all;
    }
    TestFolder folder;
    ChangeSet set;
};

TEST_F(IncidentMomentsTest, WhatWasMergedCountsAsOneFromItsFirstLineToItsLastEnd) {
    put("whole", "", noon, noon + 10min);
    put("part", "whole", noon - 5min, noon + 20min);
    put("part of the part", "part", noon + 1min, noon + 30min);
    put("other", "", noon, noon + 1h);
    const auto all = moments();
    ASSERT_EQ(all.size(), 2u);
    const auto& whole = all[0].key == "whole" ? all[0] : all[1];
    EXPECT_EQ(whole.started, noon - 5min);
    EXPECT_EQ(whole.detected, noon - 5min + 1s);
    EXPECT_EQ(whole.ended, noon + 30min);
    EXPECT_EQ(whole.state, IncidentState::resolved);
}

TEST_F(IncidentMomentsTest, WhatWasMergedIsNotOverWhileAPartOfItIs) {
    put("whole", "", noon, noon + 10min);
    put("part", "whole", noon + 5min, std::nullopt);
    put("part that ended", "whole", noon + 6min, noon + 7min);
    change("whole", 1, "member_recovered", noon + 9min);
    const auto all = moments();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].state, IncidentState::open);
    EXPECT_EQ(all[0].ended, std::nullopt);
    EXPECT_EQ(all[0].mitigated, std::nullopt);
}

TEST_F(IncidentMomentsTest, OfWhatWasMergedCountsTheFirstWordToPeopleAndTheLastRecovery) {
    put("whole", "", noon, noon + 10min);
    put("part", "whole", noon + 1min, noon + 20min);
    put("late", "whole", noon + 2min, noon + 5min);
    change("whole", 1, "member_recovered", noon + 9min);
    change("whole", 2, "ack", noon + 8min);
    change("part", 1, "ack", noon + 4min);
    change("part", 2, "member_recovered", noon + 19min);
    change("late", 1, "ack", noon + 5min);
    told("whole", noon + 3min);
    told("part", noon + 2min);
    const auto all = moments();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].acknowledged, noon + 4min);
    EXPECT_EQ(all[0].notified, noon + 2min);
    EXPECT_EQ(all[0].mitigated, noon + 19min);
    EXPECT_EQ(all[0].ended, noon + 20min);
}

}  // namespace
}  // namespace runnerwatch
