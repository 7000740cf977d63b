#include "parsers/rule_trace.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace runnerwatch {
namespace {

constexpr std::size_t quoted_bytes_max = 60;

std::string quoted(std::string_view text) {
    std::string shown(text.substr(0, quoted_bytes_max));
    if (text.size() > quoted_bytes_max) shown += "…";
    return "'" + shown + "'";
}

// Where a pattern may be cut, with the groups that are open there.
struct Cut {
    std::size_t at;
    int depth;
};

// The places of a pattern between two of its elements: not inside an escape, a class, a repeat or
// the head of a group.
std::vector<Cut> cuts_of(const std::string& pattern) {
    std::vector<Cut> cuts;
    int depth = 0;
    for (std::size_t at = 0; at < pattern.size();) {
        cuts.push_back({at, depth});
        const char c = pattern[at];
        std::size_t end = at + 1;
        if (c == '\\') {
            end = at + 2;
        } else if (c == '[') {
            end = at + 1 + (pattern.compare(at + 1, 1, "^") == 0 ? 1U : 0U);
            if (end < pattern.size() && pattern[end] == ']') ++end;
            while (end < pattern.size() && pattern[end] != ']')
                end += pattern[end] == '\\' ? 2U : 1U;
            ++end;
        } else if (c == '{') {
            end = pattern.find('}', at) == std::string::npos ? end : pattern.find('}', at) + 1;
        } else if (c == '(') {
            ++depth;
            if (pattern.compare(at, 2, "(?") == 0) {
                end = pattern.find_first_of(":>)", at);
                if (end != std::string::npos && pattern[end] == ')') --depth;  // "(?i)"
                end = end == std::string::npos ? pattern.size() : end + 1;
            }
        } else if (c == ')') {
            --depth;
        }
        at = std::min(end, pattern.size());
    }
    cuts.push_back({pattern.size(), 0});
    return cuts;
}

void take_groups(const RE2& regex, const std::vector<re2::StringPiece>& groups, Values& captures) {
    for (const auto& [number, name] : regex.CapturingGroupNames()) {
        const re2::StringPiece& group = groups[static_cast<std::size_t>(number)];
        if (group.data() != nullptr)
            captures.insert_or_assign(name, std::string(group.data(), group.size()));
    }
}

// The match of a pattern; takes the named groups.
bool match(const RE2& regex, std::string_view text, RE2::Anchor anchor, re2::StringPiece* whole,
           Values* captures) {
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                         1);
    if (!regex.Match(text, 0, text.size(), anchor, groups.data(), static_cast<int>(groups.size())))
        return false;
    if (whole != nullptr) *whole = groups[0];
    if (captures != nullptr) take_groups(regex, groups, *captures);
    return true;
}

const std::string* text_of(const Record& record, const Values& captures, const std::string& field) {
    if (const auto capture = captures.find(field); capture != captures.end())
        return &capture->second;
    if (const std::string* value = record.field(field)) return value;
    return field == "message" ? &record.message : nullptr;
}

// Turns the trace of a pattern that must match into that of one that must not.
void refuse(ConditionTrace& trace) {
    trace.why_not = trace.met ? "it must not match, but does" : "";
    trace.met = !trace.met;
}

std::string words_of(const std::vector<Level>& levels) {
    std::string words;
    for (const Level level : levels)
        words += (words.empty() ? "" : ", ") + std::string(to_string(level));
    return words;
}

}  // namespace

RuleTracer::RuleTracer(const RulePack& pack) : pack_(pack) {}
RuleTracer::~RuleTracer() = default;

const RE2* RuleTracer::regex(const std::string& pattern) const {
    std::unique_ptr<RE2>& regex = regexes_[pattern];
    if (!regex) regex = std::make_unique<RE2>(pattern, RE2::Quiet);
    return regex->ok() ? regex.get() : nullptr;
}

PatternReach RuleTracer::reach(const std::string& pattern, std::string_view text) const {
    const std::vector<Cut> cuts = cuts_of(pattern);
    const auto matches = [&](const Cut& cut, re2::StringPiece& whole) {
        const std::string beginning =
            pattern.substr(0, cut.at) + std::string(static_cast<std::size_t>(cut.depth), ')');
        const RE2* compiled = regex(beginning);
        return compiled != nullptr && match(*compiled, text, RE2::ANCHOR_START, &whole, nullptr);
    };
    // What a longer beginning matches a shorter one does too, but for alternatives: a search by
    // halves finds a long one, and that is all that is asked for.
    PatternReach reach;
    std::size_t low = 0, high = cuts.size();
    while (low + 1 < high) {
        const std::size_t middle = (low + high) / 2;
        re2::StringPiece whole;
        if (matches(cuts[middle], whole)) {
            low = middle;
            reach = {cuts[middle].at, whole.size()};
        } else {
            high = middle;
        }
    }
    return reach;
}

