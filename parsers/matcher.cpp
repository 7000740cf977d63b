#include "parsers/matcher.h"

#include "parsers/compiled_pack.h"
#include "parsers/identity.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace runnerwatch {
namespace {

// Of messages, whose judgement is remembered as a whole.
bool finds(const LazyRegex& regex, std::string_view message, RE2::Anchor anchor) {
    return regex.get().Match(message, 0, message.size(), anchor, nullptr, 0);
}

const std::string* value_of(const Record& record, const Values& captures, const std::string& name) {
    const auto capture = captures.find(name);
    return capture == captures.end() ? record.field(name) : &capture->second;
}

// What a pattern over `field` works on: a capture made before, a field, or the message.
const std::string* text_of(const Record& record, const Values& captures, const std::string& field) {
    if (field == "message" && !captures.contains(field)) return &record.message;
    return value_of(record, captures, field);
}

Values values_of(const Record& record, const Values& captures) {
    Values values;
    values.reserve(captures.size() + record.fields.size());
    values = captures;
    for (const Field& field : record.fields) values.emplace(field.key, field.value);
    return values;
}

}  // namespace

bool Matcher::Compiled::holds(const std::string& field, const RE2& regex, const Record& record,
                              const Values& captures) const {
    const std::string* text = text_of(record, captures, field);
    return text != nullptr && memo.matches(regex, *text, RE2::UNANCHORED);
}

// Adds the named groups of a match to `captures`; groups that took no part are left out.
void Matcher::Compiled::take_groups(const RE2& regex, std::string_view text, RE2::Anchor anchor,
                                    bool matches, Values& captures) const {
    const auto& names = regex.CapturingGroupNames();
    if (names.empty()) return;
    const auto* groups = memo.groups(regex, text, anchor, matches);
    if (groups == nullptr) return;
    for (const auto& [number, name] : names) {
        const RegexMemo::Group& group = (*groups)[static_cast<std::size_t>(number)];
        if (group.begin != RegexMemo::Group::unused)
            captures.insert_or_assign(name, std::string(text.substr(group.begin, group.size)));
    }
}

Values Matcher::Compiled::captures_of(const Way& way, const Record& record) const {
    Values captures;
    take_groups(way.message->get(), record.message, way.anchor, true, captures);
    for (const Test& capture : way.captures) {
        const std::string* text = text_of(record, captures, *capture.field);
        if (text == nullptr) continue;
        const std::string copy = *text;  // it may be the capture that is about to change
        take_groups(capture.regex->get(), copy, RE2::UNANCHORED, false, captures);
    }
    return captures;
}

// Whether this way detects a record whose level and message it takes. `captures` are set where it
// needs them to know.
bool Matcher::Compiled::takes(const Way& way, const Record& record,
                              std::optional<Values>& captures) const {
    const Values none;
    const auto all_hold = [&](const std::vector<Test>& tests, const Values& values) {
        return std::all_of(tests.begin(), tests.end(),
                           [&](const Test& test) { return holds(test, record, values); });
    };
    if (!all_hold(way.early, none)) return false;
    if (way.late.empty()) return true;
    captures = captures_of(way, record);
    return all_hold(way.late, *captures);
}

std::vector<Matcher::Compiled::Found> Matcher::Compiled::detect_all(
    const Record& record, const Judgement& judgement) const {
    std::vector<Found> found;
    for (const std::size_t number : judgement.ways) {
        const Way& way = ways[number];
        if (!found.empty() && found.back().way->rule == way.rule) continue;
        std::optional<Values> captures;
        if (takes(way, record, captures)) found.push_back({&way, std::move(captures)});
    }
    return found;
}

std::vector<RecoveryHit> Matcher::Compiled::recoveries(const Record& record,
                                                       const Judgement& judgement) const {
    std::vector<RecoveryHit> hits;
    for (const int message : judgement.recover) {
        Values captures;
        take_groups(messages.regex(message).get(), record.message, RE2::ANCHOR_START, true,
                    captures);
        for (const std::size_t number : recover_uses[static_cast<std::size_t>(message)]) {
            const RecoveryLine& line = recovery_lines[number];
            RecoveryHit& hit = hits.emplace_back();
            hit.line = &line;
            for (const std::string& name : line.same)
                if (const std::string* value = value_of(record, captures, name))
                    hit.values.emplace(name, *value);
        }
    }
    return hits;
}

