#include "storage/conditions.h"

#include "parsers/ascii_lower.h"
#include "storage/indexed_words.h"

#include <algorithm>
#include <cctype>

namespace runnerwatch {

namespace {

constexpr const char* not_over = "incident.state IN ('open', 'recovering', 'cannot_tell')";
constexpr std::size_t words_of_beginning_max = 64;

template <class Word>
std::string one_of(const std::string& column, const std::vector<Word>& words) {
    std::string list;
    for (const auto word : words)
        list += (list.empty() ? "'" : ", '") + std::string(to_string(word)) + "'";
    return column + " IN (" + list + ")";
}

std::string quoted(std::string_view word) {
    std::string text = "\"";
    for (const char c : word) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

// Whether the index holds it as it is, but for capitals.
bool is_plain(std::string_view word) {
    return std::all_of(word.begin(), word.end(),
                       [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; });
}

std::string any_beginning_with(Connection& connection, std::string_view word) {
    std::string beginning = quoted(word) + "*";
    const IndexedWords indexed(connection);
    if (!is_plain(word) || !indexed.readable()) return beginning;
    const std::string lower = ascii_lower(std::string(word));
    std::string words;
    auto next = indexed.not_before(lower);
    for (std::size_t found = 0; next && next->starts_with(lower); ++found) {
        if (found == words_of_beginning_max) return beginning;
        words += (words.empty() ? "" : " OR ") + quoted(*next);
        next = indexed.not_before(*next + '\0');
    }
    return words.empty() ? quoted(word) : "(" + words + ")";
}

// An expression that asks for each word of a text, as `asked` says it.
template <class Asked>
std::string all_words(std::string_view text, const Asked& asked) {
    std::string expression;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
        if (end > at)
            expression += (expression.empty() ? "" : " AND ") + asked(text.substr(at, end - at));
        at = end + 1;
    }
    return expression;
}

}  // namespace

std::string replaced(std::string text, std::string_view what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

void Conditions::add(const std::string& condition) {
    sql_ += (sql_.empty() ? " WHERE " : " AND ") + ("(" + condition + ")");
}

void Conditions::add(std::string condition, const std::string& value) {
    add(bound(std::move(condition), value));
}

void Conditions::add(std::string condition, std::int64_t value) {
    texts_.emplace_back();
    numbers_.emplace_back(texts_.size(), value);
    add(numbered(std::move(condition)));
}

void Conditions::add(std::string condition, Timestamp value) {
    add(std::move(condition), std::int64_t{value.time_since_epoch().count()});
}

void Conditions::bind(Statement& statement) const {
    for (std::size_t i = 0; i < texts_.size(); ++i)
        statement.bind(static_cast<int>(i + 1), std::string_view(texts_[i]));
    for (const auto& [index, value] : numbers_) statement.bind(static_cast<int>(index), value);
}

std::string Conditions::bound(std::string text, const std::string& value) {
    texts_.push_back(value);
    return numbered(std::move(text));
}

std::string Conditions::numbered(std::string text) const {
    return replaced(std::move(text), "?N", "?" + std::to_string(texts_.size()));
}

void add_attributes(Conditions& where, const IncidentFilter& filter) {
    if (!filter.rule.empty()) where.add("incident.rule = ?N", filter.rule);
    if (!filter.namespace_.empty()) where.add("incident.namespace = ?N", filter.namespace_);
    if (!filter.runner.empty()) where.add("incident.runner = ?N", filter.runner);
    std::string visible;
    for (const auto& one : filter.visible)
        visible += (visible.empty() ? "" : " OR ") + where.bound("incident.namespace = ?N", one);
    if (!visible.empty()) where.add(visible);
    if (!filter.workload.empty()) {
        const std::size_t slash = filter.workload.find('/');
        if (slash != std::string::npos) where.add("incident.workload = ?N", filter.workload);
        where.add("incident.workload_name = ?N",
                  slash == std::string::npos ? filter.workload : filter.workload.substr(slash + 1));
    }
    if (filter.acknowledged)
        where.add(*filter.acknowledged ? "incident.acknowledged_by <> ''"
                                       : "incident.acknowledged_by = ''");
    if (filter.snoozed) where.add(*filter.snoozed ? "snoozed_by <> ''" : "snoozed_by = ''");
    if (!filter.assignee.empty()) where.add("assignee = ?N", filter.assignee);
    if (!filter.tag.empty())
        where.add("instr(' ' || tags || ' ', ' ' || ?N || ' ') > 0", filter.tag);
}

void add_conditions(Conditions& where, const IncidentFilter& filter) {
    if (!filter.states.empty()) where.add(one_of("incident.state", filter.states));
    if (!filter.severities.empty()) where.add(one_of("incident.severity", filter.severities));
    add_attributes(where, filter);
    if (filter.since)
        where.add(std::string(not_over) + " OR incident.last_seen >= ?N OR incident.ended_at >= ?N",
                  *filter.since);
    if (filter.until) where.add("incident.begun <= ?N", *filter.until);
}

std::string beginnings_expression(std::string_view text) {
    return all_words(text, [](std::string_view word) { return quoted(word) + "*"; });
}

std::string match_expression(Connection& connection, std::string_view text) {
    return all_words(text,
                     [&](std::string_view word) { return any_beginning_with(connection, word); });
}

}  // namespace runnerwatch
