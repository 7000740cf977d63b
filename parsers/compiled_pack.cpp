#include "parsers/compiled_pack.h"

#include "parsers/raw_filter.h"
#include "parsers/required_literals.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace runnerwatch {

namespace {

template <class Use>
void add_use(std::vector<std::vector<Use>>& of, int message, Use where) {
    const auto number = static_cast<std::size_t>(message);
    if (of.size() <= number) of.resize(number + 1);
    of[number].push_back(where);
}

// Whatever a condition or a part of the identity that is worked out asks for, and the captures that
// a field of the same name stands in for.
template <class Way>
std::vector<const std::string*> deciding_fields(const Way& way) {
    std::vector<const std::string*> fields;
    const auto add = [&](const std::string& field) { add_once(fields, &field); };
    for (const auto* tests : {&way.early, &way.late, &way.captures})
        for (const auto& test : *tests) add(*test.field);
    for (const Wording& wording : way.rule->wordings) add(wording.when.field);
    for (const Cause& cause : way.rule->causes)
        for (const Condition& condition : cause.when) add(condition.field);
    for (const IdentityPart& part : way.identity)
        if (part.function != IdentityPart::Function::none) add(part.name);
    return fields;
}

}  // namespace

Matcher::Compiled::Compiled(RulePack rules) : pack(std::move(rules)) {
    compile_detection();
    for (const Rule& rule : pack.rules) {
        const auto place = static_cast<int>(&rule - pack.rules.data());
        for (std::size_t i = 0; i < rule.open.sequence.size(); ++i)
            add_use(follow_uses, compile_message(rule.open.sequence[i]),
                    Use{place, static_cast<int>(i)});
        for (const Detect& detect : rule.detect)
            if (detect.absent && !rule.notice)  // a notice waits for nothing
                add_use(follow_uses, compile_message(detect.absent->message),
                        Use{place, FollowUp::promised});
        for (const Wording& wording : rule.wordings) compile(wording.when.pattern);
        for (const Cause& cause : rule.causes)
            for (const Condition& condition : cause.when) compile(condition.pattern);
    }
    compile_recovery();
    compile_raw();
    for (Way& way : ways) {
        if (way.rule->notice) continue;
        way.raw = &raw_numbers.at(&way.detect->message);
        way.message_last = !way.raw->by_message &&
                           std::any_of(way.early.begin(), way.early.end(), [](const Test& test) {
                               return test.wanted && *test.field != "message";
                           });
    }
    messages.finish();
    detect_uses.resize(messages.size());
    recover_uses.resize(messages.size());
    follow_uses.resize(messages.size());
}

void Matcher::Compiled::compile_detection() {
    std::vector<const Rule*> ranked;
    for (const Rule& rule : pack.rules) ranked.push_back(&rule);
    std::stable_sort(ranked.begin(), ranked.end(), [](const Rule* a, const Rule* b) {
        return std::tie(b->precedence, a->id) < std::tie(a->precedence, b->id);
    });
    for (const Rule* rule : ranked)
        for (const Detect& detect : rule->detect) {
            const int message = compile_message(detect.message);
            add_use(detect_uses, message, ways.size());
            ways.push_back(compile_way(*rule, detect));
        }
}

Matcher::Compiled::Way Matcher::Compiled::compile_way(const Rule& rule, const Detect& detect) {
    Way way{&rule,
            &detect,
            regexes.at(&detect.message),
            detect.anywhere ? LazyRegex::Place::anywhere : LazyRegex::Place::start,
            {},
            {},
            {},
            {},
            {},
            nullptr};
    for (const FieldPattern& capture : detect.capture)
        way.captures.push_back({&capture.field, compile(capture.pattern), true});
    const auto add = [&](const FieldPattern& condition, bool wanted) {
        const LazyRegex* regex = compile(condition.pattern);
        (captures(detect, condition.field) ? way.late : way.early)
            .push_back({&condition.field, regex, wanted});
    };
    for (const FieldPattern& condition : detect.require) add(condition, true);
    for (const FieldPattern& condition : detect.without) add(condition, false);
    for (const std::string& part : rule.identity) way.identity.emplace_back(part);
    way.decided_by = deciding_fields(way);
    return way;
}

void Matcher::Compiled::compile_recovery() {
    std::map<std::string, std::size_t> known;
    for (const Rule& rule : pack.rules)
        for (std::size_t i = 0; i < rule.recover.size(); ++i) {
            const Recovery& recovery = rule.recover[i];
            const auto number = static_cast<std::size_t>(compile_message(recovery.message));
            const auto [found, fresh] = known.emplace(recovery.line_id(), recovery_lines.size());
            if (fresh) {
                recovery_lines.push_back(
                    {found->first, recovery.same, {}, static_cast<int>(found->second)});
                if (recover_uses.size() <= number) recover_uses.resize(number + 1);
                recover_uses[number].push_back(found->second);
            }
            recovery_lines[found->second].proves.push_back({&rule, static_cast<int>(i)});
        }
}

// Notices are not looked for: they only keep others away from records that these would take.
void Matcher::Compiled::compile_raw() {
    std::vector<std::vector<std::string>> literals;
    const auto add = [&](const std::string& message, std::vector<std::string> some) {
        const bool own = some == required_literals(message, pack.literals);
        raw_numbers.emplace(&message, Raw{static_cast<int>(literals.size()), own});
        literals.push_back(std::move(some));
    };
    for (const RecoveryLine& line : recovery_lines) {
        const auto& [rule, index] = line.proves.front();
        const auto place = static_cast<std::size_t>(index);
        literals.push_back(required_literals(rule->recover[place].message, pack.literals));
    }
    for (const Rule& rule : pack.rules) {
        if (rule.notice) continue;
        for (const Detect& detect : rule.detect) {
            add(detect.message, literals_of(detect, pack.literals));
            if (detect.absent)
                add(detect.absent->message,
                    required_literals(detect.absent->message, pack.literals));
        }
        for (const std::string& message : rule.open.sequence)
            add(message, required_literals(message, pack.literals));
    }
    raw.emplace(literals);
}

const LazyRegex* Matcher::Compiled::compile(const std::string& pattern) {
    std::unique_ptr<LazyRegex>& regex = others[pattern];
    if (!regex) regex = std::make_unique<LazyRegex>(pattern);
    regexes.emplace(&pattern, regex.get());
    return regex.get();
}

int Matcher::Compiled::compile_message(const std::string& pattern) {
    const int number = messages.add(pattern, required_literals(pattern, pack.literals));
    regexes.emplace(&pattern, &messages.regex(number));
    return number;
}

}  // namespace runnerwatch
