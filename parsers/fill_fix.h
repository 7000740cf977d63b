#pragma once

#include "parsers/matcher.h"
#include "parsers/rule.h"

#include <string>
#include <string_view>

namespace runnerwatch {

// The manager that a fix is for, in words of Kubernetes; empty: not known.
struct ManagerName {
    std::string namespace_;
    std::string workload;  // "Deployment/gitlab-runner"
};

// The fix with its values filled in. {{manager.namespace}} and {{manager.workload}} are the
// manager's, as kubectl takes them; where it is not known (a scan, a page of the documentation)
// they are gitlab-runner and deployment/gitlab-runner, and the first step with such a command says
// so.
Fix fill_fix(const Fix& fix, Values values, const ManagerName& manager = {});

// The names that every fix may use, and what they are filled with.
Values manager_values(const ManagerName& manager);

// What a step says, behind the versions of the runner it holds for, if it does not for all.
std::string step_words(std::string_view says, std::string_view versions);

}  // namespace runnerwatch