ConditionTrace RuleTracer::message(const Detect& detect, const Record& record,
                                   WayTrace& way) const {
    ConditionTrace trace{"message", detect.message, true, false, {}};
    const RE2* compiled = regex(detect.message);
    const auto anchor = detect.anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START;
    if (match(*compiled, record.message, anchor, nullptr, &way.captures)) {
        trace.met = true;
        return trace;
    }
    re2::StringPiece whole;
    if (match(*compiled, record.message, RE2::UNANCHORED, &whole, nullptr) && !whole.empty()) {
        const auto before = static_cast<std::size_t>(whole.data() - record.message.data());
        trace.why_not = "it stands behind " +
                        quoted(std::string_view(record.message).substr(0, before)) +
                        ", but must begin the message";
        way.nearness = 1;
        return trace;
    }
    const PatternReach far = reach(detect.message, record.message);
    const std::string_view rest = std::string_view(record.message).substr(far.text_bytes);
    const double share = static_cast<double>(far.pattern_bytes) /
                         static_cast<double>(std::max<std::size_t>(detect.message.size(), 1));
    way.nearness = far.text_bytes < 4 ? 0 : share;
    trace.why_not = (far.text_bytes == 0
                         ? "the message begins with "
                         : "it matches up to " + quoted(record.message.substr(0, far.text_bytes)) +
                               "; then the message has ") +
                    (rest.empty() ? "nothing more" : quoted(rest)) + ", the pattern " +
                    quoted(std::string_view(detect.message).substr(far.pattern_bytes));
    return trace;
}

ConditionTrace RuleTracer::condition(const FieldPattern& condition, const Record& record,
                                     const Values& captures) const {
    ConditionTrace trace{condition.field, condition.pattern, true, false, {}};
    const std::string* text = text_of(record, captures, condition.field);
    const RE2* compiled = regex(condition.pattern);
    if (text == nullptr) {
        trace.why_not = "the record has no field and no capture '" + condition.field + "'";
    } else if (compiled != nullptr && RE2::PartialMatch(*text, *compiled)) {
        trace.met = true;
    } else {
        trace.why_not = condition.field + " is " + quoted(*text);
    }
    return trace;
}

ConditionTrace RuleTracer::cause(const Cause& cause, const Record& record,
                                 const Values& captures) const {
    ConditionTrace last{{}, {}, true, true, {}};
    for (const Condition& when : cause.when) {
        last = condition({when.field, when.pattern}, record, captures);
        if (when.negated) refuse(last);
        if (!last.met) break;
    }
    return last;
}

WayTrace RuleTracer::way(const Detect& detect, const Record& record) const {
    WayTrace way;
    way.conditions.push_back(message(detect, record, way));
    if (!way.conditions.front().met) return way;
    if (!detect.levels.empty()) {
        const auto& levels = detect.levels;
        const bool met = std::find(levels.begin(), levels.end(), record.level) != levels.end();
        way.conditions.push_back(
            {"levels", words_of(levels), true, met,
             met ? "" : std::string("the level is ") + to_string(record.level)});
    }
    for (const FieldPattern& capture : detect.capture) {
        ConditionTrace trace = condition(capture, record, way.captures);
        trace.what = "capture " + capture.field;
        trace.needed = false;
        if (trace.met) {
            const std::string text = *text_of(record, way.captures, capture.field);
            match(*regex(capture.pattern), text, RE2::UNANCHORED, nullptr, &way.captures);
        }
        way.conditions.push_back(std::move(trace));
    }
    for (const FieldPattern& required : detect.require) {
        way.conditions.push_back(condition(required, record, way.captures));
        way.conditions.back().what = "require " + required.field;
    }
    for (const FieldPattern& refused : detect.without) {
        way.conditions.push_back(condition(refused, record, way.captures));
        refuse(way.conditions.back());
        way.conditions.back().what = "without " + refused.field;
    }
    const auto missed = std::count_if(way.conditions.begin(), way.conditions.end(),
                                      [](const auto& one) { return one.needed && !one.met; });
    way.matched = missed == 0;
    way.nearness = 2 + 1.0 / static_cast<double>(1 + missed);
    return way;
}

std::vector<WayTrace> RuleTracer::ways(const Rule& rule, const Record& record) const {
    std::vector<WayTrace> ways;
    for (const Detect& detect : rule.detect) {
        ways.push_back(way(detect, record));
        ways.back().index = static_cast<int>(ways.size()) - 1;
    }
    return ways;
}

std::vector<NearMiss> RuleTracer::near_misses(const Record& record, std::size_t most) const {
    std::vector<NearMiss> misses;
    for (const Rule& rule : pack_.rules) {
        std::vector<WayTrace> all = ways(rule, record);
        const auto nearer = [](const WayTrace& a, const WayTrace& b) {
            return a.nearness < b.nearness;
        };
        const auto nearest = std::max_element(all.begin(), all.end(), nearer);
        const bool matched =
            std::any_of(all.begin(), all.end(), [](const WayTrace& one) { return one.matched; });
        if (nearest == all.end() || matched || nearest->nearness < nearness_min) continue;
        misses.push_back({&rule, std::move(*nearest)});
    }
    std::stable_sort(misses.begin(), misses.end(), [](const NearMiss& a, const NearMiss& b) {
        return a.way.nearness > b.way.nearness;
    });
    if (misses.size() > most) misses.resize(most);
    return misses;
}

}  // namespace runnerwatch
