#pragma once

#include "daemon/commands/history_source.h"
#include "daemon/commands/listing.h"

#include <nlohmann/json.hpp>

#include <iosfwd>
#include <string>
#include <vector>

// The commands that change incidents: ack, snooze, assign, note, … Exit code 0: done, or so
// already; 1: refused for at least one incident; 2: it cannot be told, or is asked wrongly.
namespace runnerwatch {

struct ActOptions {
    HistorySource source;  // a file is written: not while a daemon has it
    ListFormat format = ListFormat::table;
    std::vector<std::string> ids;
    std::string act;              // as in the API
    nlohmann::ordered_json body;  // what the API takes for it, actor and note included
};

int act_on_incidents(const ActOptions& options, std::ostream& out, std::ostream& errors);

// What people did to an incident of the API, in words: "acknowledged by ann until …; assigned to
// bob". Empty: nothing.
std::string attribute_words(const nlohmann::ordered_json& incident);

}  // namespace runnerwatch
