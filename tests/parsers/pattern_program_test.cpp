#include "parsers/pattern_program.h"

#include "parsers/literal_prefix.h"
#include "parsers/packed_rules.h"
#include "tests/parsers/recordings.h"

#include <re2/re2.h>

#include <gmock/gmock.h>

#include <chrono>
#include <random>
#include <set>

namespace runnerwatch {
namespace {

using Group = PatternProgram::Group;

std::string words_of(const std::vector<Group>& groups) {
    std::string words;
    for (const Group& group : groups)
        words += group.begin == Group::unused
                     ? "- "
                     : std::to_string(group.begin) + "+" + std::to_string(group.size) + " ";
    return words;
}

// What RE2 says of a text; empty: that it does not match.
std::string said_by_re2(const RE2& regex, const std::string& text, bool anywhere) {
    std::vector<re2::StringPiece> pieces(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                         1);
    const auto anchor = anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START;
    if (!regex.Match(text, 0, text.size(), anchor, pieces.data(), static_cast<int>(pieces.size())))
        return "";
    std::vector<Group> groups;
    for (const re2::StringPiece piece : pieces) {
        Group group;
        if (piece.data() != nullptr)
            group = {static_cast<std::size_t>(piece.data() - text.data()), piece.size()};
        groups.push_back(group);
    }
    return words_of(groups);
}

struct Tally {
    int questions = 0, matched = 0, given_up = 0;
};

void compare(const PatternProgram& program, const RE2& regex, const std::string& text,
             Tally& tally) {
    for (const bool anywhere : {false, true}) {
        const std::string expected = said_by_re2(regex, text, anywhere);
        std::vector<Group> groups;
        const auto matched = program.match(text, anywhere, &groups);
        ++tally.questions;
        tally.matched += !expected.empty();
        tally.given_up += !matched;
        if (!matched) continue;
        ASSERT_EQ(*matched ? words_of(groups) : "", expected) << text;
        ASSERT_EQ(program.match(text, anywhere, nullptr), matched) << text;
        if (*matched && !anywhere) {
            ASSERT_TRUE(text.starts_with(literal_prefix(regex.pattern()))) << text;
        }
    }
}

class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    template <class Some>
    auto one(const Some& some) {
        return some[below(static_cast<unsigned>(std::size(some)))];
    }

private:
    std::mt19937 random_;
};

std::string random_pattern(Dice& dice, int depth, int& groups) {
    static const std::string atoms[] = {"a",        "b",   "c",   "ab",  "\\.", "[ab]",
                                        "[^a]",     ".",   "\\d", "\\s", "\\S", "[a-c]",
                                        "[^\"\\s]", "\\w", "k",   "A"};
    static const std::string edges[] = {"^", "$", "\\b", "\\B"};
    static const std::string counts[] = {"*",  "+",     "?",   "*?",     "+?",
                                         "??", "{1,2}", "{2}", "{0,3}?", "{1,}"};
    std::string pattern;
    const unsigned parts = 1 + dice.below(4);
    for (unsigned i = 0; i < parts; ++i) {
        const unsigned kind = dice.below(depth > 2 ? 8 : 12);
        std::string part = dice.one(atoms);
        if (kind >= 8) {
            const std::string inner = random_pattern(dice, depth + 1, groups);
            static const std::string opens[] = {"(?:", "(", "(?i:", "(?s:", "(?P<g"};
            std::string open = dice.one(opens);
            if (open == "(?P<g") open += std::to_string(groups++) + ">";
            part = open + inner + ")";
        } else if (kind == 7) {
            part = dice.one(edges);
        }
        if (kind != 7 && dice.below(3) == 0) part += dice.one(counts);
        if (dice.below(6) == 0) part += "|" + std::string(dice.below(4) == 0 ? "" : "b");
        pattern += part;
    }
    return pattern;
}

TEST(PatternProgram, FindsTheGroupsThatRe2Finds) {
    Tally tally;
    int made = 0;
    for (unsigned round = 0; round < 6'000 && !testing::Test::HasFatalFailure(); ++round) {
        Dice dice(round);
        int groups = 0;
        const std::string pattern = random_pattern(dice, 0, groups);
        const RE2 regex(pattern, RE2::Quiet);
        const auto program = PatternProgram::made(pattern);
        if (!regex.ok() || !program) continue;
        ++made;
        SCOPED_TRACE("round " + std::to_string(round) + ": " + pattern);
        for (int i = 0; i < 20; ++i) {
            std::string text(dice.below(12), ' ');
            for (char& c : text) c = dice.one(std::string_view("aaabbcABkK.0 \n\""));
            compare(*program, regex, text, tally);
        }
    }
    EXPECT_GT(made, 2'000);
    EXPECT_GT(tally.matched, tally.questions / 10);
    EXPECT_LT(tally.given_up, tally.questions / 100);
}

std::set<std::string> patterns_of(const RulePack& pack) {
    std::set<std::string> all;
    for (const Rule& rule : pack.rules) {
        for (const Detect& detect : rule.detect) {
            all.insert(detect.message);
            for (const auto* some : {&detect.capture, &detect.require, &detect.without})
                for (const FieldPattern& one : *some) all.insert(one.pattern);
        }
        for (const Recovery& recovery : rule.recover) all.insert(recovery.message);
        for (const Cause& cause : rule.causes)
            for (const Condition& condition : cause.when) all.insert(condition.pattern);
    }
    return all;
}

// Messages and values of the rules' samples, and of these some with a byte changed.
std::vector<std::string> texts_of(const RulePack& pack, Dice& dice) {
    std::vector<std::string> all;
    const auto add = [&](std::string text) {
        all.push_back(text);
        if (text.empty()) return;
        const std::size_t at = dice.below(static_cast<unsigned>(text.size()));
        if (dice.below(2) == 0)
            text.resize(at);
        else
            text[at] = dice.one(text);
        all.push_back(text);
    };
    for (const Rule& rule : pack.rules)
        for (const auto* samples : {&rule.sample_detect, &rule.sample_recover})
            for (const Sample& sample : *samples)
                for (const ReadRecord& read : records_of_input(sample.text + "\n")) {
                    const Record record = read.decoded();
                    add(record.message);
                    for (const Field& field : record.fields) add(field.value);
                }
    return all;
}

TEST(PatternProgram, FindsInTheSamplesOfAllRulesWhatRe2Finds) {
    const RulePack pack = built_in_pack();
    Dice dice(1);
    const std::vector<std::string> texts = texts_of(pack, dice);
    ASSERT_GT(texts.size(), 500u);
    Tally tally;
    int made = 0, left = 0;
    for (const std::string& pattern : patterns_of(pack)) {
        SCOPED_TRACE(pattern);
        const auto program = PatternProgram::made(pattern);
        ++(program ? made : left);
        if (!program || testing::Test::HasFatalFailure()) continue;
        const RE2 regex(pattern, RE2::Quiet);
        // Those that may match, and some that do not.
        for (const std::string& text : texts)
            if (dice.below(40) == 0 || RE2::PartialMatch(text, regex))
                compare(*program, regex, text, tally);
    }
    EXPECT_LT(left, made / 20);
    EXPECT_LT(tally.given_up, tally.questions / 20);
}

TEST(PatternProgram, LeavesToRe2WhatItDoesNotKnow) {
    for (const char* pattern : {"(?m)a", "\\pL", "\\x41", "[[:alpha:]]", "(a*)*", "(?:)+", "a**",
                                "ä", "\\Qa.b\\E", "(?i)[^a]", "x{1000}", "\\A", "a{,2}"})
        EXPECT_FALSE(PatternProgram::made(pattern)) << pattern;
    const auto word = PatternProgram::made("(\\S+)");
    ASSERT_TRUE(word);
    EXPECT_EQ(word->match("\xc3\xa4", false, nullptr), std::nullopt);
    EXPECT_EQ(word->match(std::string(PatternProgram::text_bytes_max + 1, 'a'), false, nullptr),
              std::nullopt);
}

TEST(PatternProgram, GivesUpWhereItWouldTryForLong) {
    for (const char* pattern : {"(?:a+)+$", "(?:a|aa)+$", ".*.*.*.*b", "(?:(?:a+b?)+c?)+$"}) {
        const auto program = PatternProgram::made(pattern);
        ASSERT_TRUE(program) << pattern;
        EXPECT_EQ(program->match(std::string(4'000, 'a') + "!", true, nullptr), std::nullopt)
            << pattern;
    }
}

TEST(LiteralPrefix, IsWhatEveryMatchBeginsWith) {
    const std::pair<const char*, const char*> cases[] = {{"Job failed: x", "Job failed: x"},
                                                         {"^Job", "Job"},
                                                         {"Jobs? failed", "Job"},
                                                         {"a\\.b+c", "a.b"},
                                                         {"a|b", ""},
                                                         {"ab(c|d)", "ab"},
                                                         {"(?i)job", ""},
                                                         {"ab{2}", "a"},
                                                         {"[a]b", ""},
                                                         {"a\\d", "a"},
                                                         {"a[|]b|c", ""},
                                                         {"a\\|b", "a|b"},
                                                         {"a*", ""},
                                                         {"\\Qa|b\\E|c", ""},
                                                         {"ä", ""}};
    for (const auto& [pattern, prefix] : cases)
        EXPECT_EQ(literal_prefix(pattern), prefix) << pattern;
}

}  // namespace
}  // namespace runnerwatch
