// Looking for literals first finds what the regular expressions alone find: random rules, random
// records in every format of the runner and from every collector, as RE2 reads them one by one.
#include "parsers/line_unwrapper.h"
#include "parsers/literal_filter.h"
#include "parsers/matcher.h"
#include "parsers/record_reader.h"
#include "parsers/required_literals.h"
#include "tests/parsers/recordings.h"
#include "tests/parsers/reencoding.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace runnerwatch {
namespace {

// ---- What is random -----------------------------------------------------------------------------

// Words that formats escape, that fold beyond ASCII, and that the decoder rewrites are among them.
const std::vector<std::string> words = {
    "Checking", "for",       "jobs...", "forbidden", "received", "ERROR:",       "403",
    "nil",      "\"quote\"", "<html>",  "a&b",       "C:\\dir",  "Kelvin",       "\u212aelvin",
    "skis",     "\u017fkis", "[job]",   "x=1",       "10s",      "1h0m0s",       "\u00fcber",
    "(core",    "dumped)",   "{",       "tab\there", "dial",     "tcp:",         "connection",
    "refused",  "timeout",   "1.5",     "quit",      "3",        "https://h/p?q"};
const std::vector<std::string> field_names = {"error",  "status",   "runner",     "builds",
                                              "config", "interval", "stop-signal"};

class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    std::size_t below(std::size_t end) { return random_() % end; }
    bool one_in(std::size_t of) { return below(of) == 0; }
    template <class T>
    const T& any(const std::vector<T>& of) {
        return of[below(of.size())];
    }

private:
    std::mt19937 random_;
};

std::string random_case(std::string text, Dice& dice) {
    if (dice.one_in(4))
        for (char& c : text)
            if (std::isalpha(static_cast<unsigned char>(c)) != 0 && dice.one_in(2)) c ^= 0x20;
    return text;
}

std::string text(Dice& dice, std::size_t words_max) {
    std::string all;
    for (std::size_t count = 1 + dice.below(words_max); count > 0; --count)
        all += (all.empty()       ? ""
                : dice.one_in(20) ? "  "
                                  : " ") +
               random_case(dice.any(words), dice);
    return all;
}

std::string value_for(const std::string& name, Dice& dice) {
    if (name == "interval") return dice.any<std::string>({"1h0m0s", "10s", "1.5s", "300ms"});
    if (name == "stop-signal") return dice.any<std::string>({"quit", "terminated"});
    if (name == "builds") return std::to_string(dice.below(500));
    return text(dice, 3);
}

Record random_record(Dice& dice) {
    Record record;
    record.level = static_cast<Level>(dice.below(6));
    record.message = text(dice, 6);
    if (dice.one_in(12)) record.message += "\n" + text(dice, 3);
    for (const std::string& name : field_names)
        if (dice.one_in(3)) record.fields.push_back({name, value_for(name, dice)});
    return record;
}

std::string by_code_points(const std::string& word) {
    std::string pattern;
    for (const char c : word) {
        if (static_cast<unsigned char>(c) >= 0x80) return RE2::QuoteMeta(word);
        pattern += "\\x{" + std::string(1, "0123456789abcdef"[c >> 4]) +
                   std::string(1, "0123456789abcdef"[c & 15]) + "}";
    }
    return pattern;
}

// A pattern that one word may match, in one of many ways of writing it.
std::string pattern_of_word(const std::string& word, Dice& dice) {
    const std::string quoted = RE2::QuoteMeta(word), other = RE2::QuoteMeta(dice.any(words));
    switch (dice.below(13)) {
        case 0:
            return "(?:" + quoted + "|" + other + ")";
        case 1:
            return "(?:" + other + "|" + quoted + "|" + RE2::QuoteMeta(dice.any(words)) + ")";
        case 2:
            return "(?i:" + quoted + ")";
        case 3:
            return "(?:" + quoted + ")?";
        case 4:
            return "(?P<" + dice.any<std::string>({"one", "two", "error"}) + ">" + quoted + ")";
        case 5:
            return dice.any<std::string>({R"(\S+)", ".*", R"([^ ]+)", R"(\D+)", ".+?"});
        case 6:
            return by_code_points(word);
        case 7:
            return "(?:" + quoted + "){1,2}";
        case 8:
            return "(?:" + quoted + "|)" + R"(\S*)";
        default:
            return quoted;
    }
}

