#include "parsers/matcher.h"

#include "parsers/compiled_pack.h"
#include "parsers/identity.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace runnerwatch {
namespace {

std::string_view view(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

// Adds the named groups of a match to `captures`; groups that took no part are left out.
void take_groups(const RE2& regex, const std::vector<re2::StringPiece>& groups, Values& captures) {
    for (const auto& [number, name] : regex.CapturingGroupNames()) {
        const re2::StringPiece& group = groups[static_cast<std::size_t>(number)];
        if (group.data() != nullptr) captures.insert_or_assign(name, std::string(view(group)));
    }
}

bool match_groups(const RE2& regex, std::string_view text, RE2::Anchor anchor, Values& captures) {
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                         1);
    if (!regex.Match(text, 0, text.size(), anchor, groups.data(), static_cast<int>(groups.size())))
        return false;
    take_groups(regex, groups, captures);
    return true;
}

// What a pattern over `field` works on: a capture made before, a field, or the message.
const std::string* text_of(const Record& record, const Values& captures, const std::string& field) {
    if (const auto capture = captures.find(field); capture != captures.end())
        return &capture->second;
    return field == "message" ? &record.message : record.field(field);
}

Values values_of(const Record& record, const Values& captures) {
    Values values = captures;
    for (const Field& field : record.fields) values.emplace(field.key, field.value);
    return values;
}

}  // namespace

std::vector<Matcher::Compiled::Use> Matcher::Compiled::uses(
    const std::vector<std::vector<Use>>& of, const std::vector<int>& candidates) const {
    std::vector<Use> all;
    for (const int message : candidates) {
        const auto& some = of[static_cast<std::size_t>(message)];
        all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end());
    return all;
}

bool Matcher::Compiled::holds(const std::string& field, const std::string& pattern,
                              const Record& record, const Values& captures) const {
    const std::string* text = text_of(record, captures, field);
    return text != nullptr && RE2::PartialMatch(*text, regex(pattern));
}

// What a way of detection asks for beside its message.
bool Matcher::Compiled::meets(const Detect& detect, const Record& record,
                              const Values& captures) const {
    const auto matches = [&](const FieldPattern& condition) {
        return holds(condition.field, condition.pattern, record, captures);
    };
    return std::all_of(detect.require.begin(), detect.require.end(), matches) &&
           std::none_of(detect.without.begin(), detect.without.end(), matches);
}

std::optional<Values> Matcher::Compiled::detect(const Detect& detect, const Record& record) const {
    const auto& levels = detect.levels;
    if (!levels.empty() && std::find(levels.begin(), levels.end(), record.level) == levels.end())
        return std::nullopt;
    Values captures;
    const auto anchor = detect.anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START;
    if (!match_groups(regex(detect.message), record.message, anchor, captures)) return std::nullopt;
    for (const FieldPattern& capture : detect.capture) {
        const std::string* text = text_of(record, captures, capture.field);
        if (text == nullptr) continue;
        const std::string copy = *text;  // it may be the capture that is about to change
        match_groups(regex(capture.pattern), copy, RE2::UNANCHORED, captures);
    }
    if (!meets(detect, record, captures)) return std::nullopt;
    return captures;
}

std::vector<Matcher::Compiled::Found> Matcher::Compiled::detect_all(
    const Record& record, const std::vector<int>& candidates) const {
    std::vector<Found> found;
    // In the order of rank, and of each rule the ways of detection in their order.
    for (const Use& use : uses(detect_uses, candidates)) {
        const Rule* rule = ranked[static_cast<std::size_t>(use.rule)];
        if (!found.empty() && found.back().rule == rule) continue;
        const Detect& way = rule->detect[static_cast<std::size_t>(use.index)];
        if (auto captures = detect(way, record))
            found.push_back({rule, &way, std::move(*captures)});
    }
    return found;
}

std::vector<RecoveryHit> Matcher::Compiled::recoveries(const Record& record,
                                                       const std::vector<int>& candidates) const {
    std::vector<RecoveryHit> hits;
    for (const int message : candidates) {
        const auto number = static_cast<std::size_t>(message);
        Values captures;
        if (recover_uses[number].empty() ||
            !match_groups(messages.regex(message).get(), record.message, RE2::ANCHOR_START,
                          captures))
            continue;
        const Values values = values_of(record, captures);
        for (const std::size_t line : recover_uses[number])
            hits.push_back({&recovery_lines[line], values});
    }
    return hits;
}

