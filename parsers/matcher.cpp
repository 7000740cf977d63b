#include "parsers/matcher.h"

#include "parsers/compiled_pack.h"
#include "parsers/identity.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace runnerwatch {
namespace {

using Place = LazyRegex::Place;
using MaybeText = std::optional<std::string_view>;

MaybeText value_of(const RecordView& record, const Values& captures, const std::string& name) {
    if (const auto capture = captures.find(name); capture != captures.end()) return capture->second;
    const std::string_view* field = record.field(name);
    return field == nullptr ? std::nullopt : MaybeText(*field);
}

// What a pattern over `field` works on: a capture made before, a field, or the message.
MaybeText text_of(const RecordView& record, const Values& captures, const std::string& field) {
    if (field == "message" && !captures.contains(field)) return record.message();
    return value_of(record, captures, field);
}

}  // namespace

bool Matcher::Compiled::holds(const std::string& field, const LazyRegex& regex,
                              const RecordView& record, const Values& captures) const {
    const MaybeText text = text_of(record, captures, field);
    return text && memo.matches(regex, *text, Place::anywhere);
}

void Matcher::Compiled::take_groups(const LazyRegex& regex, std::string_view text,
                                    const std::vector<RegexMemo::Group>& groups, Values& captures) {
    for (const auto& [number, name] : regex.names())
        if (const RegexMemo::Group& group = groups[number]; group.begin != RegexMemo::Group::unused)
            captures.insert_or_assign(name, std::string(text.substr(group.begin, group.size)));
}

void Matcher::Compiled::take_groups_of_match(const LazyRegex& regex, std::string_view text,
                                             Place place, Values& captures) const {
    if (!regex.names().empty())
        take_groups(regex, text, memo.groups_of_match(regex, text, place), captures);
}

Values Matcher::Compiled::captures_of(const Way& way, const RecordView& record) const {
    Values captures;
    take_groups_of_match(*way.message, record.message(), way.place, captures);
    for (const Test& capture : way.captures) {
        const MaybeText text = text_of(record, captures, *capture.field);
        if (!text) continue;
        const std::string copy(*text);  // it may be the capture that is about to change
        if (const auto* groups = memo.groups(*capture.regex, copy, Place::anywhere))
            take_groups(*capture.regex, copy, *groups, captures);
    }
    return captures;
}

// Whether this way detects a record whose level and message it takes. `captures` are set where it
// needs them to know.
bool Matcher::Compiled::takes(const Way& way, const RecordView& record,
                              std::optional<Values>& captures) const {
    const Values none;
    const auto all_hold = [&](const std::vector<Test>& tests, const Values& values) {
        return std::all_of(tests.begin(), tests.end(),
                           [&](const Test& test) { return holds(test, record, values); });
    };
    if (!all_hold(way.early, none)) return false;
    if (way.message_last && !memo.matches(*way.message, record.message(), way.place)) return false;
    if (way.late.empty()) return true;
    captures = captures_of(way, record);
    return all_hold(way.late, *captures);
}

std::vector<Matcher::Compiled::Found> Matcher::Compiled::detect_all(
    const RecordView& record, const Judgement& judgement) const {
    std::vector<Found> found;
    for (const std::size_t number : judgement.ways) {
        const Way& way = ways[number];
        if (!found.empty() && found.back().way->rule == way.rule) continue;
        std::optional<Values> captures;
        if (takes(way, record, captures)) found.push_back({&way, std::move(captures)});
    }
    return found;
}

std::vector<RecoveryHit> Matcher::Compiled::recoveries(const RecordView& record,
                                                       const Judgement& judgement) const {
    std::vector<RecoveryHit> hits;
    for (const int message : judgement.recover) {
        Values captures;
        take_groups_of_match(messages.regex(message), record.message(), Place::start, captures);
        for (const std::size_t number : recover_uses[static_cast<std::size_t>(message)]) {
            const RecoveryLine& line = recovery_lines[number];
            RecoveryHit& hit = hits.emplace_back();
            hit.line = &line;
            for (const std::string& name : line.same)
                if (const MaybeText value = value_of(record, captures, name))
                    hit.values.emplace(name, std::string(*value));
        }
    }
    return hits;
}

