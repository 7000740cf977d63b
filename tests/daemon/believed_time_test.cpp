#include "daemon/believed_time.h"

#include "daemon/retention_loop.h"

#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

const Timestamp noon{std::chrono::days(20'000) + 12h};

TEST(BelievedTimeTest, IsTheClocksAsLongAsThatGoesAlong) {
    BelievedTime time(noon, noon - 24h);
    EXPECT_EQ(time.at(noon, 0s), noon);
    EXPECT_EQ(time.at(noon + 10min, 10min), noon + 10min);
    EXPECT_EQ(time.at(noon + 70min, 11min), noon + 70min) << "clocks are set by less";
    EXPECT_EQ(time.at(noon - 24h, 20min), noon - 24h) << "backwards deletes less";
    EXPECT_FALSE(time.doubts());
}

TEST(BelievedTimeTest, DoubtsAClockThatJumpsAheadForADay) {
    BelievedTime time(noon, std::nullopt);
    const Timestamp wrong = noon + std::chrono::days(3'650);
    EXPECT_EQ(time.at(wrong, 10min), noon + 10min);
    EXPECT_TRUE(time.doubts());
    EXPECT_EQ(time.at(wrong + 23h, 23h + 10min), noon + 23h + 10min);
    EXPECT_EQ(time.at(noon + 23h + 20min, 23h + 20min), noon + 23h + 20min) << "it was set right";
    EXPECT_FALSE(time.doubts());
    EXPECT_EQ(time.at(wrong, 24h), noon + 24h);
    EXPECT_EQ(time.at(wrong + 24h, 48h), wrong + 24h) << "it stood so for a day";
    EXPECT_FALSE(time.doubts());
    EXPECT_EQ(time.at(wrong + 25h, 49h), wrong + 25h);
}

TEST(BelievedTimeTest, DoubtsAClockThatJumpedWhileWeWereAway) {
    BelievedTime time(noon, noon - std::chrono::days(400));
    EXPECT_EQ(time.at(noon, 0s), noon - std::chrono::days(400 - 31));
    EXPECT_TRUE(time.doubts());
    EXPECT_EQ(time.at(noon + 24h, 24h), noon + 24h);
}

TEST(ForgottenWords, NameWhatWentAndWhy) {
    Forgotten forgotten;
    EXPECT_EQ(forgotten_words(forgotten, 180 * 24h), "");
    forgotten.aged = 1;
    forgotten.crowded = 20;
    forgotten.gaps = 2;
    EXPECT_EQ(
        forgotten_words(forgotten, 180 * 24h),
        "retention removed 1 incident that ended more than 180 days ago, 20 incidents for room, "
        "the least severe and oldest first (storage.size_max), 2 gaps");
}

}  // namespace
}  // namespace runnerwatch
