// What a matcher remembers of records changes nothing in what it says of later ones.
#include "parsers/matcher.h"

#include <gmock/gmock.h>

#include <random>

namespace runnerwatch {
namespace {

RulePack pack() {
    Rule refused;
    refused.id = "refused";
    refused.catalog = "R";
    refused.detect.resize(1);
    refused.detect[0].message = "Refused (?P<what>\\S+)";
    refused.detect[0].capture = {{"status", "(?P<code>\\d+)"}};
    refused.detect[0].require = {{"status", "^[45 ]*|\\d"}};
    refused.detect[0].without = {{"reason", "^$|fine"}};
    refused.identity = {"what", "host(url)", "mask(status)", "job", "mask(kind)"};
    refused.wordings = {{"kind", {"code", "^5", false}, "server {{job}}"}};
    refused.causes.resize(2);
    refused.causes[0].id = "often";
    refused.causes[0].when = {{"reason", "slow", true}, {"where", "403", true}};
    refused.causes[0].says = "{{kind}} said {{status}}";
    refused.causes[1].id = "sure";
    refused.causes[1].confidence = Confidence::certain;
    refused.causes[1].when = {{"code", "3$", false}};
    refused.causes[1].says = "{{job}}";
    Rule other;
    other.id = "other";
    other.catalog = "O";
    other.precedence = 1;
    other.detect.resize(1);
    other.detect[0].message = "Refused";
    other.detect[0].require = {{"url", "x"}};
    Rule notice;
    notice.id = "notice";
    notice.notice = true;
    notice.precedence = 2;
    notice.detect.resize(1);
    notice.detect[0].message = "Refused b";
    notice.detect[0].require = {{"job", "^$"}};
    Rule taken;  // whatever the fields are, and others lose
    taken.id = "taken";
    taken.catalog = "T";
    taken.precedence = 2;
    taken.detect.resize(1);
    taken.detect[0].message = "Taken";
    Rule loser = taken, picky = taken;
    loser.id = "loser";
    loser.catalog = "L";
    loser.precedence = 1;
    loser.detect[0].message = "Take";
    picky.id = "picky";
    picky.catalog = "P";
    picky.precedence = 3;
    picky.detect[0].message = "Tak";
    picky.detect[0].require = {{"job", "7"}};
    Rule late = picky;
    late.id = "late";
    late.catalog = "LL";
    late.precedence = 0;
    return {"p", "1", {refused, other, notice, taken, loser, picky, late}};
}

std::string words_of(const Match& match) {
    if (match.notice != nullptr) return "notice " + match.notice->id;
    if (match.detections.empty()) return "nothing";
    const Detection& detection = match.detections.front();
    std::string words = detection.rule->id;
    for (const std::string& also : detection.also) words += " also " + also;
    for (const auto* values : {&detection.captures, &detection.values}) {
        words += "\n";
        for (const auto& [name, value] : *values) words += name + "=" + value + ";";
    }
    words += "\n";
    for (const auto& [name, value] : detection.identity) words += name + "=" + value + ";";
    for (const HeldCause& held : detection.causes) words += "\n" + held.cause->id + held.says;
    return words;
}

Record random_record(std::mt19937& random) {
    const auto one = [&](const auto& some) {
        return std::string(some[random() % std::size(some)]);
    };
    static const char* const messages[] = {"Refused a", "Refused b", "Refused", "Taken"};
    static const char* const keys[] = {"status", "reason", "url", "job", "what", "code", "where"};
    static const char* const values[] = {"", "403", "503 ", "fine", "slow", "http://x.y/z", "7"};
    Record record;
    record.format = Format::runner;
    record.level = random() % 2 == 0 ? Level::error : Level::warning;
    record.message = one(messages);
    for (auto n = random() % 5; n > 0; --n) record.fields.push_back({one(keys), one(values)});
    return record;
}

TEST(Detections, HaveWordingsInTheirIdentity) {
    const Matcher matcher(pack());
    Record record;
    record.message = "Refused a";
    for (const char* job : {"4711", "a b", "4711", "a b"}) {
        record.fields = {{"status", "503 "}, {"job", job}};
        const Match match = matcher.match(record);
        ASSERT_EQ(match.detections.size(), 1u);
        EXPECT_THAT(match.detections[0].identity,
                    testing::Contains(testing::Pair(
                        "kind", job == std::string("a b") ? "server a b" : "server ‹n›")));
    }
}

TEST(Detections, AreTheSameWhateverTheMatcherRemembers) {
    const Matcher kept(pack());
    std::mt19937 random(11);
    int detected = 0;
    for (int round = 0; round < 500 && !testing::Test::HasFatalFailure(); ++round) {
        // Met again and again, among others.
        std::vector<Record> records;
        for (int i = 0; i < 3; ++i) records.push_back(random_record(random));
        records.push_back(records[0]);
        if (!records[3].fields.empty()) records[3].fields.pop_back();
        for (int i = 0; i < 12; ++i) {
            const Record& record = records[random() % records.size()];
            const Matcher fresh(pack());
            const std::string expected = words_of(fresh.match(record));
            if (random() % 2 == 0) kept.rule_that_takes(RecordView(record));  // asks for less
            ASSERT_EQ(words_of(kept.match(record)), expected) << record.message;
            const auto all = fresh.rules_that_match(record);
            const Matcher asked_first(pack());
            const Rule* const taken = asked_first.rule_that_takes(RecordView(record));
            ASSERT_EQ(taken == nullptr ? "" : taken->id, all.empty() ? "" : all.front()->id);
            ASSERT_EQ(kept.rule_that_takes(RecordView(record)) == nullptr, all.empty());
            if (!all.empty()) {
                ASSERT_EQ(kept.rule_that_takes(RecordView(record))->id, all.front()->id);
            }
            detected += expected.starts_with("refused");
        }
    }
    EXPECT_GT(detected, 300);
}

}  // namespace
}  // namespace runnerwatch
