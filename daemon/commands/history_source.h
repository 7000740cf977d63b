#pragma once

#include "parsers/result.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace runnerwatch {

// Where a command reads incidents: a running daemon, or a database file, which a daemon may be
// writing meanwhile.
struct HistorySource {
    std::string api = "127.0.0.1:8090";  // http.listen of the running daemon that is asked
    std::string database;                // instead of it: a file
    std::vector<std::string> rules;      // beside the built-in ones, for the fixes; with a file
};

// The document at `path` of the API, or why there is none, in words for people. Blocking.
Result<nlohmann::ordered_json, std::string> ask_history(
    const HistorySource& source, const std::string& path,
    const std::map<std::string, std::string>& query = {});

// As a value stands in a URL's query.
std::string percent_encoded(const std::string& text);

// "#12", "12", a ULID or a key, as it stands in a path; none for anything else.
std::optional<std::string> incident_id(std::string_view words);

}  // namespace runnerwatch
