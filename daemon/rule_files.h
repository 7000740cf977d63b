#pragma once

#include "parsers/matcher.h"
#include "parsers/result.h"

#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// The text of a file, or why it cannot be read, in words that name it.
Result<std::string, std::string> read_file(const std::string& path);

// The built-in pack with the rules of `folders` (*.yaml) laid over it by id, verified and
// compiled. The errors are "file:line: what" lines.
Result<std::unique_ptr<Matcher>, std::vector<std::string>> load_rules(
    const std::vector<std::string>& folders);

}  // namespace runnerwatch
