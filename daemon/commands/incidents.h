#pragma once

#include "daemon/commands/history_source.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/text_blocks.h"

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

// The commands that read incidents. Exit code 0: done; 1: there is no such incident, or nothing
// was found; 2: it cannot be told, or is asked wrongly.
namespace runnerwatch {

struct HistoryOptions {
    HistorySource source;
    ListFormat format = ListFormat::table;
    TextStyle style;
    std::map<std::string, std::string> query;  // of the API: state, rule, since, limit, cursor …
    std::vector<std::string> ids;
};

// `incidents`: a page, and how the next one is had.
int show_incidents(const HistoryOptions& options, std::ostream& out, std::ostream& errors);

// `incidents --facets`: how many of them have which rule, severity, namespace …
int show_facets(const HistoryOptions& options, std::ostream& out, std::ostream& errors);

// `incident ID`
int show_incident(const HistoryOptions& options, std::ostream& out, std::ostream& errors);

// `history`: statistics; `history ID`: similar incidents of the past and what ended them.
int show_history(const HistoryOptions& options, std::ostream& out, std::ostream& errors);

struct PostmortemOptions {
    HistorySource source;
    std::vector<std::string> ids;
    std::string template_name = "sre";  // a name, or a file
    std::string form = "md";            // md, html, json
    bool print_template = false;
};

// `postmortem ID…`
int write_postmortem(const PostmortemOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace runnerwatch
