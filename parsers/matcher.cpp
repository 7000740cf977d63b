#include "parsers/matcher.h"

#include "parsers/fingerprint.h"
#include "parsers/pattern_set.h"

#include <re2/re2.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <unordered_map>

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
    if (const std::string* value = record.field(field)) return value;
    return field == "message" ? &record.message : nullptr;
}

Values values_of(const Record& record, const Values& captures) {
    Values values = captures;
    for (const Field& field : record.fields) values.emplace(field.key, field.value);
    return values;
}

// The parts of an identity: NAME, host(NAME) and mask(NAME). A value that is missing is no part.
std::vector<std::pair<std::string, std::string>> identity_of(const Rule& rule,
                                                             const Values& values) {
    std::vector<std::pair<std::string, std::string>> identity;
    for (const std::string& part : rule.identity) {
        const std::size_t open = part.find('(');
        const std::string function = open == part.npos ? "" : part.substr(0, open);
        const std::string name =
            function.empty() ? part : part.substr(open + 1, part.size() - open - 2);
        const auto value = values.find(name);
        if (value == values.end()) continue;
        if (function == "host") {
            if (std::string host = host_of_url(value->second); !host.empty())
                identity.emplace_back("host", std::move(host));
        } else {
            identity.emplace_back(name, function == "mask" ? masked(value->second) : value->second);
        }
    }
    return identity;
}

}  // namespace

struct Matcher::Compiled {
    explicit Compiled(RulePack rules);

    // Of a pattern that stands in the pack: looked up by its place, not by its text.
    const RE2& regex(const std::string& pattern) const { return regexes.at(&pattern)->get(); }
    void compile(const std::string& pattern);
    int compile_message(const std::string& pattern);
    void compile_recovery();

    // The captures if this way of detection succeeds.
    std::optional<Values> detect(const Detect& detect, const Record& record) const;
    // Every rule that detects something, the winner first.
    struct Found {
        const Rule* rule;
        const Detect* way;
        Values captures;
    };
    std::vector<Found> detect_all(const Record& record, const std::vector<int>& candidates) const;
    std::vector<RecoveryHit> recoveries(const Record& record,
                                        const std::vector<int>& candidates) const;
    std::vector<FollowUp> follow_ups(const Record& record,
                                     const std::vector<int>& candidates) const;
    bool holds(const std::string& field, const std::string& pattern, const Record& record,
               const Values& captures) const;
    bool holds(const Condition& condition, const Record& record, const Values& captures) const {
        return holds(condition.field, condition.pattern, record, captures) != condition.negated;
    }
    bool meets(const Detect& detect, const Record& record, const Values& captures) const;
    Detection describe(const Rule& rule, const Record& record, Values captures) const;

    // Where a message pattern is used.
    struct Use {
        int rule;   // for detection its rank: 0 wins over 1; else its place in the pack
        int index;  // into rule.detect or rule.open.sequence
        auto operator<=>(const Use&) const = default;
    };
    std::vector<Use> uses(const std::vector<std::vector<Use>>& of,
                          const std::vector<int>& candidates) const;

    RulePack pack;
    std::vector<const Rule*> ranked;  // the winner of two that match one record stands first
    PatternSet messages;
    // By number of the message pattern.
    std::vector<std::vector<Use>> detect_uses, follow_uses;
    std::vector<std::vector<std::size_t>> recover_uses;  // into recovery_lines
    std::vector<RecoveryLine> recovery_lines;
    std::unordered_map<const std::string*, const LazyRegex*> regexes;
    std::map<std::string, std::unique_ptr<LazyRegex>> others;  // patterns over fields
};

Matcher::Compiled::Compiled(RulePack rules) : pack(std::move(rules)) {
    for (const Rule& rule : pack.rules) ranked.push_back(&rule);
    std::stable_sort(ranked.begin(), ranked.end(), [](const Rule* a, const Rule* b) {
        return std::tie(b->precedence, a->id) < std::tie(a->precedence, b->id);
    });
    const auto use = [](std::vector<std::vector<Use>>& of, int message, Use where) {
        const auto number = static_cast<std::size_t>(message);
        if (of.size() <= number) of.resize(number + 1);
        of[number].push_back(where);
    };
    for (std::size_t rank = 0; rank < ranked.size(); ++rank) {
        const Rule& rule = *ranked[rank];
        for (std::size_t i = 0; i < rule.detect.size(); ++i) {
            const Detect& detect = rule.detect[i];
            use(detect_uses, compile_message(detect.message),
                {static_cast<int>(rank), static_cast<int>(i)});
            for (const FieldPattern& capture : detect.capture) compile(capture.pattern);
            for (const FieldPattern& condition : detect.require) compile(condition.pattern);
            for (const FieldPattern& condition : detect.without) compile(condition.pattern);
        }
        const auto place = static_cast<int>(&rule - pack.rules.data());
        for (std::size_t i = 0; i < rule.open.sequence.size(); ++i)
            use(follow_uses, compile_message(rule.open.sequence[i]), {place, static_cast<int>(i)});
        for (const Detect& detect : rule.detect)
            if (detect.absent)
                use(follow_uses, compile_message(detect.absent->message),
                    {place, FollowUp::promised});
        for (const Wording& wording : rule.wordings) compile(wording.when.pattern);
        for (const Cause& cause : rule.causes)
            for (const Condition& condition : cause.when) compile(condition.pattern);
    }
    compile_recovery();
    messages.finish();
    detect_uses.resize(messages.size());
    recover_uses.resize(messages.size());
    follow_uses.resize(messages.size());
}

void Matcher::Compiled::compile_recovery() {
    std::map<std::string, std::size_t> known;
    for (const Rule& rule : pack.rules)
        for (std::size_t i = 0; i < rule.recover.size(); ++i) {
            const Recovery& recovery = rule.recover[i];
            const auto number = static_cast<std::size_t>(compile_message(recovery.message));
            const auto [found, fresh] = known.emplace(recovery.line_id(), recovery_lines.size());
            if (fresh) {
                recovery_lines.push_back({found->first, recovery.same, {}});
                if (recover_uses.size() <= number) recover_uses.resize(number + 1);
                recover_uses[number].push_back(found->second);
            }
            recovery_lines[found->second].proves.push_back({&rule, static_cast<int>(i)});
        }
}

void Matcher::Compiled::compile(const std::string& pattern) {
    std::unique_ptr<LazyRegex>& regex = others[pattern];
    if (!regex) regex = std::make_unique<LazyRegex>(pattern);
    regexes.emplace(&pattern, regex.get());
}

int Matcher::Compiled::compile_message(const std::string& pattern) {
    const int number = messages.add(pattern);
    regexes.emplace(&pattern, &messages.regex(number));
    return number;
}

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

std::string host_of_url(std::string_view url) {
    std::string lower(url);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');

    const std::size_t scheme_end = lower.find("://");
    if (scheme_end == lower.npos || scheme_end == 0) return {};
    const std::string scheme = lower.substr(0, scheme_end);
    std::string host = lower.substr(scheme_end + 3);
    host.erase(std::min(host.find_first_of("/?#"), host.size()));
    if (const std::size_t at = host.rfind('@'); at != host.npos) host.erase(0, at + 1);
    const std::string_view port = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
    if (std::string_view(host).ends_with(port)) host.resize(host.size() - port.size());
    return host;
}

}  // namespace runnerwatch
