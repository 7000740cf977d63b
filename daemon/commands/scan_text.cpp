#include "daemon/commands/scan_text.h"

#include "parsers/visible_text.h"

#include <algorithm>

namespace runnerwatch {
namespace {

constexpr std::size_t label_width = 12;
constexpr std::size_t members_shown = 5;

std::size_t character_count(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::string painted(std::string_view text, std::string_view code, const ScanStyle& style) {
    if (!style.colour) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string badge(Severity severity, const ScanStyle& style) {
    switch (severity) {
        case Severity::critical:
            return painted("CRITICAL", "1;37;41", style);
        case Severity::error:
            return painted("ERROR", "1;31", style);
        case Severity::warning:
            return painted("WARNING", "1;33", style);
        case Severity::info:
            break;
    }
    return painted("INFO", "1;36", style);
}

// "  label       text", wrapped behind the label.
std::string row(std::string_view label, std::string_view text, const ScanStyle& style) {
    std::string line = "  " + painted(label, "2", style);
    line.append(label_width - std::min(label.size(), label_width), ' ');
    return line + wrapped(text, label_width + 2, style.width) + "\n";
}

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
    std::string text = "an incident opens at " + std::to_string(open.count);
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

std::string causes(const Finding& finding, const ScanStyle& style) {
    std::string text;
    for (const HeldCause& held : finding.causes) {
        const std::string confidence = to_string(held.cause->confidence);
        text += row(text.empty() ? "why" : "", confidence + ": " + held.says, style);
    }
    return text;
}

// Commands stand on lines of their own, unwrapped: they are to be pasted. One of several lines
// begins at the margin, or the end of its here-document would not be recognised.
std::string command_lines(std::string_view command, const ScanStyle& style) {
    while (command.ends_with('\n')) command.remove_suffix(1);
    const bool one_line = command.find('\n') == std::string_view::npos;
    std::string text;
    while (!command.empty()) {
        const std::size_t end = std::min(command.find('\n'), command.size());
        if (one_line) text.append(label_width + 5, ' ');
        text += painted(command.substr(0, end), "36", style) + "\n";
        command.remove_prefix(std::min(end + 1, command.size()));
    }
    return text;
}

const Fix* fix_of(const Finding& finding) {
    const Cause* cause = finding.top_cause();
    return cause == nullptr ? nullptr : finding.rule->fix(cause->fix);
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view noun) {
    std::string text = std::to_string(count) + " " + std::string(noun);
    if (count != 1) text += 's';
    return text;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
    const std::size_t room = width > indent + 20 ? width - indent : 20;
    std::string out;
    std::size_t used = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        const std::string_view word = text.substr(0, end);
        const std::size_t length = character_count(word);
        if (used > 0 && used + 1 + length > room) {
            (out += '\n').append(indent, ' ');
            used = 0;
        }
        if (used > 0) {
            out += ' ';
            ++used;
        }
        out += word;
        used += length;
        const bool line_end = end < text.size() && text[end] == '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line_end && !text.empty()) {
            (out += '\n').append(indent, ' ');
            used = 0;
        }
    }
    return out;
}

std::string scan_count(const Finding& finding) {
    return "seen " + counted(finding.count, "time") + ", last " +
           (finding.last.time ? format_time_for_people(*finding.last.time) + " (line " +
                                    std::to_string(finding.last.line) + ")"
                              : "line " + std::to_string(finding.last.line));
}

std::string scan_fix(const Finding& finding, const ScanStyle& style) {
    const Fix* fix = fix_of(finding);
    if (fix == nullptr) return {};
    const Values& values = finding.values;
    std::string text = row("fix", fill_template(fix->title, values), style);
    std::size_t number = 0;
    for (const FixStep& step : fix->steps) {
        const std::string head = std::to_string(++number) + ". ";
        std::string says = fill_template(step.says, values);
        if (!step.versions.empty()) says += " (runner " + step.versions + ")";
        text += std::string(label_width + 2, ' ') + head +
                wrapped(says, label_width + 2 + head.size(), style.width) + "\n";
        text += command_lines(fill_command(step.command, values), style);
    }
    for (const std::string& folklore : fix->not_a_fix)
        text += row(&folklore == &fix->not_a_fix.front() ? "not a fix" : "",
                    fill_template(folklore, values), style);
    if (!fix->verify.empty()) text += row("verify", fill_template(fix->verify, values), style);
    return text;
}

std::string scan_fix_again(const Finding& finding, const ScanStyle& style) {
    const Fix* fix = fix_of(finding);
    if (fix == nullptr) return {};
    return row("fix", fill_template(fix->title, finding.values) + " (steps above)", style);
}

std::string scan_block(const Finding& finding, const ScanReport& report, std::string_view fix,
                       bool ended, const ScanStyle& style) {
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

std::string scan_line(const Finding& finding, const ScanReport& report, const ScanStyle& style) {
    return badge(finding.severity, style) + "  " + finding.title + "  " +
           painted(finding.rule->catalog, "2", style) + ": " + scan_count(finding) + "; " +
           recovery(finding, report) + "\n";
}

}  // namespace runnerwatch