std::string pattern_of(const std::string& text, Dice& dice) {
    std::string pattern = dice.one_in(12) ? "(?i)" : "";
    std::string_view rest = text;
    for (bool first = true; !rest.empty(); first = false) {
        const std::size_t end = std::min(rest.find_first_of(" \n"), rest.size());
        if (!first) pattern += dice.one_in(4) ? R"(\s+)" : dice.one_in(4) ? "(?s:.)*" : R"(\s)";
        pattern += pattern_of_word(std::string(rest.substr(0, end)), dice);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!first && dice.one_in(5)) break;
    }
    if (dice.one_in(12)) pattern += "$";
    return pattern;
}

FieldPattern field_pattern(const Record& like, Dice& dice) {
    if (!like.fields.empty() && !dice.one_in(4)) {
        const Field& field = dice.any(like.fields);
        return {field.key, pattern_of(field.value, dice)};
    }
    const std::string name = dice.any<std::string>({"message", "error", "one", "interval"});
    return {name, pattern_of(value_for(name, dice), dice)};
}

Detect random_detect(const Record& like, Dice& dice) {
    Detect detect{dice.one_in(15) ? ".*" : pattern_of(like.message, dice)};
    detect.anywhere = dice.one_in(4);
    if (dice.one_in(5)) detect.capture.push_back(field_pattern(like, dice));
    if (dice.one_in(2)) detect.require.push_back(field_pattern(like, dice));
    if (dice.one_in(8)) detect.without.push_back(field_pattern(like, dice));
    if (dice.one_in(8)) detect.levels = {like.level, static_cast<Level>(dice.below(6))};
    if (dice.one_in(8)) detect.absent = Absence{pattern_of(text(dice, 3), dice), Duration(1)};
    return detect;
}

// Rules about such records; some match several of them, some none.
RulePack random_pack(const std::vector<Record>& about, Dice& dice) {
    RulePack pack;
    for (std::size_t count = 1 + dice.below(12); count > 0; --count) {
        Rule rule;
        rule.id = "r" + std::to_string(count);
        rule.precedence = static_cast<int>(dice.below(3));
        rule.notice = dice.one_in(8);
        for (std::size_t ways = 1 + dice.below(2); ways > 0; --ways)
            rule.detect.push_back(random_detect(dice.any(about), dice));
        if (dice.one_in(2))
            rule.recover.push_back(
                {Recovery::Kind::evidence, pattern_of(dice.any(about).message, dice), {"runner"}});
        if (!rule.notice && dice.one_in(4))
            rule.open.sequence.push_back(pattern_of(dice.any(about).message, dice));
        pack.rules.push_back(std::move(rule));
    }
    return pack;
}

// ---- What RE2 alone finds -----------------------------------------------------------------------

class Alone {
public:
    explicit Alone(const RulePack& pack) : pack_(pack) {}

    struct Says {
        std::vector<std::string> detect;  // ids of rules, the winner first
        bool notice_wins = false;
        Values captures;  // of the winner
        std::set<std::string> recover;
        std::multiset<std::pair<std::string, int>> follow;
        bool operator==(const Says&) const = default;
    };

