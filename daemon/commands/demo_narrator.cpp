#include "daemon/commands/demo_narrator.h"

#include "alerts/message.h"
#include "parsers/fill_fix.h"
#include "parsers/visible_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>

namespace runnerwatch {

namespace {

constexpr std::size_t margin = 20;
constexpr std::size_t width = 110;

const char* colour_of(Severity severity) {
    switch (severity) {
        case Severity::critical:
            return "1;31";
        case Severity::error:
            return "31";
        case Severity::warning:
            return "33";
        case Severity::info:
            return "36";
    }
    return "0";
}

// Breaks text at blanks so that it stands in its column.
std::string wrapped(const std::string& text, std::size_t indent) {
    std::string out;
    std::size_t column = indent;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        if (column + (end - at) > width && column > indent) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (at > 0) {
            out += ' ';
            ++column;
        }
        out += text.substr(at, end - at);
        column += end - at;
        at = end + 1;
    }
    return out;
}

}  // namespace

std::string DemoNarrator::painted(const std::string& text, const char* code) const {
    return colour_ ? "\x1b[" + std::string(code) + "m" + text + "\x1b[0m" : text;
}

void DemoNarrator::say(const std::string& who, const std::string& what) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(clock_.now() - began_).count();
    const std::string head = fmt::format("{:>2}:{:02}  {:<12} ", seconds / 60, seconds % 60, who);
    std::cout << painted(head, "1") << wrapped(what, margin) << "\n" << std::flush;
}

void DemoNarrator::detail(const std::string& name, const std::string& text) {
    if (text.empty()) return;
    std::cout << std::string(margin, ' ') << painted(fmt::format("{:<8}", name), "2")
              << wrapped(visible_text(shortened(text, 400)), margin + 8) << "\n"
              << std::flush;
}

void DemoNarrator::opened(const IncidentRow& row) {
    say("OPENED #" + std::to_string(row.number),
        painted(std::string(to_string(row.severity)), colour_of(row.severity)) + "  " + row.title +
            "  (" + row.catalog + ")");
    detail("line", row.headline);
    if (const auto cause = top_cause(row))
        detail("why", "(" + cause->confidence + ") " + cause->says);
    detail("impact", row.impact);
    detail("scope", row.scope_words);
    detail("told", row.response == Response::page     ? "people now"
                   : row.response == Response::ticket ? "the daily digest"
                                                      : "nobody: advice");
}

void DemoNarrator::incident(const IncidentRow& row) {
    const auto [found, fresh] = told_.try_emplace(row.key);
    Told& told = found->second;
    const Told before = told;
    told = {row.state, row.severity, row.rule};
    const std::string number = " #" + std::to_string(row.number);
    if (fresh && row.state != IncidentState::folded) opened(row);
    if (!fresh && row.severity > before.severity)
        say("RAISED" + number,
            painted(to_string(row.severity), colour_of(row.severity)) + ": " + row.scope_words);
    if (before.state == row.state && !fresh) return;
    switch (row.state) {
        case IncidentState::open:
            if (!fresh && before.state != IncidentState::open)
                say("OPEN AGAIN" + number, row.title);
            break;
        case IncidentState::recovering:
            say("RECOVERING" + number, "waiting for " + row.waiting_for);
            break;
        case IncidentState::resolved:
            say("RESOLVED" + number, painted(row.title, "32"));
            detail("proof", row.proof);
            break;
        case IncidentState::cannot_tell:
            say("CAN'T TELL" + number, row.waiting_for);
            break;
        case IncidentState::folded:
            say("FOLDED" + number, row.title + " is a symptom of another incident");
            break;
    }
}

void DemoNarrator::received(const nlohmann::json& body, const std::string& id) {
    const auto& data = body.at("data");
    say("ALERT", "delivered to the on-call webhook (idempotency key " + id.substr(0, 12) +
                     "…): " + painted(data.value("subject", ""), "1"));
    for (const auto& incident : data.at("incidents")) {
        const auto& fix = incident.at("fix");
        if (fix.is_null() || incident.value("state", "") == "resolved") continue;
        detail("fix", fix.value("title", ""));
        int number = 0;
        for (const auto& step : fix.at("steps")) {
            detail("  " + std::to_string(++number) + ".",
                   step_words(step.value("says", ""), step.value("versions", "")));
            const std::string command = step.value("command", "");
            for (std::size_t at = 0; at < command.size();) {
                const std::size_t end = std::min(command.find('\n', at), command.size());
                std::cout << std::string(margin + 8, ' ')
                          << painted(visible_text(command.substr(at, end - at)), "36") << "\n";
                at = end + 1;
            }
        }
    }
    std::cout << std::flush;
}

bool DemoNarrator::resolved(const std::string& rule) const {
    for (const auto& [unused, told] : told_)
        if (told.rule == rule && told.state == IncidentState::resolved) return true;
    return false;
}

}  // namespace runnerwatch
