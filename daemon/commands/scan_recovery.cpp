// What findings wait for, and what ends them.
#include "daemon/commands/scan_report.h"

#include <algorithm>

namespace runnerwatch {
namespace {

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

}  // namespace

std::string ScanReport::recovery_member(const Rule& rule, const std::string& source,
                                        const std::string& pod) {
    return rule.id + '\0' + source + '\0' + pod;
}

// What of one record is shown, made when it is needed and once for all it recovers.
struct ScanReport::SafeTexts {
    const Record& record;
    Values values;  // by what they are in the record
    std::string first_line;

    const std::string& value(const std::string& raw) {
        const auto [known, fresh] = values.try_emplace(raw);
        if (fresh) known->second = shown(raw, value_bytes_max);
        return known->second;
    }
    const std::string& line() {
        if (first_line.empty())
            first_line = shown(record.message.substr(0, record.message.find('\n')), 200);
        return first_line;
    }
};

// Says what the member waits for from now on, so that only such lines need be read.
void ScanReport::await(Finding& finding, ScanMember& member, ScanMember::Awaits awaits) {
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
        Recoverable& here = recoverable_[recovery_place(waiting.line, member.source, member.pod)];
        const std::string values = recovery_values(recovery.same, finding.values);
        if (wants(awaits)) {
            awaited.add(waiting);
            here.add({&finding, i}, values);
        } else {
            awaited.remove(waiting);
            here.remove({&finding, i}, values);
        }
    }
    member.awaits = awaits;
}

void ScanReport::Recoverable::add(const One& one, const std::string& values) {
    by_values[values].push_back(one);
    by_rule[one.finding->rule].push_back(one);
}

void ScanReport::Recoverable::remove(const One& one, const std::string& values) {
    const auto remove_from = [&one](auto& some, const auto& key) {
        const auto alike = some.find(key);
        if (alike == some.end()) return;
        std::erase(alike->second, one);
        if (alike->second.empty()) some.erase(alike);
    };
    remove_from(by_values, values);
    remove_from(by_rule, one.finding->rule);
}

bool ScanReport::may_recover(AwaitedRecovery& awaited, const std::vector<int>& lines,
                             std::string_view raw) const {
    return !lines.empty() && awaited.may_be_any(lines, raw, lone_);
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

void ScanReport::recover(const std::vector<RecoveryHit>& hits, const Record& record,
                         const ScanPosition& at) {
    if (hits.empty()) return;
    const AwaitedRecovery& awaited = awaited_[at.source];
    SafeTexts safe{record, {}, {}};
    for (const RecoveryHit& hit : hits) {
        if (!awaited.awaits(hit.line->number)) continue;
        const auto place = recoverable_.find(recovery_place(hit.line->number, at.source, at.pod));
        if (place == recoverable_.end()) continue;
        if (at.time) seen_until(at.source, at.pod, *at.time);
        recover(hit, place->second, at, safe);
    }
}

void ScanReport::recover(const RecoveryHit& hit, const Recoverable& here, const ScanPosition& at,
                         SafeTexts& safe) {
    Values same;
    for (const auto& [name, value] : hit.values) same[name] = safe.value(value);
    for (const auto& [finding, index] : meant_by(recovery_values(hit.line->same, same), here, at))
        recover(*finding, index, same, at, safe);
}

// A copy: what recovers waits no longer.
std::vector<ScanReport::Recoverable::One> ScanReport::meant_by(const std::string& values,
                                                               const Recoverable& here,
                                                               const ScanPosition& at) const {
    std::vector<Recoverable::One> meant;
    const auto add = [&](const std::vector<Recoverable::One>& some) {
        meant.insert(meant.end(), some.begin(), some.end());
    };
    const auto alike = values.empty() ? here.by_values.end() : here.by_values.find(values);
    if (alike != here.by_values.end()) add(alike->second);
    // A missing value, on either side, says nothing unless there is but one it can mean.
    if (values.empty() || here.by_values.contains(std::string()))
        for (const auto& [rule, some] : here.by_rule)
            if (is_lone(recovery_member(*rule, at.source, at.pod))) add(some);
    return meant;
}

void ScanReport::recover(Finding& finding, std::size_t index, const Values& same,
                         const ScanPosition& at, SafeTexts& safe) {
    const auto found = finding.members.find({at.source, at.pod});
    if (found == finding.members.end()) return;
    const Recovery& recovery = finding.rule->recover[index];
    ScanMember& member = found->second;
    // The first line that may end it counts; a proof is better than a line to wait behind.
    const bool better = !member.recovered || (member.recovery.kind == Recovery::Kind::after &&
                                              recovery.kind == Recovery::Kind::evidence);
    if (!better || !same_values(finding, member, recovery, same)) return;
    member.recovered = at;
    member.recovery = recovery;
    member.recovery_text = safe.line();
    const bool proven = recovery.kind == Recovery::Kind::evidence;
    await(finding, member, proven ? ScanMember::Awaits::nothing : ScanMember::Awaits::better_proof);
    waiting_ = waiting_ || !proven;
}

bool ScanReport::is_lone(const std::string& member) const {
    const auto found = alike_.find(member);
    return found != alike_.end() && found->second == 1;
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

}  // namespace runnerwatch