    Says read(const Record& record) {
        Says says;
        const Rule* winner = nullptr;
        std::vector<const Rule*> found;
        for (const Rule& rule : pack_.rules) {
            for (const Detect& detect : rule.detect)
                if (detect.absent && !rule.notice && starts(record, detect.absent->message))
                    says.follow.emplace(rule.id, FollowUp::promised);
            for (std::size_t i = 0; i < rule.open.sequence.size(); ++i)
                if (starts(record, rule.open.sequence[i]))
                    says.follow.emplace(rule.id, static_cast<int>(i));
            for (const Recovery& recovery : rule.recover)
                if (starts(record, recovery.message)) says.recover.insert(recovery.line_id());
            const auto captures = detected(rule, record);
            if (!captures) continue;
            found.push_back(&rule);
            if (winner != nullptr && !before(rule, *winner)) continue;
            winner = &rule;
            says.notice_wins = rule.notice;
            says.captures = rule.notice ? Values{} : *captures;
        }
        std::sort(found.begin(), found.end(),
                  [](const Rule* a, const Rule* b) { return before(*a, *b); });
        for (const Rule* rule : found) says.detect.push_back(rule->id);
        return says;
    }

private:
    static bool before(const Rule& a, const Rule& b) {
        return a.precedence != b.precedence ? a.precedence > b.precedence : a.id < b.id;
    }

    const RE2& regex(const std::string& pattern) {
        const auto [known, fresh] = regexes_.try_emplace(pattern);
        if (fresh) known->second = std::make_unique<RE2>(pattern);
        EXPECT_TRUE(known->second->ok()) << pattern;
        return *known->second;
    }

    bool match(const std::string& pattern, const std::string& text, RE2::Anchor anchor,
               Values& captures) {
        const RE2& expression = regex(pattern);
        std::vector<re2::StringPiece> groups(
            static_cast<std::size_t>(expression.NumberOfCapturingGroups()) + 1);
        if (!expression.Match(text, 0, text.size(), anchor, groups.data(),
                              static_cast<int>(groups.size())))
            return false;
        for (const auto& [number, name] : expression.CapturingGroupNames())
            if (const auto& group = groups[static_cast<std::size_t>(number)]; group.data())
                captures[name] = std::string(group.data(), group.size());
        return true;
    }

    bool starts(const Record& record, const std::string& pattern) {
        Values ignored;
        return match(pattern, record.message, RE2::ANCHOR_START, ignored);
    }

    bool holds(const FieldPattern& one, const Record& record, const Values& captures) {
        const auto text = value(one.field, record, captures);
        return text && RE2::PartialMatch(*text, regex(one.pattern));
    }

    static std::optional<std::string> value(const std::string& name, const Record& record,
                                            const Values& captures) {
        if (const auto capture = captures.find(name); capture != captures.end())
            return capture->second;
        for (const Field& field : record.fields)
            if (field.key == name) return field.value;
        return name == "message" ? std::optional(record.message) : std::nullopt;
    }

    std::optional<Values> detected(const Rule& rule, const Record& record) {
        for (const Detect& way : rule.detect) {
            if (!way.levels.empty() &&
                std::count(way.levels.begin(), way.levels.end(), record.level) == 0)
                continue;
            Values captures;
            if (!match(way.message, record.message,
                       way.anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START, captures))
                continue;
            for (const FieldPattern& capture : way.capture)
                if (const auto text = value(capture.field, record, captures))
                    match(capture.pattern, *text, RE2::UNANCHORED, captures);
            bool all = true;
            for (const FieldPattern& one : way.require) all = all && holds(one, record, captures);
            for (const FieldPattern& one : way.without) all = all && !holds(one, record, captures);
            if (all) return captures;
        }
        return std::nullopt;
    }

    const RulePack& pack_;
    std::map<std::string, std::unique_ptr<RE2>> regexes_;
};

void PrintTo(const Alone::Says& says, std::ostream* out) {
    *out << "detect:";
    for (const std::string& id : says.detect) *out << " " << id;
    if (says.notice_wins) *out << " (notice)";
    for (const auto& [name, value] : says.captures) *out << " " << name << "='" << value << "'";
    *out << "; " << says.recover.size() << " recoveries, " << says.follow.size() << " follow-ups";
}

// ---- What is compared with it -------------------------------------------------------------------