std::vector<FollowUp> Matcher::Compiled::follow_ups(const RecordView& record,
                                                    const Judgement& judgement) const {
    std::vector<FollowUp> found;
    for (const int message : judgement.follow) {
        Values captures;
        take_groups_of_match(messages.regex(message), record.message(), Place::start, captures);
        const Values values = values_of(record, captures, 0);
        for (const Use& use : follow_uses[static_cast<std::size_t>(message)]) {
            const Rule& rule = pack.rules[static_cast<std::size_t>(use.rule)];
            found.push_back({&rule, use.index, values, identity_of(rule, values)});
        }
    }
    return found;
}

// Whether a field is not there that this way asks for.
bool Matcher::Compiled::lacks_field(const Way& way, const RecordView& record) {
    return std::any_of(way.early.begin(), way.early.end(), [&](const Test& test) {
        return test.wanted && *test.field != "message" && record.field(*test.field) == nullptr;
    });
}

// Whether this way of detection is possible, going by level and message.
bool Matcher::Compiled::takes_message(const Way& way, const RecordView& record) const {
    const auto& levels = way.detect->levels;
    if (!levels.empty() && std::find(levels.begin(), levels.end(), record.level()) == levels.end())
        return false;
    if (!way.message_last && !way.message->matches(record.message(), way.place)) return false;
    const Values none;
    return std::all_of(way.early.begin(), way.early.end(), [&](const Test& test) {
        return test.wanted || *test.field != "message" || holds(test, record, none);
    });
}

void Matcher::Compiled::detects(Judgement& judgement, const Raw& message) {
    judgement.says.detection.push_back(message.number);
    judgement.says.by_message = judgement.says.by_message || message.by_message;
}

void Matcher::Compiled::judge(const RecordView& record, Judgement& judgement) const {
    messages.candidates(record.message(), candidates);
    judge_ways(record, judgement);
    for (const int message : candidates) {
        const auto number = static_cast<std::size_t>(message);
        if (follow_uses[number].empty() && recover_uses[number].empty()) continue;
        if (!messages.regex(message).matches(record.message(), Place::start)) continue;
        if (!follow_uses[number].empty()) judgement.follow.push_back(message);
        if (!recover_uses[number].empty()) judgement.recover.push_back(message);
        for (const Use& use : follow_uses[number]) {
            const Rule& rule = pack.rules[static_cast<std::size_t>(use.rule)];
            if (use.index != FollowUp::promised)
                detects(judgement,
                        raw_numbers.at(&rule.open.sequence[static_cast<std::size_t>(use.index)]));
            else
                for (const Detect& way : rule.detect)
                    if (way.absent) detects(judgement, raw_numbers.at(&way.absent->message));
        }
        for (const std::size_t line : recover_uses[number])
            judgement.says.recovery.push_back(static_cast<int>(line));
    }
    if (!judgement.says.by_message)
        judgement.says.literals = selection_of(judgement.says.detection);
}

// Down to the first that takes every record with this message: a failure, whose lines are wanted
// whatever else they may be.
void Matcher::Compiled::judge_ways(const RecordView& record, Judgement& judgement) const {
    possible.clear();
    for (const int message : candidates)
        for (const std::size_t way : detect_uses[static_cast<std::size_t>(message)])
            possible.push_back(way);
    std::sort(possible.begin(), possible.end());
    for (auto at = possible.begin(); at != possible.end(); ++at) {
        const Way& way = ways[*at];
        if (!takes_message(way, record)) continue;
        add_way(judgement, *at);
        if (way.raw == nullptr) continue;
        detects(judgement, *way.raw);
        if (!way.raw->by_message || !way.early.empty() || !way.late.empty()) continue;
        judgement.losers.assign(std::next(at), possible.end());
        return;
    }
}

void Matcher::Compiled::add_way(Judgement& judgement, std::size_t number) const {
    judgement.ways.push_back(number);
    for (const std::string* field : ways[number].decided_by) add_once(judgement.decided_by, field);
}

