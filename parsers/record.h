#pragma once

#include "parsers/timestamp.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

enum class Format { runner, text, json, klog, plain };
enum class Level { none, debug, info, warning, error, fatal, panic };

const char* to_string(Format format);
const char* to_string(Level level);

struct Field {
    std::string key;
    std::string value;  // decoded; JSON durations rendered as Go prints them ("1h0m0s")
};

// One logical message of a runner, the same whichever of the three formats it was written in.
struct Record {
    Format format = Format::plain;
    Level level = Level::none;
    std::string message;            // ANSI stripped, escapes undone, lines joined with '\n'
    std::vector<Field> fields;      // in the order of the log
    std::optional<Timestamp> time;  // the record's own time (text and json formats)

    // The value of the first field with this key, or nullptr.
    const std::string* field(std::string_view key) const;
};

// Decodes the head of a record: its physical lines joined with '\n', prefixes already taken off.
// Total: what cannot be read as one of the runner's formats is a `plain` record with the ANSI
// sequences stripped. Sources: runner v19.4 log/runner_formatter.go:31-101 (fields are split at
// "ESC[0;m " before any stripping), logrus TextFormatter and JSONFormatter.
Record decode_record(std::string_view head);

// Which format a physical line begins a record of; `plain` when it begins none for sure.
Format format_of_line(std::string_view line);

}  // namespace runnerwatch
