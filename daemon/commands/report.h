#pragma once

#include "daemon/commands/history_source.h"

#include <iosfwd>
#include <map>
#include <string>

namespace runnerwatch {

struct ReportOptions {
    HistorySource source;
    std::map<std::string, std::string> query;  // of the API: since, until, format
};

// `report`: what a span of time was like. Exit code 0: done; 2: it cannot be told, or was asked
// wrongly.
int write_report(const ReportOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace runnerwatch