// Few sets of patterns have a message in common that does not tell them apart. Where a log makes up
// more of them, such lines are read.
const RawFilter::Selection* Matcher::Compiled::selection_of(std::vector<int> patterns) const {
    constexpr std::size_t kept_max = 64;  // of some 20 KiB
    if (patterns.empty()) return nullptr;
    const auto known = selections.find(patterns);
    if (known != selections.end()) return &known->second;
    if (selections.size() == kept_max) return nullptr;
    RawFilter::Selection only = raw->select_only(patterns);
    return &selections.emplace(std::move(patterns), std::move(only)).first->second;
}

Matcher::Compiled::Judgement& Matcher::Compiled::judge(const RecordView& record) const {
    const std::string_view level = to_string(record.level());
    if (Judgement* known = judgements.find(level, record.message())) return *known;
    long_message = {};
    long_message.number = ++judged;
    judge(record, long_message);
    Judgement* kept = judgements.keep(level, record.message(), long_message);
    return kept != nullptr ? *kept : long_message;
}

Matcher::Compiled::Judgement& Matcher::Compiled::judge_all(const RecordView& record) const {
    Judgement& judgement = judge(record);
    if (judgement.losers.empty()) return judgement;
    for (const std::size_t way : std::exchange(judgement.losers, {}))
        if (takes_message(ways[way], record)) add_way(judgement, way);
    judgement.number = ++judged;  // what was decided before knew nothing of them
    return judgement;
}

Matcher::Matcher(RulePack pack) : compiled_(std::make_unique<Compiled>(std::move(pack))) {}

Matcher::~Matcher() = default;

const RulePack& Matcher::pack() const { return compiled_->pack; }

bool Matcher::may_match(std::string_view raw) const {
    return compiled_->messages.any_candidate(raw);
}

Match Matcher::match(const RecordView& record) const {
    Match match;
    const Compiled::Judgement& judgement = compiled_->judge_all(record);
    if (!judgement.ways.empty()) {
        Compiled::Decided& decided = compiled_->decide(record, judgement);
        if (!decided.found.empty() && decided.found.front().way->rule->notice)
            match.notice = decided.found.front().way->rule;
        else if (!decided.found.empty())
            match.detections.push_back(compiled_->detection_of(decided, record));
    }
    match.recoveries = compiled_->recoveries(record, judgement);
    match.follow_ups = compiled_->follow_ups(record, judgement);
    return match;
}

MessageJudgement Matcher::judge_message(const Record& record) const {
    return compiled_->judge(RecordView(record)).says;
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
    return says.literals == nullptr || raw_filter().has_any(line, *says.literals);
}

RawFilter::Selection Matcher::select_detection() const {
    RawFilter::Selection selection = compiled_->raw->select_none();
    for (const auto& [message, known] : compiled_->raw_numbers)
        compiled_->raw->select(selection, static_cast<std::size_t>(known.number), true);
    return selection;
}

std::vector<const Rule*> Matcher::rules_that_match(const Record& record) const {
    std::vector<const Rule*> rules;
    const RecordView view(record);
    for (const auto& found : compiled_->decide(view, compiled_->judge_all(view)).found)
        rules.push_back(found.way->rule);
    return rules;
}

const Rule* Matcher::rule_that_takes(const RecordView& record) const {
    const Compiled::Judgement& judgement = compiled_->judge(record);
    if (judgement.ways.empty()) return nullptr;
    for (const std::size_t number : judgement.ways) {
        const Compiled::Way& way = compiled_->ways[number];
        // Where the message alone decides, nothing else is asked.
        if (way.early.empty() && way.late.empty()) return way.rule;
        if (Compiled::lacks_field(way, record)) continue;
        const auto& found = compiled_->decide(record, judgement).found;
        return found.empty() ? nullptr : found.front().way->rule;
    }
    return nullptr;
}

std::vector<std::string> Matcher::slow_patterns() const {
    std::vector<std::string> slow;
    for (const int number : compiled_->messages.slow())
        slow.push_back(compiled_->messages.regex(number).pattern());
    return slow;
}

}  // namespace runnerwatch
