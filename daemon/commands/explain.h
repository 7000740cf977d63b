#pragma once

#include "daemon/commands/text_blocks.h"
#include "parsers/matcher.h"

#include <cstddef>
#include <iosfwd>
#include <string>

namespace runnerwatch {

struct ExplainOptions {
    enum class Output { table, json };
    Output output = Output::table;
    TextStyle style;
    std::size_t nearest = 3;  // rules that did not match but came near
};

// How a log text is read and why rules take its records or do not: format, fields, prefix, the
// rule that matched with its captures and causes, the others, and the nearest that missed and what
// they missed. At most `explained_max` records; more are counted. 0 when a rule recognises
// something, 1 when none does, 2 when there is no record.
constexpr std::size_t explained_max = 50;
int run_explain(const ExplainOptions& options, const Matcher& matcher, const std::string& text,
                std::ostream& out, std::ostream& err);

}  // namespace runnerwatch
