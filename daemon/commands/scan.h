#pragma once

#include "parsers/matcher.h"
#include "parsers/rule.h"

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace runnerwatch {

struct ScanOptions {
    enum class Output { table, json };
    std::vector<std::string> files;  // "-" is standard input
    Output output = Output::table;
    Severity fail_on = Severity::error;
    bool colour = false;
    bool all = false;       // every finding in full, and what warns and is known to no rule
    bool progress = false;  // standard error is a terminal: how far files are read
    bool terminal = false;  // `out` is one: counts are rewritten in place
    std::size_t width = 0;  // of the output in characters; 0: of the terminal, 100 when it is none
};

// Names the troubles in logs: 0 when none reaches `fail_on`, 1 when one does, 2 when an input
// cannot be read.
//
// Reads in pieces and keeps only what it found, so neither long inputs nor long lines fill the
// memory. What comes through a pipe is told while it comes; SIGINT then ends the input, and the
// summary is still printed.
int run_scan(const ScanOptions& options, const Matcher& matcher, std::ostream& out,
             std::ostream& err);

}  // namespace runnerwatch
