#pragma once

#include <map>
#include <string>
#include <string_view>

namespace runnerwatch {

// Takes "/path?name=value&…" apart and percent-decodes it; of a repeated name the first value
// counts. False if it is not such a text.
bool read_target(std::string_view target, std::string& path,
                 std::map<std::string, std::string>& query);

}  // namespace runnerwatch
