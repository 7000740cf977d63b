#pragma once

#include "parsers/result.h"
#include "parsers/rule.h"

#include <cstddef>
#include <map>
#include <string>

namespace runnerwatch {

// The page of a rule in docs/rules: what it means, why, what to do, how it is recognised.
std::string rule_page(const RulePack& pack, const Rule& rule);

// A page for each rule and README.md, their index by section of the catalogue. File name -> text.
std::map<std::string, std::string> rule_pages(const RulePack& pack);

// Writes pages into a folder, which is made if need be; pages of earlier runs that are not among
// them are removed. How many files changed, or why they cannot be written.
Result<std::size_t, std::string> write_pages(const std::string& folder,
                                             const std::map<std::string, std::string>& pages);

}  // namespace runnerwatch
