#pragma once

#include "parsers/record.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// A record as the runner would write it in another of its formats, without a newline at its end.
// Independent of what reads it: from runner v19.4 log/runner_formatter.go:31-101 and logrus'
// TextFormatter and JSONFormatter.
std::string as_runner(const Record& record);
std::string as_text(const Record& record);
std::string as_json(const Record& record);

struct Encoding {
    const char* name;
    std::function<std::string(const Record&)> write;
};
const std::vector<Encoding>& encodings();

// What a collector makes of a log: of physical lines, without their newlines, a whole input.
struct Collector {
    const char* name;
    std::function<std::string(const std::vector<std::string>&)> write;
    // Why a log in the runner's own format is not the same after it; empty where it is.
    const char* loses = "";
};
const std::vector<Collector>& collectors();

}  // namespace runnerwatch
