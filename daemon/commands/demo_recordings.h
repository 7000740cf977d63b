#pragma once

#include <string_view>

// Logs of a real runner (tests/recordings), built into the binary for the demonstration.
namespace runnerwatch::demo_recordings {

extern const std::string_view wrong_token;  // seed-403-readonly.runner.log
extern const std::string_view fixed;        // fix-correct.runner.log

}  // namespace runnerwatch::demo_recordings
