#pragma once

#include "daemon/config.h"

#include <ostream>
#include <string>
#include <vector>

namespace runnerwatch {

// `runnerwatch token`: makes a token for the API. It is printed once and kept nowhere; into the
// configuration goes its hash. Exit codes as of any command.
struct TokenOptions {
    std::string name, role = "viewer";
    std::vector<std::string> namespaces;
};
int print_new_token(const TokenOptions& options, std::ostream& out);

}  // namespace runnerwatch
