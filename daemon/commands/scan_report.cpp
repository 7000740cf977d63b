#include "daemon/commands/scan_report.h"

#include "parsers/redaction.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <tuple>

namespace runnerwatch {
namespace {

constexpr std::size_t line_bytes_max = 300;
constexpr std::size_t says_bytes_max = 2'000;
constexpr std::size_t value_bytes_max = 500;
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

std::string recovery_member(const Rule& rule, const std::string& source, const std::string& pod) {
    return rule.id + '\0' + source + '\0' + pod;
}

// Where a line of recovery stands, and the values that it has in common with what it ends; empty:
// it lacks one.
std::string recovery_place(int line, const std::string& source, const std::string& pod) {
    return std::to_string(line) + '\0' + source + '\0' + pod;
}
std::string recovery_values(const std::vector<std::string>& same, const Values& values) {
    std::string key = "=";
    for (const std::string& name : same) {
        const auto value = values.find(name);
        if (value == values.end()) return {};
        (key += value->second) += '\0';
    }
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

// Says what the member waits for from now on, so that only such lines need be read.
void ScanReport::await(const Finding& finding, ScanMember& member, ScanMember::Awaits awaits) {
    using Awaits = ScanMember::Awaits;
    if (member.awaits == awaits) return;
    const Rule& rule = *finding.rule;
    AwaitedRecovery& awaited = awaited_[member.source];
    AwaitedRecovery::Waiting waiting;
    waiting.member = recovery_member(rule, member.source, member.pod);
    for (std::size_t i = 0; i < rule.recover.size(); ++i) {
        const Recovery& recovery = rule.recover[i];
        const auto wants = [&](Awaits what) {
            return what == Awaits::any_proof ||
                   (what == Awaits::better_proof && recovery.kind == Recovery::Kind::evidence);
        };
        if (wants(member.awaits) == wants(awaits)) continue;
        waiting.line = recovery_lines_.at(&rule)[i];
        waiting.recovery = &recovery;
        waiting.same.clear();
        for (const std::string& name : recovery.same) {
            const auto value = finding.values.find(name);
            waiting.same.push_back(value == finding.values.end() ? nullptr : &value->second);
        }
        if (wants(awaits))
            awaited.add(waiting);
        else
            awaited.remove(waiting);
    }
    member.awaits = awaits;
}

bool ScanReport::may_recover(AwaitedRecovery& awaited, int line, std::string_view raw) const {
    return awaited.may_be(line, raw, [this](const std::string& member) { return is_lone(member); });
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
            for (std::size_t i = 0; i < rule.recover.size(); ++i) {
                const int line = recovery_lines_.at(&rule)[i];
                Recoverable& here = recoverable_[recovery_place(line, hit.at.source, hit.at.pod)];
                here.all.push_back({&finding, i});
                here.by_values[recovery_values(rule.recover[i].same, finding.values)].push_back(
                    {&finding, i});
            }
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

bool ScanReport::same_values(const Finding& finding, const ScanMember& member,
                             const Recovery& recovery, const Values& values) const {
    for (const std::string& name : recovery.same) {
        const auto mine = finding.values.find(name);
        const auto its = values.find(name);
        if (mine != finding.values.end() && its != values.end()) {
            if (mine->second != its->second) return false;
            continue;
        }
        // A field that is not there proves nothing, unless there is but one it can mean.
        if (!is_lone(recovery_member(*finding.rule, member.source, member.pod))) return false;
    }
    return true;
}

void ScanReport::recover(const RecoveryHit& hit, const Record& record, const ScanPosition& at) {
    const auto place = recoverable_.find(recovery_place(hit.line->number, at.source, at.pod));
    if (place == recoverable_.end()) return;
    if (at.time) seen_until(at.source, at.pod, *at.time);
    const Recoverable& here = place->second;
    Values same;  // as the findings have them, made once for all
    for (const std::string& name : hit.line->same)
        if (const auto value = hit.values.find(name); value != hit.values.end())
            same[name] = shown(value->second, value_bytes_max);
    std::string text;
    const auto recover_all = [&](const std::vector<Recoverable::One>& some) {
        for (const auto& [finding, index] : some) recover(*finding, index, same, record, at, text);
    };
    // A missing value decides nothing, on either side, unless there is but one it can mean.
    const std::string values = recovery_values(hit.line->same, same);
    if (values.empty()) return recover_all(here.all);
    for (const std::string& key : {values, std::string()})
        if (const auto some = here.by_values.find(key); some != here.by_values.end())
            recover_all(some->second);
}

void ScanReport::recover(Finding& finding, std::size_t index, const Values& same,
                         const Record& record, const ScanPosition& at, std::string& text) {
    const auto found = finding.members.find({at.source, at.pod});
    if (found == finding.members.end()) return;
    const Recovery& recovery = finding.rule->recover[index];
    ScanMember& member = found->second;
    // The first line that may end it counts; a proof is better than a line to wait behind.
    const bool better = !member.recovered || (member.recovery.kind == Recovery::Kind::after &&
                                              recovery.kind == Recovery::Kind::evidence);
    if (!better || !same_values(finding, member, recovery, same)) return;
    if (text.empty()) text = shown(record.message.substr(0, record.message.find('\n')), 200);
    member.recovered = at;
    member.recovery = recovery;
    member.recovery_text = text;
    const bool proven = recovery.kind == Recovery::Kind::evidence;
    await(finding, member, proven ? ScanMember::Awaits::nothing : ScanMember::Awaits::better_proof);
    waiting_ = waiting_ || !proven;
}

bool ScanReport::is_lone(const std::string& member) const {
    const auto found = alike_.find(member);
    return found != alike_.end() && found->second == 1;
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

ScanRecovery ScanReport::recovery_of(const Finding& finding, const ScanMember& member) const {
    const auto until = until_.find({member.source, member.pod});
    const auto passed = [&](const std::optional<Timestamp>& from, Duration hold) {
        return from && until != until_.end() && until->second - *from >= hold;
    };
    if (member.recovered) {
        if (member.recovery.kind == Recovery::Kind::evidence) return ScanRecovery::proven;
        // Without times the order of the lines is all there is.
        if (!member.recovered->time) return ScanRecovery::proven;
        return passed(member.recovered->time, member.recovery.hold) ? ScanRecovery::proven
                                                                    : ScanRecovery::waiting;
    }
    if (finding.rule->silence && passed(member.last.time, *finding.rule->silence))
        return ScanRecovery::proven;
    return ScanRecovery::none;
}

std::string shown(std::string_view text, std::size_t bytes_max) {
    // Far more than is shown is looked at, so that no secret is cut in half before it is seen.
    return shortened(visible_text(redact(text), Newlines::keep), bytes_max);
}

}  // namespace runnerwatch
