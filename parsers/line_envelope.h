#pragma once

#include "parsers/timestamp.h"

#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// A program's line that a collector wrote down as a member of a JSON object.
struct EnvelopedLine {
    std::string text;  // may hold newlines in the journal's form only
    std::optional<Timestamp> time;
    std::string pod, container;  // where the collector says so
    bool partial = false;        // docker: the next object goes on with this line
    bool cut = false;            // the object had been cut: this is what was left of the line
};

// Reads docker's JSON log file ({"log":"…\n","stream":"stderr","time":"…"}; moby splits lines at 16
// KiB into objects whose text has no newline), fluent-bit's form of it with "kubernetes",
// `journalctl -o json` (MESSAGE a string, or bytes where it holds colour codes; systemd
// logs-show.c), and `logcli -o jsonl` ({"labels":…,"line":…,"timestamp":…}). False for anything
// else, the runner's own JSON above all.
bool open_envelope(std::string_view line, EnvelopedLine& opened);

}  // namespace runnerwatch
