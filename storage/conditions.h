#pragma once

#include "storage/history.h"
#include "storage/sqlite.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Filters as SQL. Conditions are put together from fixed texts; values are always bound. Only
// storage/ includes this.
namespace runnerwatch {

// The text with each `what` in it replaced.
std::string replaced(std::string text, std::string_view what, const std::string& by);

// A WHERE clause that grows, with what is bound to it.
class Conditions {
public:
    void add(const std::string& condition);
    // `condition` with one or more "?N" replaced by the number of the value.
    void add(std::string condition, const std::string& value);
    void add(std::string condition, std::int64_t value);
    void add(std::string condition, Timestamp value);
    // The text with "?N" replaced, to stand elsewhere in the query.
    std::string bound(std::string text, const std::string& value);
    const std::string& sql() const { return sql_; }
    void bind(Statement& statement) const;

private:
    std::string numbered(std::string text) const;

    std::string sql_;
    std::vector<std::string> texts_;
    std::vector<std::pair<std::size_t, std::int64_t>> numbers_;
};

// All of the filter but its text and pod, its place in the pages and its limit.
void add_conditions(Conditions& where, const IncidentFilter& filter);
// The part of it that is of an incident by itself, whatever is merged into it: not its states,
// severities and times.
void add_attributes(Conditions& where, const IncidentFilter& filter);

// An incident that is over within this long after it began is not `lasting` (schema.cpp).
constexpr Duration brief_max = std::chrono::hours(24);

// The words of a filter as full text search takes them. A word is the beginning of one: those that
// begin so are looked up and named, since search goes through the lines of known words one by one,
// but gathers those of a beginning first, however many. Empty: there is no word.
std::string match_expression(Connection& connection, std::string_view text);
// The same without looking them up, for where there is little to search.
std::string beginnings_expression(std::string_view text);

}  // namespace runnerwatch