Alone::Says said_by(const Matcher& matcher, const Record& record) {
    Alone::Says says;
    for (const Rule* rule : matcher.rules_that_match(record)) says.detect.push_back(rule->id);
    const Match match = matcher.match(record);
    says.notice_wins = match.notice != nullptr;
    for (const Detection& detection : match.detections) {
        EXPECT_EQ(detection.rule->id, says.detect.front());
        says.captures = detection.captures;
    }
    for (const RecoveryHit& hit : match.recoveries) says.recover.insert(hit.line->id);
    for (const FollowUp& one : match.follow_ups) says.follow.emplace(one.rule->id, one.step);
    return says;
}

// The physical lines that the filter would have read, from 1.
std::set<std::uint64_t> lines_found(const RawFilter& filter, RawFilter::Selection wanted,
                                    std::string_view bytes) {
    std::set<std::uint64_t> lines;
    std::uint64_t number = 1;
    std::size_t begin = 0;  // of line `number`
    while (begin < bytes.size()) {
        if (!wanted.takes_every_line()) {
            const std::size_t found = filter.next(bytes, begin, wanted);
            if (found == RawFilter::npos) break;
            for (std::size_t end; (end = bytes.find('\n', begin)) < found; begin = end + 1)
                ++number;
        }
        lines.insert(number);
        ++number;
        begin = std::min(bytes.find('\n', begin), bytes.size() - 1) + 1;
    }
    return lines;
}

bool holds_any(const std::set<std::uint64_t>& lines, std::uint64_t first, std::uint64_t last) {
    const auto at = lines.lower_bound(first);
    return at != lines.end() && *at <= last;
}

struct Tally {
    int records = 0, detected = 0, recovered = 0, followed = 0, passed_over = 0;
};

void compare(const RulePack& pack, const std::string& log, Tally& tally) {
    const Matcher matcher(pack);
    Alone alone(matcher.pack());
    const RawFilter& filter = matcher.raw_filter();
    const auto detection = lines_found(filter, matcher.select_detection(), log);
    std::map<std::string, std::set<std::uint64_t>> recovery;
    for (std::size_t i = 0; i < matcher.recovery_lines().size(); ++i) {
        RawFilter::Selection wanted = filter.select_none();
        filter.select(wanted, i, true);
        recovery[matcher.recovery_lines()[i].id] = lines_found(filter, wanted, log);
    }
    for (const ReadRecord& placed : records_of_input(log)) {
        const Record record = placed.decoded();
        const Alone::Says expected = alone.read(record);
        ASSERT_EQ(said_by(matcher, record), expected) << record.message;
        const bool detects = !expected.detect.empty() && !expected.notice_wins;
        const bool says =
            !expected.detect.empty() || !expected.recover.empty() || !expected.follow.empty();
        ASSERT_TRUE(!says || matcher.may_match(placed.raw)) << placed.raw;
        const MessageJudgement judged = matcher.judge_message(record);
        if (detects || !expected.follow.empty()) {
            ASSERT_TRUE(holds_any(detection, placed.first_line, placed.last_line)) << placed.raw;
            ASSERT_FALSE(judged.detection.empty()) << placed.raw;
            ASSERT_TRUE(matcher.may_detect(judged, placed.raw)) << placed.raw;
        }
        for (const std::string& id : expected.recover)
            ASSERT_TRUE(holds_any(recovery[id], placed.first_line, placed.last_line)) << placed.raw;
        ASSERT_EQ(judged.recovery.size(), expected.recover.size()) << placed.raw;
        ++tally.records;
        tally.detected += detects;
        tally.recovered += !expected.recover.empty();
        tally.followed += !expected.follow.empty();
        tally.passed_over += !holds_any(detection, placed.first_line, placed.last_line);
    }
}

