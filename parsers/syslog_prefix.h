#pragma once

#include "parsers/line_prefix.h"

namespace runnerwatch {

// Takes what syslog or journald put in front off `line.text`, and a "<14>" alone. A time is set
// where the head has one with a zone.
bool take_syslog(PrefixedLine& line);

// "TIME ", "TIME stdout F ", "TIME host prog[12]: "; not when `line.time` is known already.
bool take_time(PrefixedLine& line);

// Whether `text`, the rest of a line behind a time and a blank, is that of a line of a job's own
// trace: "00O " (stream number, stdout or stderr). In an error's text it must stay as it is.
bool is_job_trace(std::string_view text);

}  // namespace runnerwatch
