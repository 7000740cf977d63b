#pragma once

#include "daemon/commands/listing.h"

#include <iosfwd>
#include <string>

namespace runnerwatch {

struct CoverageOptions {
    std::string api = "127.0.0.1:8090";  // http.listen of the running daemon that is asked
    std::string database;                // instead of it: a file
    bool all = false;                    // in tables also what ended without a gap
    ListFormat format = ListFormat::table;
};

// `runnerwatch coverage`: what was read of each source, what is missing, what is proven current.
// Exit code 0: all that lives is proven current; 1: not all; 2: it cannot be told.
int show_coverage(const CoverageOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace runnerwatch
