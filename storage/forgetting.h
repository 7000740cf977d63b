#pragma once

#include "storage/retention.h"
#include "storage/sqlite.h"

#include <functional>

namespace runnerwatch {

// One slice, in one transaction: goes on while `may_go_on`, which is asked after each incident and
// each few hundred other rows, and does at least one of those. Only storage/ includes this.
Forgotten forget_slice(Connection& connection, const RetentionRules& rules,
                       const std::function<bool()>& may_go_on);

}  // namespace runnerwatch
