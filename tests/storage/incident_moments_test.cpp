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
    const auto all = moments();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].state, IncidentState::open);
    EXPECT_EQ(all[0].ended, std::nullopt);
}

}  // namespace
}  // namespace runnerwatch
