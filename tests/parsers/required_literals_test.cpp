#include "parsers/required_literals.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RequiredLiterals, AreOneOfEachAlternativeAndTheRarestOfSeveral) {
    EXPECT_THAT(required_literals("refused by GitLab"), ElementsAre("refused by gitlab"));
    EXPECT_THAT(required_literals("(?:connection refused|no route) to"),
                ElementsAre("connection refused to", "no route to"));
    EXPECT_THAT(required_literals("Checking for jobs.* zyxwv .*runner"), ElementsAre(" zyxwv "))
        << "one of three that must all stand there is enough";
}

TEST(RequiredLiterals, HoldNothingThatAFormatMayEscape) {
    EXPECT_THAT(required_literals("Runner \"a\" <gone> forever"), ElementsAre(" forever"));
    EXPECT_THAT(required_literals("zyx\\twvuts"), ElementsAre("wvuts"));
    EXPECT_THAT(required_literals("a\"b\"c"), IsEmpty());
}

TEST(RequiredLiterals, AreMissingWhereAPatternCanMatchWithoutAny) {
    for (const char* pattern : {"", "ok", "[0-9]{3,} [a-z]+$", "refused|\\d+", "(?:refused)?"})
        EXPECT_THAT(required_literals(pattern), IsEmpty()) << pattern;
}

TEST(RequiredLiterals, OfAPatternThatIgnoresCaseHoldNoLetterThatAnotherFoldsTo) {
    EXPECT_THAT(required_literals("(?i)kernel panic"), ElementsAre("ernel panic"));
    EXPECT_THAT(required_literals("(?i)skis"), IsEmpty());
    EXPECT_THAT(required_literals("\\x{212a}elvin"), ElementsAre("elvin"));
}

TEST(RequiredLiterals, OfNoPatternAreAnError) {
    EXPECT_THROW(static_cast<void>(required_literals("(")), std::invalid_argument);
}

}  // namespace
}  // namespace runnerwatch
