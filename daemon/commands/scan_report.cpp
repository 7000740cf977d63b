#include "daemon/commands/scan_report.h"

#include "parsers/redaction.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <tuple>

namespace runnerwatch {
namespace {

constexpr std::size_t line_bytes_max = 300;
constexpr std::size_t says_bytes_max = 2'000;
constexpr std::size_t value_bytes_max = ScanReport::value_bytes_max;
// A symptom further than this before its cause is a trouble of its own.
constexpr std::chrono::minutes fold_within{10};

Values shown_values(const Detection& detection) {
    Values values;
    for (const auto& [name, value] : detection.values) values[name] = shown(value, value_bytes_max);
    for (const auto& [name, value] : detection.identity)
        values.emplace(name, shown(value, value_bytes_max));
    return values;
}

// The first line of a record, as a viewer without colours shows it.
std::string shown_line(const Record& record) {
    static constexpr std::pair<Level, const char*> words[] = {{Level::warning, "WARNING: "},
                                                              {Level::error, "ERROR: "},
                                                              {Level::fatal, "FATAL: "},
                                                              {Level::panic, "PANIC: "}};
    std::string line;
    for (const auto& [level, word] : words)
        if (record.level == level && record.format != Format::plain) line = word;
    line += record.message.substr(0, record.message.find('\n'));
    for (const Field& field : record.fields) line += "  " + field.key + "=" + field.value;
    return shortened(visible_text(redact(line)), line_bytes_max);
}

std::string place_of(const Rule& rule, const ScanPosition& at) {
    if (rule.scope != Scope::workload) return {};
    return at.pod.empty() ? at.source : workload_of_pod(at.pod);
}

std::string key_of(const Detection& detection, const std::string& place) {
    std::string key = detection.rule->id + '\0' + place;
    for (const auto& [name, value] : detection.identity) ((key += '\0') += name) += '=' + value;
    return key;
}

std::unique_ptr<Finding> new_finding(const ScanHit& hit, std::string place) {
    const Detection& detection = hit.detection;
    auto finding = std::make_unique<Finding>();
    finding->rule = detection.rule;
    finding->severity = detection.rule->severity;
    finding->workload = std::move(place);
    finding->values = shown_values(detection);
    for (const auto& [name, value] : detection.identity)
        finding->identity.emplace_back(name, shown(value, value_bytes_max));
    finding->title = fill_template(detection.rule->title, finding->values);
    finding->impact = fill_template(detection.rule->impact, finding->values);
    if (!detection.rule->fact_label.empty())
        finding->fact = detection.rule->fact_label + ": " +
                        fill_template(detection.rule->fact_value, finding->values);
    finding->line = shown_line(hit.record);
    finding->causes = detection.causes;
    for (HeldCause& held : finding->causes) held.says = shown(held.says, says_bytes_max);
    finding->first = hit.at;
    return finding;
}

// Remembers a hit and says whether the threshold is met by those kept. Without times order alone
// decides: each hit counts.
bool counts_to_threshold(std::deque<std::optional<Timestamp>>& recent, const Opening& open,
                         const std::optional<Timestamp>& time) {
    if (!open.sequence.empty()) return false;  // follow() decides
    const auto needed = static_cast<std::size_t>(std::max(open.count, 1));
    recent.push_back(time);
    if (recent.size() > needed) recent.pop_front();
    if (recent.size() < needed) return false;
    if (open.within == Duration{0} || !recent.front() || !recent.back()) return true;
    return *recent.back() - *recent.front() <= open.within;
}

// How many identity fields both have, or nothing when one differs.
std::optional<int> fields_in_common(const Finding& a, const Finding& b) {
    int common = 0;
    for (const auto& [name, value] : a.identity)
        for (const auto& [other_name, other_value] : b.identity) {
            if (name != other_name) continue;
            if (value != other_value) return std::nullopt;
            ++common;
        }
    return common;
}

bool share_a_member(const Finding& a, const Finding& b) {
    return std::any_of(a.members.begin(), a.members.end(),
                       [&](const auto& member) { return b.members.contains(member.first); });
}

bool is_symptom_of(const Finding& symptom, const Finding& cause) {
    const auto& named = cause.rule->symptoms;
    if (std::find(named.begin(), named.end(), symptom.rule->id) == named.end()) return false;
    if (!cause.open && symptom.open) return false;
    const bool placed = !cause.workload.empty() && !symptom.workload.empty();
    if (placed && cause.workload != symptom.workload) return false;
    if (cause.first.time && symptom.last.time &&
        *symptom.last.time < *cause.first.time - fold_within)
        return false;
    const auto common = fields_in_common(cause, symptom);
    return common && (*common > 0 || share_a_member(cause, symptom));
}

}  // namespace

ScanReport::ScanReport(const Matcher& matcher) {
    const std::vector<RecoveryLine>& lines = matcher.recovery_lines();
    for (std::size_t number = 0; number < lines.size(); ++number)
        for (const auto& [rule, index] : lines[number].proves) {
            std::vector<int>& of_rule = recovery_lines_[rule];
            of_rule.resize(rule->recover.size());
            of_rule[static_cast<std::size_t>(index)] = static_cast<int>(number);
        }
}

ScanReport::Added ScanReport::add(const ScanHit& hit) {
    const Rule& rule = *hit.detection.rule;
    worst_ = empty() && beyond_ == 0 ? rule.severity : std::max(worst_, rule.severity);
    std::string place = place_of(rule, hit.at);
    const std::string key = key_of(hit.detection, place);
    auto found = findings_.find(key);
    if (found == findings_.end()) {
        if (findings_.size() == findings_max) {
            ++beyond_;
            return {};
        }
        found = findings_.emplace(key, new_finding(hit, std::move(place))).first;
        by_rule_[&rule].push_back(found->second.get());
    }
    Finding& finding = *found->second;
    ++finding.count;
    finding.last = hit.at;
    for (const std::string& id : hit.detection.also)
        if (std::find(finding.also.begin(), finding.also.end(), id) == finding.also.end())
            finding.also.push_back(id);

    bool met = false;
    const auto member_key = std::make_pair(hit.at.source, hit.at.pod);
    if (finding.members.size() < members_max || finding.members.contains(member_key)) {
        ScanMember& member = finding.members[member_key];
        if (member.count++ == 0) {
            std::tie(member.source, member.pod) = member_key;
            member.first = hit.at;
            ++alike_[recovery_member(rule, hit.at.source, hit.at.pod)];
            awaited_[member.source].findings_changed();
        }
        member.last = hit.at;
        member.recovered.reset();
        await(finding, member, ScanMember::Awaits::any_proof);
        met = counts_to_threshold(member.recent, rule.open, hit.at.time);
        if (!rule.open.sequence.empty()) {
            member.step = 0;
            member.step_from = hit.at.time;
        }
    }
    if (rule.open.across_members) met = counts_to_threshold(finding.recent, rule.open, hit.at.time);
    waiting_ = waiting_ || rule.silence.has_value();
    const bool opened = met && !finding.open;
    finding.open = finding.open || met;
    if (hit.at.time) seen_until(hit.at.source, hit.at.pod, *hit.at.time);
    return {&finding, opened};
}

Finding* ScanReport::follow(const FollowUp& line, const ScanPosition& at) {
    const auto findings = by_rule_.find(line.rule);
    if (findings == by_rule_.end()) return nullptr;
    const Opening& open = line.rule->open;
    const auto agrees = [&](const Finding& finding) {
        return std::all_of(line.identity.begin(), line.identity.end(), [&](const auto& mine) {
            const auto its = finding.values.find(mine.first);
            return its == finding.values.end() ||
                   its->second == shown(mine.second, value_bytes_max);
        });
    };
    Finding* opened = nullptr;
    for (Finding* finding : findings->second) {
        const auto member = finding->members.find({at.source, at.pod});
        if (member == finding->members.end() || !agrees(*finding)) continue;
        std::optional<std::size_t>& step = member->second.step;
        const auto& from = member->second.step_from;
        if (step != static_cast<std::size_t>(line.step)) continue;
        const bool late =
            open.within != Duration{0} && from && at.time && *at.time - *from > open.within;
        if (late) {
            step.reset();
        } else if (++*step == open.sequence.size()) {
            step.reset();
            if (!std::exchange(finding->open, true)) opened = finding;
        }
    }
    return opened;
}

void ScanReport::seen_until(const std::string& source, const std::string& pod, Timestamp time) {
    until_.insert_or_assign({source, pod}, time);
}

Finding* ScanReport::cause_of(const Finding& symptom) {
    for (auto& [rule, findings] : by_rule_)
        for (Finding* cause : findings)
            if (cause != &symptom && cause->part_of == nullptr && is_symptom_of(symptom, *cause))
                return cause;
    return nullptr;
}

void ScanReport::fold() {
    for (auto& [key, symptom] : findings_) {
        if (symptom->part_of != nullptr) continue;
        Finding* cause = cause_of(*symptom);
        if (cause == nullptr) continue;
        // Chains end at the cause of causes: what is folded here hands on what it had.
        symptom->part_of = cause;
        cause->severity = std::max(cause->severity, symptom->severity);
        cause->symptoms[symptom->title] += symptom->count;
        for (const auto& [title, count] : symptom->symptoms) cause->symptoms[title] += count;
    }
}

std::vector<const Finding*> ScanReport::worst_first() const {
    std::vector<const Finding*> list;
    for (const auto& [key, finding] : findings_)
        if (finding->part_of == nullptr) list.push_back(finding.get());
    const auto rank = [](const Finding* finding) {
        return std::make_tuple(!finding->open, -static_cast<int>(finding->severity),
                               -static_cast<int>(finding->rule->response));
    };
    std::stable_sort(list.begin(), list.end(), [&](const Finding* a, const Finding* b) {
        return std::make_tuple(rank(a), b->count, a->first.line) <
               std::make_tuple(rank(b), a->count, b->first.line);
    });
    return list;
}

std::string shown(std::string_view text, std::size_t bytes_max) {
    // Far more than is shown is looked at, so that no secret is cut in half before it is seen.
    return shortened(visible_text(redact(text), Newlines::keep), bytes_max);
}

}  // namespace runnerwatch
