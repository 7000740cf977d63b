#pragma once

#include "parsers/kubeconfig.h"
#include "parsers/result.h"

#include <string>
#include <system_error>

namespace runnerwatch {

// The access of a pod in a cluster, from its service account; refused with a sentence elsewhere.
Result<ClusterAccess, KubeconfigError> in_cluster_access();

// Reads the files named ("a:b", as $KUBECONFIG) and resolves the context.
Result<ClusterAccess, KubeconfigError> kubeconfig_access(const std::string& paths,
                                                         const std::string& context);

// The one of the two that a configuration means: without a kubeconfig, the pod's.
Result<ClusterAccess, KubeconfigError> cluster_access(const std::string& kubeconfig,
                                                      const std::string& context);

// A file of at most 4 MiB, as tokens, certificates and kubeconfigs are.
Result<std::string, std::error_code> read_credential_file(const std::string& path);

}  // namespace runnerwatch
