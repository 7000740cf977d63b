#include "parsers/matcher.h"

#include "parsers/literal_filter.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <tuple>

namespace runnerwatch {
namespace {

constexpr int atom_length_min = 3;

std::string_view view(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

// Whether every format writes this byte of a message as it is.
bool written_as_is(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && std::string_view("\"\\<>&").find(c) == std::string::npos;
}

// The longest part of `atom` that stands unchanged in the raw bytes of a match; may be empty.
std::string_view usable_part(std::string_view atom) {
    std::string_view longest;
    while (!atom.empty()) {
        const auto end = std::find_if_not(atom.begin(), atom.end(), written_as_is);
        const auto part = atom.substr(0, static_cast<std::size_t>(end - atom.begin()));
        if (part.size() > longest.size()) longest = part;
        atom.remove_prefix(std::min(part.size() + 1, atom.size()));
    }
    return longest;
}

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

std::vector<std::pair<std::string, std::string>> identity_of(const Rule& rule,
                                                             const Values& values) {
    std::vector<std::pair<std::string, std::string>> identity;
    for (const std::string& part : rule.identity) {
        const bool is_host = part.rfind("host(", 0) == 0;
        const auto value = values.find(is_host ? part.substr(5, part.size() - 6) : part);
        if (value == values.end()) continue;
        if (!is_host) {
            identity.emplace_back(part, value->second);
        } else if (std::string host = host_of_url(value->second); !host.empty()) {
            identity.emplace_back("host", std::move(host));
        }
    }
    return identity;
}

}  // namespace

struct Matcher::Compiled {
    explicit Compiled(RulePack rules);

    const RE2& regex(const std::string& pattern) const { return *regexes.at(pattern); }
    void compile(const std::string& pattern);
    void compile_message(const std::string& pattern);

    // The message patterns that could match given the literals in `text`, which may be raw bytes
    // or a decoded message.
    std::vector<int> candidates(std::string_view text) const;
    bool is_candidate(const std::vector<int>& sorted, const std::string& pattern) const {
        return std::binary_search(sorted.begin(), sorted.end(), message_ids.at(pattern));
    }

    // The captures of the first of the rule's ways of detection that succeeds.
    std::optional<Values> detect(const Rule& rule, const Record& record,
                                 const std::vector<int>& candidates) const;
    std::vector<std::pair<const Rule*, Values>> detect_all(
        const Record& record, const std::vector<int>& candidates) const;
    bool holds(const FieldPattern& condition, const Record& record, const Values& captures) const;
    Detection describe(const Rule& rule, const Record& record, Values captures) const;

