#pragma once

#include "parsers/rule.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace runnerwatch {

// A rule as data: what lists name of it (`id, catalog, severity, response, scope, status, title,
// from`), and all of it.
nlohmann::ordered_json rule_summary(const Rule& rule);
nlohmann::ordered_json rule_document(const Rule& rule);

// Where a rule comes from, in words: "built in" or its file.
std::string origin_of(const Rule& rule);

// A text of a rule without a record to fill it: "{{host}} is down" as "HOST is down".
std::string unfilled_words(std::string_view text);

// Conditions in words, the same wherever they are shown.
std::string level_words(const Detect& detect);
std::string absence_words(const Absence& absent);
std::string opening_words(const Rule& rule);
std::string identity_words(const Rule& rule);
std::string condition_words(const Cause& cause);  // "runner matches ^glpat-"; empty: none
std::string recovery_words(const Recovery& recovery);

}  // namespace runnerwatch
