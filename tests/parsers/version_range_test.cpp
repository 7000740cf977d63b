#include "parsers/version_range.h"

#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

TEST(VersionRange, HoldsForTheVersionsItNames) {
    const struct {
        const char *range, *version;
        bool holds;
    } cases[] = {{">=18.3", "18.3.0", true},
                 {">=18.3", "18.2.9", false},
                 {">=18.3", "v18.10", true},
                 {"<18.10", "18.9.1", true},
                 {"<18.10", "18.10.0", false},
                 {">18.3", "18.3.7", false},
                 {">18.3", "18.4.0", true},
                 {"<=18.3", "18.3.7", true},
                 {"=18.3", "18.3.7", true},
                 {"=18.3", "18.30.0", false},
                 {">=16.5 <18.4", "17.0.0~pre.5.gabc", true},
                 {">=16.5, <18.4", "18.4.0", false},
                 {">=9", "19.4.0", true},
                 {"", "1.0", true}};
    for (const auto& [range, version, holds] : cases) {
        SCOPED_TRACE(std::string(range) + " and " + version);
        const auto parsed = VersionRange::parse(range);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->contains(version), holds);
    }
}

TEST(VersionRange, KnowsNothingOfAVersionThatIsNone) {
    for (const char* version : {"", "development version", "v", "x18"})
        EXPECT_EQ(VersionRange::parse(">=1")->contains(version), std::nullopt) << version;
}

TEST(VersionRange, RefusesWhatIsNoRange) {
    for (const char* range : {"18.3", "=> 18", ">=", ">= 18", ">=18.x", ">=18.3.1.2", "~>18",
                              ">=18<19", ">=99999999999", ">=-1", "new"})
        EXPECT_FALSE(VersionRange::parse(range)) << range;
}

}  // namespace
}  // namespace runnerwatch