    RulePack pack;
    std::map<std::string, std::unique_ptr<RE2>> regexes;
    std::map<std::string, int> message_ids;  // pattern -> number in `filter`
    std::vector<std::string> messages;       // the same, by number
    re2::FilteredRE2 filter{atom_length_min};
    std::vector<int> always;      // atoms that cannot be looked for in raw bytes
    std::vector<int> searched;    // number in `literals` -> atom
    std::vector<int> unfiltered;  // patterns that ignore case
    std::optional<LiteralFilter> literals;
};

Matcher::Compiled::Compiled(RulePack rules) : pack(std::move(rules)) {
    for (const Rule& rule : pack.rules) {
        for (const Detect& detect : rule.detect) {
            compile_message(detect.message);
            for (const FieldPattern& capture : detect.capture) compile(capture.pattern);
            for (const FieldPattern& condition : detect.require) compile(condition.pattern);
        }
        for (const Recovery& recovery : rule.recover) compile_message(recovery.message);
        for (const Wording& wording : rule.wordings) compile(wording.when.pattern);
        for (const Cause& cause : rule.causes)
            if (cause.when) compile(cause.when->pattern);
    }

    std::vector<std::string> atoms;
    if (!messages.empty()) filter.Compile(&atoms);  // complains about an empty set
    std::vector<std::string> parts;
    for (std::size_t atom = 0; atom < atoms.size(); ++atom) {
        const std::string_view part = usable_part(atoms[atom]);
        if (part.size() < atom_length_min) {
            always.push_back(static_cast<int>(atom));
        } else {
            parts.emplace_back(part);
            searched.push_back(static_cast<int>(atom));
        }
    }
    literals.emplace(parts);
}

void Matcher::Compiled::compile(const std::string& pattern) {
    std::unique_ptr<RE2>& regex = regexes[pattern];
    if (regex) return;
    regex = std::make_unique<RE2>(pattern, RE2::Quiet);
    if (!regex->ok()) throw std::invalid_argument(pattern + ": " + regex->error());
}

void Matcher::Compiled::compile_message(const std::string& pattern) {
    static const RE2 ignores_case(R"(\(\?[a-zA-Z]*i)");
    compile(pattern);
    if (!message_ids.emplace(pattern, static_cast<int>(messages.size())).second) return;
    messages.push_back(pattern);
    int id = 0;
    if (filter.Add(pattern, RE2::Quiet, &id) != RE2::NoError) throw std::invalid_argument(pattern);
    // Ignoring case makes RE2 take the Kelvin sign for a k; looking for ASCII would miss it.
    if (RE2::PartialMatch(pattern, ignores_case)) unfiltered.push_back(id);
}

std::vector<int> Matcher::Compiled::candidates(std::string_view text) const {
    std::vector<int> found;
    literals->find(text, found);
    std::vector<int> atoms = always;
    for (const int literal : found) atoms.push_back(searched[static_cast<std::size_t>(literal)]);
    std::vector<int> patterns;
    if (messages.empty()) return patterns;
    filter.AllPotentials(atoms, &patterns);
    patterns.insert(patterns.end(), unfiltered.begin(), unfiltered.end());
    std::sort(patterns.begin(), patterns.end());
    return patterns;
}

bool Matcher::Compiled::holds(const FieldPattern& condition, const Record& record,
                              const Values& captures) const {
    const std::string* text = text_of(record, captures, condition.field);
    return text != nullptr && RE2::PartialMatch(*text, regex(condition.pattern));
}

std::optional<Values> Matcher::Compiled::detect(const Rule& rule, const Record& record,
                                                const std::vector<int>& candidates) const {
    for (const Detect& detect : rule.detect) {
        if (!is_candidate(candidates, detect.message)) continue;
        Values captures;
        const auto anchor = detect.anywhere ? RE2::UNANCHORED : RE2::ANCHOR_START;
        if (!match_groups(regex(detect.message), record.message, anchor, captures)) continue;
        for (const FieldPattern& capture : detect.capture) {
            const std::string* text = text_of(record, captures, capture.field);
            if (text == nullptr) continue;
            const std::string copy = *text;  // it may be the capture that is about to change
            match_groups(regex(capture.pattern), copy, RE2::UNANCHORED, captures);
        }
        if (std::all_of(detect.require.begin(), detect.require.end(),
                        [&](const auto& condition) { return holds(condition, record, captures); }))
            return captures;
    }
    return std::nullopt;
}

std::vector<std::pair<const Rule*, Values>> Matcher::Compiled::detect_all(
    const Record& record, const std::vector<int>& candidates) const {
    std::vector<std::pair<const Rule*, Values>> found;
    for (const Rule& rule : pack.rules)
        if (auto captures = detect(rule, record, candidates))
            found.emplace_back(&rule, std::move(*captures));
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return std::tie(b.first->precedence, a.first->id) <
               std::tie(a.first->precedence, b.first->id);
    });
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
    for (const auto& [name, value] : detection.identity)
        detection.values.insert_or_assign(name, value);
    for (const Cause& cause : rule.causes)
        if (!cause.when || holds(*cause.when, record, captures))
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

bool Matcher::may_match(std::string_view raw) const { return !compiled_->candidates(raw).empty(); }

Match Matcher::match(const Record& record) const {
    Match match;
    const std::vector<int> candidates = compiled_->candidates(record.message);
    if (candidates.empty()) return match;

    auto found = compiled_->detect_all(record, candidates);
    if (!found.empty()) {
        auto& [rule, captures] = found.front();
        Detection detection = compiled_->describe(*rule, record, std::move(captures));
        const auto add = [&](const std::string& catalog) {
            auto& also = detection.also;
            if (!catalog.empty() && catalog != detection.rule->catalog &&
                std::find(also.begin(), also.end(), catalog) == also.end())
                also.push_back(catalog);
        };
        for (auto loser = std::next(found.begin()); loser != found.end(); ++loser)
            add(loser->first->catalog);
        for (const HeldCause& held : detection.causes) add(held.cause->catalog);
        match.detections.push_back(std::move(detection));
    }

    for (const Rule& rule : compiled_->pack.rules) {
        for (std::size_t i = 0; i < rule.recover.size(); ++i) {
            const std::string& pattern = rule.recover[i].message;
            Values captures;
            if (compiled_->is_candidate(candidates, pattern) &&
                match_groups(compiled_->regex(pattern), record.message, RE2::ANCHOR_START,
                             captures))
                match.recoveries.push_back(
                    {&rule, static_cast<int>(i), values_of(record, captures)});
        }
    }
    return match;
}

std::vector<const Rule*> Matcher::rules_that_match(const Record& record) const {
    std::vector<const Rule*> rules;
    for (const auto& [rule, captures] :
         compiled_->detect_all(record, compiled_->candidates(record.message)))
        rules.push_back(rule);
    return rules;
}

std::vector<std::string> Matcher::slow_patterns() const {
    std::vector<std::string> slow;
    for (const int id : compiled_->candidates({}))
        slow.push_back(compiled_->messages[static_cast<std::size_t>(id)]);
    return slow;
}

std::string fill_template(std::string_view text, const Values& values) {
    std::string filled;
    while (true) {
        const std::size_t open = text.find("{{");
        const std::size_t close = open == text.npos ? open : text.find("}}", open);
        if (close == text.npos) return filled.append(text);
        const auto value = values.find(std::string(text.substr(open + 2, close - open - 2)));
        if (value == values.end()) {
            // Only the braces are passed: a name may begin inside what looked like one.
            filled.append(text.substr(0, open + 2));
            text.remove_prefix(open + 2);
        } else {
            filled.append(text.substr(0, open)).append(value->second);
            text.remove_prefix(close + 2);
        }
    }
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

std::string fill_command(std::string_view command, const Values& values) {
    Values plain;
    for (const auto& [name, value] : values) {
        const bool word = !value.empty() && value.front() != '-' &&
                          std::all_of(value.begin(), value.end(), [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                     (c >= '0' && c <= '9') ||
                                     std::string_view("-_.:/@%+=,").find(c) != std::string::npos;
                          });
        if (word) plain.emplace(name, value);
    }
    return fill_template(command, plain);
}

}  // namespace runnerwatch