std::string shown(const RulePack& pack) {
    std::string all;
    for (const Rule& rule : pack.rules) {
        all += rule.id + (rule.notice ? " (notice)" : "");
        for (const Detect& detect : rule.detect) {
            all += "\n  " + detect.message + (detect.anywhere ? " (anywhere)" : "");
            for (const FieldPattern& one : detect.require)
                all += "\n    " + one.field + ": " + one.pattern;
        }
        for (const Recovery& recovery : rule.recover) all += "\n  recover: " + recovery.message;
        for (const std::string& message : rule.open.sequence) all += "\n  then: " + message;
        all += "\n";
    }
    return all;
}

TEST(FilterAndRegularExpressions, FindInEveryFormatWhatRegularExpressionsAloneFind) {
    Tally tally;
    for (unsigned round = 0; round < 200 && !testing::Test::HasFatalFailure(); ++round) {
        Dice dice(round);
        std::vector<Record> records;
        for (int i = 0; i < 8; ++i) records.push_back(random_record(dice));
        const RulePack pack = random_pack(records, dice);
        for (int i = 0; i < 8; ++i) records.push_back(random_record(dice));
        for (const Encoding& encoding : encodings()) {
            std::string log;
            for (const Record& record : records) log += encoding.write(record) + "\n";
            SCOPED_TRACE("round " + std::to_string(round) + ", " + encoding.name + "\n" +
                         shown(pack));
            compare(pack, log, tally);
        }
    }
    // Enough of each, and of what is passed over, that a filter which is wrong is seen.
    EXPECT_GT(tally.detected, tally.records / 10);
    EXPECT_GT(tally.recovered, tally.records / 20);
    EXPECT_GT(tally.followed, tally.records / 50);
    EXPECT_GT(tally.passed_over, tally.records / 10);
}

TEST(FilterAndRegularExpressions, FindFromEveryCollectorWhatRegularExpressionsAloneFind) {
    Tally tally;
    for (unsigned round = 0; round < 30 && !testing::Test::HasFatalFailure(); ++round) {
        Dice dice(1000 + round);
        std::vector<Record> records;
        for (int i = 0; i < 8; ++i) records.push_back(random_record(dice));
        const RulePack pack = random_pack(records, dice);
        for (const Collector& collector : collectors()) {
            std::string lines;
            for (const Record& record : records)
                lines += dice.any(encodings()).write(record) + "\n";
            SCOPED_TRACE("round " + std::to_string(round) + ", " + collector.name + "\n" +
                         shown(pack));
            compare(pack, collector.write(lines_of(lines)), tally);
        }
    }
    EXPECT_GT(tally.detected, tally.records / 10);
}

// Which one is taken depends on the machine, what is found must not.
TEST(FilterAndRegularExpressions, FindTheSameLiteralsWithVectorsAndWithout) {
    int found = 0;
    for (unsigned round = 0; round < 100; ++round) {
        Dice dice(2000 + round);
        std::vector<Record> records;
        for (int i = 0; i < 20; ++i) records.push_back(random_record(dice));
        std::set<std::string> literals;
        for (const Rule& rule : random_pack(records, dice).rules)
            for (const Detect& detect : rule.detect)
                for (const std::string& literal : required_literals(detect.message))
                    literals.insert(literal);
        const std::vector<std::string> all(literals.begin(), literals.end());
        const LiteralFilter vectors(all, LiteralFilter::Way::fastest);
        const LiteralFilter bytes(all, LiteralFilter::Way::portable);
        for (const Record& record : records) {
            const std::string raw = dice.any(encodings()).write(record);
            // Vectors meet the literal at each of their places.
            for (std::size_t shift = 0; shift < 33; ++shift) {
                const std::string text = std::string(shift, '.') + raw;
                std::vector<int> one, other;
                vectors.find(text, one);
                bytes.find(text, other);
                ASSERT_EQ(one, other) << text;
                for (std::size_t from = 0; from < text.size(); from += 17)
                    ASSERT_EQ(vectors.next(text, from), bytes.next(text, from)) << text;
                found += static_cast<int>(one.size());
            }
        }
    }
    EXPECT_GT(found, 1000);
}

}  // namespace
}  // namespace runnerwatch
