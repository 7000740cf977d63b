#pragma once

#include "daemon/config_reader.h"

namespace runnerwatch {

// Who may ask the API, and where: `http` and `probe_listen`.
void read_http(ConfigNode& root, Config& config);

}  // namespace runnerwatch
