#pragma once

#include "daemon/config.h"

#include <iosfwd>
#include <string>

namespace runnerwatch {

// Lists the pods of every configured cluster once and prints, per container, whether its log would
// be followed and why or why not; then the files. A cluster that cannot be asked is named and the
// others go on. Returns the exit code: 1 where one could not be asked.
int print_sources(const Config& config, std::ostream& out);

// The least rights that the configuration needs, as manifests for `kubectl apply -f -`.
std::string least_rbac(const Config& config);

}  // namespace runnerwatch