std::vector<FollowUp> Matcher::Compiled::follow_ups(const Record& record,
                                                    const Judgement& judgement) const {
    std::vector<FollowUp> found;
    for (const int message : judgement.follow) {
        Values captures;
        take_groups(messages.regex(message).get(), record.message, RE2::ANCHOR_START, true,
                    captures);
        const Values values = values_of(record, captures);
        for (const Use& use : follow_uses[static_cast<std::size_t>(message)]) {
            const Rule& rule = pack.rules[static_cast<std::size_t>(use.rule)];
            found.push_back({&rule, use.index, values, identity_of(rule, values)});
        }
    }
    return found;
}

Detection Matcher::Compiled::describe(const Rule& rule, const Record& record,
                                      Values captures) const {
    Detection detection;
    detection.rule = &rule;
    detection.values = values_of(record, captures);
    for (const Wording& wording : rule.wordings)
        if (holds(wording.when, record, captures))
            detection.values.emplace(wording.name, fill_template(wording.says, detection.values));
    detection.identity = identity_of(rule, detection.values);
    // A field that the identity masks keeps its whole text.
    for (const auto& [name, value] : detection.identity)
        if (name == "host") detection.values.insert_or_assign(name, value);
    for (const Cause& cause : rule.causes)
        if (std::all_of(cause.when.begin(), cause.when.end(), [&](const Condition& condition) {
                return holds(condition, record, captures);
            }))
            detection.causes.push_back({&cause, fill_template(cause.says, detection.values)});
    std::stable_sort(detection.causes.begin(), detection.causes.end(),
                     [](const HeldCause& a, const HeldCause& b) {
                         return a.cause->confidence > b.cause->confidence;
                     });
    detection.captures = std::move(captures);
    return detection;
}

// Whether this way of detection is possible, going by level and message.
bool Matcher::Compiled::takes_message(const Way& way, const Record& record) const {
    const auto& levels = way.detect->levels;
    if (!levels.empty() && std::find(levels.begin(), levels.end(), record.level) == levels.end())
        return false;
    if (!finds(*way.message, record.message, way.anchor)) return false;
    const Values none;
    return std::all_of(way.early.begin(), way.early.end(), [&](const Test& test) {
        return test.wanted || *test.field != "message" || holds(test, record, none);
    });
}

void Matcher::Compiled::detects(Judgement& judgement, const std::string& message) const {
    const Raw& known = raw_numbers.at(&message);
    judgement.says.detection.push_back(known.number);
    judgement.says.by_message = judgement.says.by_message || known.by_message;
}

void Matcher::Compiled::judge(const Record& record, Judgement& judgement) const {
    messages.candidates(record.message, candidates);
    for (const int message : candidates) {
        const auto number = static_cast<std::size_t>(message);
        for (const std::size_t way : detect_uses[number]) {
            if (!takes_message(ways[way], record)) continue;
            judgement.ways.push_back(way);
            if (!ways[way].rule->notice) detects(judgement, ways[way].detect->message);
        }
        if (follow_uses[number].empty() && recover_uses[number].empty()) continue;
        if (!finds(messages.regex(message), record.message, RE2::ANCHOR_START)) continue;
        if (!follow_uses[number].empty()) judgement.follow.push_back(message);
        if (!recover_uses[number].empty()) judgement.recover.push_back(message);
        for (const Use& use : follow_uses[number]) {
            const Rule& rule = pack.rules[static_cast<std::size_t>(use.rule)];
            if (use.index != FollowUp::promised)
                detects(judgement, rule.open.sequence[static_cast<std::size_t>(use.index)]);
            else
                for (const Detect& way : rule.detect)
                    if (way.absent) detects(judgement, way.absent->message);
        }
        for (const std::size_t line : recover_uses[number])
            judgement.says.recovery.push_back(static_cast<int>(line));
    }
    std::sort(judgement.ways.begin(), judgement.ways.end());
    if (!judgement.says.by_message)
        judgement.says.literals = selection_of(judgement.says.detection);
}