std::vector<FollowUp> Matcher::Compiled::follow_ups(const Record& record,
                                                    const std::vector<int>& candidates) const {
    std::vector<FollowUp> found;
    for (const int message : candidates) {
        const auto number = static_cast<std::size_t>(message);
        Values captures;
        if (follow_uses[number].empty() ||
            !match_groups(messages.regex(message).get(), record.message, RE2::ANCHOR_START,
                          captures))
            continue;
        const Values values = values_of(record, captures);
        for (const Use& use : follow_uses[number]) {
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
bool Matcher::Compiled::takes_message(const Detect& detect, const Record& record) const {
    const auto& levels = detect.levels;
    if (!levels.empty() && std::find(levels.begin(), levels.end(), record.level) == levels.end())
        return false;
    const auto anchor = detect.anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START;
    const std::string& message = record.message;
    if (!regex(detect.message).Match(message, 0, message.size(), anchor, nullptr, 0)) return false;
    const Values none;
    return std::none_of(detect.without.begin(), detect.without.end(),
                        [&](const FieldPattern& condition) {
                            return condition.field == "message" &&
                                   holds(condition.field, condition.pattern, record, none);
                        });
}

MessageJudgement Matcher::Compiled::judge(const Record& record,
                                          const std::vector<int>& candidates) const {
    MessageJudgement judgement;
    const auto matches = [&](int message) {
        return messages.regex(message).get().Match(record.message, 0, record.message.size(),
                                                   RE2::ANCHOR_START, nullptr, 0);
    };
    const auto detects = [&](const std::string& wanted) {
        judgement.detection.push_back(raw_numbers.at(&wanted));
    };
    for (const int message : candidates) {
        const auto number = static_cast<std::size_t>(message);
        for (const Use& use : detect_uses[number]) {
            const Rule& rule = *ranked[static_cast<std::size_t>(use.rule)];
            const Detect& way = rule.detect[static_cast<std::size_t>(use.index)];
            if (!rule.notice && takes_message(way, record)) detects(way.message);
        }
        if (follow_uses[number].empty() && recover_uses[number].empty()) continue;
        if (!matches(message)) continue;
        for (const Use& use : follow_uses[number]) {
            const Rule& rule = pack.rules[static_cast<std::size_t>(use.rule)];
            if (use.index != FollowUp::promised)
                detects(rule.open.sequence[static_cast<std::size_t>(use.index)]);
            else
                for (const Detect& way : rule.detect)
                    if (way.absent) detects(way.absent->message);
        }
        for (const std::size_t line : recover_uses[number])
            judgement.recovery.push_back(static_cast<int>(line));
    }
    return judgement;
}

Matcher::Matcher(RulePack pack) : compiled_(std::make_unique<Compiled>(std::move(pack))) {}

Matcher::~Matcher() = default;

const RulePack& Matcher::pack() const { return compiled_->pack; }

bool Matcher::may_match(std::string_view raw) const {
    return compiled_->messages.any_candidate(raw);
}

Match Matcher::match(const Record& record) const {
    Match match;
    std::vector<int> candidates;
    compiled_->messages.candidates(record.message, candidates);
    if (candidates.empty()) return match;

    auto found = compiled_->detect_all(record, candidates);
    if (!found.empty() && found.front().rule->notice) {
        match.notice = found.front().rule;
    } else if (!found.empty()) {
        auto& [rule, way, captures] = found.front();
        Detection detection = compiled_->describe(*rule, record, std::move(captures));
        if (way->absent) detection.absent = &*way->absent;
        const auto add = [&](const std::string& catalog) {
            auto& also = detection.also;
            if (!catalog.empty() && catalog != detection.rule->catalog &&
                std::find(also.begin(), also.end(), catalog) == also.end())
                also.push_back(catalog);
        };
        for (auto loser = std::next(found.begin()); loser != found.end(); ++loser)
            if (!loser->rule->notice) add(loser->rule->catalog);
        for (const HeldCause& held : detection.causes) add(held.cause->catalog);
        match.detections.push_back(std::move(detection));
    }

    match.recoveries = compiled_->recoveries(record, candidates);
    match.follow_ups = compiled_->follow_ups(record, candidates);
    return match;
}

MessageJudgement Matcher::judge_message(const Record& record) const {
    std::vector<int> candidates;
    compiled_->messages.candidates(record.message, candidates);
    return compiled_->judge(record, candidates);
}

const std::vector<RecoveryLine>& Matcher::recovery_lines() const {
    return compiled_->recovery_lines;
}

const RawFilter& Matcher::raw_filter() const { return *compiled_->raw; }

RawFilter::Selection Matcher::select_detection() const {
    RawFilter::Selection selection = compiled_->raw->select_none();
    for (const auto& [message, number] : compiled_->raw_numbers)
        compiled_->raw->select(selection, static_cast<std::size_t>(number), true);
    return selection;
}

std::vector<const Rule*> Matcher::rules_that_match(const Record& record) const {
    std::vector<int> candidates;
    compiled_->messages.candidates(record.message, candidates);
    std::vector<const Rule*> rules;
    for (const auto& found : compiled_->detect_all(record, candidates)) rules.push_back(found.rule);
    return rules;
}

std::vector<std::string> Matcher::slow_patterns() const {
    std::vector<std::string> slow;
    for (const int number : compiled_->messages.slow())
        slow.push_back(compiled_->messages.regex(number).pattern());
    return slow;
}

}  // namespace runnerwatch
