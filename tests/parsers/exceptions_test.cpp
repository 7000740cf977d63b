#include "parsers/exceptions.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Timestamp new_year = parse_time("2026-01-01T00:00:00Z")->time;

RulePack pack() {
    Rule slow;
    slow.id = "slow";
    return {"test", "1", {slow}, {}};
}

const RulePack rules = pack();

Detection detection(const Values& values) {
    Detection one;
    one.rule = &rules.rules.front();
    one.values = values;
    return one;
}

Record record(const std::string& message) {
    Record one;
    one.message = message;
    return one;
}

Exceptions load(const std::string& text) {
    auto loaded = Exceptions::load({{"exceptions.yaml", "exceptions:\n" + text}}, rules);
    if (!loaded) throw std::logic_error(loaded.error().front().to_string());
    return std::move(*loaded);
}

std::string error(const std::string& text) {
    const auto loaded = Exceptions::load({{"e.yaml", "exceptions:\n" + text}}, rules);
    return loaded ? "" : loaded.error().front().to_string();
}

const std::string of_a_day =
    "  - {rule: slow, match: {runner: 'legacy-.*'}, owner: ci, reason: old, expires: 2026-01-01}\n";

TEST(Exceptions, HoldForWhatMatchesWhole) {
    const Exceptions exceptions = load(of_a_day);
    const auto holds = [&](const Values& values) {
        return exceptions.of(detection(values), record("m"), new_year) != nullptr;
    };
    EXPECT_TRUE(holds({{"runner", "legacy-1"}}));
    EXPECT_FALSE(holds({{"runner", "not-legacy-1"}})) << "the whole value must match";
    EXPECT_FALSE(holds({{"other", "legacy-1"}})) << "a field that is not there matches nothing";
}

TEST(Exceptions, MayNameTheMessage) {
    const Exceptions exceptions =
        load("  - {rule: slow, match: {message: 'slow.*'}, owner: o, reason: r, expires: never}\n");
    EXPECT_NE(exceptions.of(detection({}), record("slow answer"), new_year), nullptr);
    EXPECT_EQ(exceptions.of(detection({}), record("fast answer"), new_year), nullptr);
}

TEST(Exceptions, EndWithTheirLastDay) {
    const Exceptions exceptions = load(of_a_day);
    const Detection seen = detection({{"runner", "legacy-1"}});
    EXPECT_NE(exceptions.of(seen, record(""), new_year + 24h - 1s), nullptr);
    EXPECT_EQ(exceptions.of(seen, record(""), new_year + 24h), nullptr);
    EXPECT_TRUE(expired(exceptions.all().front(), new_year + 24h));
}

TEST(Exceptions, MayBeForUnclassifiedMessages) {
    const Exceptions exceptions = load(
        "  - {template: t-0123456789, owner: o, reason: r, expires: '2026-01-01T12:00:00Z'}\n");
    EXPECT_NE(exceptions.of_template("t-0123456789", new_year), nullptr);
    EXPECT_EQ(exceptions.of_template("t-0123456789", new_year + 12h), nullptr);
    EXPECT_EQ(exceptions.of_template("t-9876543210", new_year), nullptr);
}

TEST(Exceptions, KeepTheirIdAsLongAsTheyAreAboutTheSame) {
    const std::string id = load(of_a_day).all().front().id;
    std::string renewed = of_a_day, other = of_a_day;
    renewed.replace(renewed.find("2026"), 4, "2027");
    other.replace(other.find("legacy"), 6, "newest");
    EXPECT_EQ(load(renewed).all().front().id, id);
    EXPECT_NE(load(other).all().front().id, id);
}

TEST(Exceptions, AreRefusedWithTheirLine) {
    const struct {
        const char* text;
        const char* says;
    } cases[] = {
        {"  - {rule: slo, owner: o, reason: r, expires: never}\n",
         "e.yaml:2: exceptions[0]: there is no rule 'slo'; did you mean 'slow'?"},
        {"  - {owner: o, reason: r, expires: never}\n", "e.yaml:2: exceptions[0]: give either"},
        {"  - {rule: slow, template: t-0, owner: o, reason: r, expires: never}\n", "give either"},
        {"  - {rule: slow, reason: r, expires: never}\n", "'owner' is missing"},
        {"  - {rule: slow, owner: o, expires: never}\n", "'reason' is missing"},
        {"  - {rule: slow, owner: o, reason: r}\n", "'expires' is missing"},
        {"  - {rule: slow, owner: o, reason: r, expires: soon}\n", "'soon' is no end; write a day"},
        {"  - {rule: slow, match: {x: '('}, owner: o, reason: r, expires: never}\n",
         "the pattern of 'x' is no regular expression"},
        {"  - {rule: slow, owner: o, reason: r, expires: never, until: x}\n", "until"},
    };
    for (const auto& one : cases) EXPECT_THAT(error(one.text), HasSubstr(one.says)) << one.text;
}

}  // namespace
}  // namespace runnerwatch