// Few sets of patterns have a message in common that does not tell them apart. A log that makes up
// more of them is searched the slow way.
const RawFilter::Selection* Matcher::Compiled::selection_of(std::vector<int> patterns) const {
    constexpr std::size_t kept_max = 64;  // of some 20 KiB
    if (patterns.empty()) return nullptr;
    const auto known = selections.find(patterns);
    if (known != selections.end()) return &known->second;
    if (selections.size() == kept_max) return nullptr;
    RawFilter::Selection only = raw->select_only(patterns);
    return &selections.emplace(std::move(patterns), std::move(only)).first->second;
}

const Matcher::Compiled::Judgement& Matcher::Compiled::judge(const Record& record) const {
    const std::string_view level = to_string(record.level);
    if (const Judgement* known = judgements.find(level, record.message)) return *known;
    long_message = {};
    judge(record, long_message);
    const Judgement* kept = judgements.keep(level, record.message, long_message);
    return kept != nullptr ? *kept : long_message;
}

Detection Matcher::Compiled::detection_of(std::vector<Found>& found, const Record& record) const {
    Found& winner = found.front();
    const Rule& rule = *winner.way->rule;
    Detection detection =
        describe(rule, record,
                 winner.captures ? *std::move(winner.captures) : captures_of(*winner.way, record));
    if (winner.way->detect->absent) detection.absent = &*winner.way->detect->absent;
    const auto add = [&](const std::string& catalog) {
        auto& also = detection.also;
        if (!catalog.empty() && catalog != rule.catalog &&
            std::find(also.begin(), also.end(), catalog) == also.end())
            also.push_back(catalog);
    };
    for (auto loser = std::next(found.begin()); loser != found.end(); ++loser)
        if (!loser->way->rule->notice) add(loser->way->rule->catalog);
    for (const HeldCause& held : detection.causes) add(held.cause->catalog);
    return detection;
}

Matcher::Matcher(RulePack pack) : compiled_(std::make_unique<Compiled>(std::move(pack))) {}

Matcher::~Matcher() = default;

const RulePack& Matcher::pack() const { return compiled_->pack; }

bool Matcher::may_match(std::string_view raw) const {
    return compiled_->messages.any_candidate(raw);
}

Match Matcher::match(const Record& record) const {
    Match match;
    const Compiled::Judgement& judgement = compiled_->judge(record);
    auto found = compiled_->detect_all(record, judgement);
    if (!found.empty() && found.front().way->rule->notice)
        match.notice = found.front().way->rule;
    else if (!found.empty())
        match.detections.push_back(compiled_->detection_of(found, record));
    match.recoveries = compiled_->recoveries(record, judgement);
    match.follow_ups = compiled_->follow_ups(record, judgement);
    return match;
}

MessageJudgement Matcher::judge_message(const Record& record) const {
    return compiled_->judge(record).says;
}

const std::vector<RecoveryLine>& Matcher::recovery_lines() const {
    return compiled_->recovery_lines;
}

const RawFilter& Matcher::raw_filter() const { return *compiled_->raw; }

bool Matcher::says_nothing_before_a_word(std::string_view text) const {
    return !compiled_->messages.any_candidate(text) &&
           !compiled_->messages.starts().may_go_on_behind(text);
}

bool Matcher::word_may_say(std::string_view word) const {
    return compiled_->messages.starts().may_stand_in(word);
}

bool Matcher::may_detect(const MessageJudgement& says, std::string_view line) const {
    if (says.by_message || says.detection.empty()) return says.by_message;
    if (says.literals != nullptr) return raw_filter().has_any(line, *says.literals);
    return raw_filter().has_any(line, raw_filter().select_only(says.detection));
}

RawFilter::Selection Matcher::select_detection() const {
    RawFilter::Selection selection = compiled_->raw->select_none();
    for (const auto& [message, known] : compiled_->raw_numbers)
        compiled_->raw->select(selection, static_cast<std::size_t>(known.number), true);
    return selection;
}

std::vector<const Rule*> Matcher::rules_that_match(const Record& record) const {
    std::vector<const Rule*> rules;
    for (const auto& found : compiled_->detect_all(record, compiled_->judge(record)))
        rules.push_back(found.way->rule);
    return rules;
}

std::vector<std::string> Matcher::slow_patterns() const {
    std::vector<std::string> slow;
    for (const int number : compiled_->messages.slow())
        slow.push_back(compiled_->messages.regex(number).pattern());
    return slow;
}

}  // namespace runnerwatch
