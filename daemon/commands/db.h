#pragma once

#include <string>

namespace runnerwatch {

// Prints the incidents of a database so that equal incidents give equal bytes. Exit code 0 or 2.
int dump_database(const std::string& file);

}  // namespace runnerwatch
