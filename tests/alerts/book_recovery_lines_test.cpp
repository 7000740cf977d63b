// Lines that many rules take for recovery.

#include "tests/alerts/book_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

const Timestamp noon{std::chrono::hours(24 * 20'000 + 12)};

RulePack pack_of(int rules) {
    RulePack pack;
    for (int i = 0; i < rules; ++i) {
        Rule rule;
        rule.id = "rule-" + std::to_string(100 + i);
        rule.recover = {{Recovery::Kind::evidence, "received", {"runner_name"}, {}},
                        {Recovery::Kind::after, "loaded", {}, 60s}};
        pack.rules.push_back(std::move(rule));
    }
    return pack;
}

TEST(BookRecoveryLines, OfManyRulesDoNotPushOutWhatAHoldDownWaitsFor) {
    const RulePack pack = pack_of(150);
    IncidentBook book(pack, "db");
    Place place;
    place.cluster = "c", place.workload = "Deployment/r", place.member = place.instance = "pod";
    const auto line = [&](int index, std::uint64_t number, Timestamp at, const Values& values) {
        const RecoveryLine kind =
            recovery_line(pack, pack.rules[0].recover[static_cast<std::size_t>(index)]);
        book.recover({&kind, place, at, number, values, "text"}, noon);
    };
    Observation seen;
    seen.rule = &pack.rules[0];
    seen.place = place;
    seen.at = noon;
    seen.first_line = seen.last_line = 1;
    seen.values = {{"runner_name", "a"}};
    book.observe(seen, noon);
    line(1, 2, noon + 10s, {});
    for (int i = 0; i < 100; ++i)
        line(0, 3, noon + 20s, {{"runner_name", "other-" + std::to_string(i)}});
    ASSERT_EQ(book.incidents().size(), 1u);
    EXPECT_EQ(book.incidents()[0]->state, IncidentState::recovering);
    EXPECT_LE(book.take_changes().recovery_marks.size(), 101u) << "a line is kept once";

    book.watermark("pod", noon + 71s, noon);
    EXPECT_EQ(book.incidents()[0]->state, IncidentState::resolved);
}

}  // namespace
}  // namespace runnerwatch
