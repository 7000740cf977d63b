#include "daemon/commands/scan_text.h"

#include "parsers/fill_fix.h"
#include "parsers/visible_text.h"

#include <algorithm>

namespace runnerwatch {
namespace {

constexpr std::size_t members_shown = 5;

std::string time_or_line(const ScanPosition& at) {
    return at.time ? format_time_for_people(*at.time) : "line " + std::to_string(at.line);
}

std::string times(const Finding& finding) {
    const ScanPosition& first = finding.first;
    const ScanPosition& last = finding.last;
    if (first.time && last.time) {
        std::string text = format_time_for_people(*first.time);
        if (finding.count > 1) text += " to " + format_time_for_people(*last.time);
        return text;
    }
    std::string text = "times unknown, line " + std::to_string(first.line);
    if (finding.count > 1 && first.source == last.source)
        text = "times unknown, lines " + std::to_string(first.line) + " to " +
               std::to_string(last.line);
    return text;
}

std::string threshold(const Finding& finding) {
    const Opening& open = finding.rule->open;
    if (!open.sequence.empty())
        return "an incident opens when " + std::to_string(open.sequence.size()) +
               (open.sequence.size() == 1 ? " more line follows within "
                                          : " more lines follow within ") +
               format_duration(open.within);
    std::string text = "an incident opens at " + std::to_string(open.count);
    if (!open.distinct.empty()) text += " different values of " + open.distinct;
    if (open.within != Duration{0}) text += " within " + format_duration(open.within);
    return text;
}

std::string where(const Finding& finding) {
    std::string text;
    std::size_t shown_members = 0;
    for (const auto& [key, member] : finding.members) {
        if (shown_members == members_shown) break;
        if (shown_members++ > 0) text += ", ";
        if (member.pod.empty())
            text += member.source + ":" + std::to_string(member.first.line);
        else
            text += "pod " + member.pod + " (" + member.source + ":" +
                    std::to_string(member.first.line) + ")";
        if (finding.members.size() > 1 && member.count > 1)
            text += " \u00d7" + std::to_string(member.count);
    }
    if (finding.members.size() > shown_members)
        text += " and " + std::to_string(finding.members.size() - shown_members) + " more";
    return visible_text(text);
}

std::string also(const Finding& finding) {
    std::string text;
    for (const auto& [title, count] : finding.symptoms) {
        if (!text.empty()) text += "; ";
        text += title + " \u00d7" + std::to_string(count);
    }
    for (const std::string& id : finding.also) {
        if (!text.empty()) text += "; ";
        text += id;
    }
    return text;
}

std::string recovery(const Finding& finding, const ScanReport& report) {
    std::size_t over = 0;
    const ScanMember* waiting = nullptr;
    const ScanMember* proof = nullptr;
    for (const auto& [key, member] : finding.members) {
        const ScanRecovery state = report.recovery_of(finding, member);
        if (state == ScanRecovery::waiting) waiting = &member;
        if (state == ScanRecovery::proven) {
            ++over;
            proof = &member;
        }
    }
    if (proof != nullptr && over == finding.members.size()) {
        if (!proof->recovered) return "over: not seen again while the log went on";
        return "over since " + time_or_line(*proof->recovered) + ": " + proof->recovery_text;
    }
    if (over > 0)
        return "over in " + std::to_string(over) + " of " + std::to_string(finding.members.size()) +
               "; nothing says that it is in the others";
    if (waiting != nullptr)
        return "perhaps over since " + time_or_line(*waiting->recovered) + " (" +
               waiting->recovery_text + "), but the input ends before " +
               format_duration(waiting->recovery.hold) + " have passed";
    return "nothing in the input says that it is over";
}

std::string causes(const Finding& finding, const TextStyle& style) {
    std::string text;
    for (const HeldCause& held : finding.causes) {
        const std::string confidence = to_string(held.cause->confidence);
        text += row(text.empty() ? "why" : "", confidence + ": " + held.says, style);
    }
    return text;
}

const Fix* fix_of(const Finding& finding) {
    const Cause* cause = finding.top_cause();
    return cause == nullptr ? nullptr : finding.rule->fix(cause->fix);
}

}  // namespace

std::string scan_count(const Finding& finding) {
    return "seen " + counted(finding.count, "time") + ", last " +
           (finding.last.time ? format_time_for_people(*finding.last.time) + " (line " +
                                    std::to_string(finding.last.line) + ")"
                              : "line " + std::to_string(finding.last.line));
}

std::string scan_fix(const Finding& finding, const TextStyle& style) {
    const Fix* known = fix_of(finding);
    if (known == nullptr) return {};
    const Fix fix = fill_fix(*known, finding.values);
    std::string text = row("fix", fix.title, style);
    std::size_t number = 0;
    for (const FixStep& step : fix.steps) {
        const std::string head = std::to_string(++number) + ". ";
        text += std::string(label_width + 2, ' ') + head +
                wrapped(step_words(step.says, step.versions), label_width + 2 + head.size(),
                        style.width) +
                "\n";
        text += command_lines(step.command, style);
    }
    for (const std::string& folklore : fix.not_a_fix)
        text += row(&folklore == &fix.not_a_fix.front() ? "not a fix" : "", folklore, style);
    if (!fix.verify.empty()) text += row("verify", fix.verify, style);
    return text;
}

std::string scan_fix_again(const Finding& finding, const TextStyle& style) {
    const Fix* fix = fix_of(finding);
    if (fix == nullptr) return {};
    return row("fix", fill_template(fix->title, finding.values) + " (steps above)", style);
}

std::string scan_block(const Finding& finding, const ScanReport& report, std::string_view fix,
                       bool ended, const TextStyle& style) {
    std::string text = badge(finding.severity, style) + "  " + painted(finding.title, "1", style) +
                       "  " + painted(finding.rule->catalog, "2", style) + "\n";
    std::string seen = counted(finding.count, "time") + ", " + times(finding);
    if (!finding.open) seen += "; " + threshold(finding);
    text += row("seen", seen, style);
    text += row("where", where(finding), style);
    if (!finding.impact.empty()) text += row("impact", finding.impact, style);
    if (!finding.fact.empty()) text += row("fact", finding.fact, style);
    text += row("line", finding.line, style);
    if (const std::string more = also(finding); !more.empty()) text += row("also", more, style);
    text += causes(finding, style);
    text += fix;
    if (ended) text += row("now", recovery(finding, report), style);
    return text;
}

std::string scan_line(const Finding& finding, const ScanReport& report, const TextStyle& style) {
    return badge(finding.severity, style) + "  " + finding.title + "  " +
           painted(finding.rule->catalog, "2", style) + ": " + scan_count(finding) + "; " +
           recovery(finding, report) + "\n";
}

}  // namespace runnerwatch
