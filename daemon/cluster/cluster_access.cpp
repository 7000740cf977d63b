#include "daemon/cluster/cluster_access.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace runnerwatch {

namespace {

constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;
constexpr auto service_account = "/var/run/secrets/kubernetes.io/serviceaccount";

}  // namespace

Result<std::string, std::error_code> read_credential_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text;
    char part[4096];
    while (file.read(part, sizeof part) || file.gcount() > 0) {
        text.append(part, static_cast<std::size_t>(file.gcount()));
        if (text.size() > file_bytes_max)
            return failure(std::make_error_code(std::errc::file_too_large));
    }
    if (!file.is_open() || file.bad())  // a directory opens, and then cannot be read
        return failure(std::error_code(errno ? errno : EIO, std::generic_category()));
    return text;
}

Result<ClusterAccess, KubeconfigError> in_cluster_access() {
    const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
    const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
    const std::string folder = service_account;
    if (!host || !*host || !port || !*port)
        return failure(KubeconfigError{
            "no cluster to watch: this process does not run in a pod (KUBERNETES_SERVICE_HOST is "
            "not set) and no kubeconfig was named; name one with clusters[].kubeconfig"});
    ClusterAccess access;
    access.context = "in-cluster";
    const bool bare_ipv6 = std::string_view(host).find(':') != std::string_view::npos;
    access.server =
        std::string("https://") + (bare_ipv6 ? "[" : "") + host + (bare_ipv6 ? "]:" : ":") + port;
    access.ca_file = folder + "/ca.crt";
    access.token_file = folder + "/token";
    if (auto token = read_credential_file(access.token_file); !token)
        return failure(KubeconfigError{
            "cannot use the pod's service account: " + access.token_file + ": " +
            token.error().message() + "; set automountServiceAccountToken: true on the pod"});
    if (auto name = read_credential_file(folder + "/namespace")) access.default_namespace = *name;
    return access;
}

Result<ClusterAccess, KubeconfigError> cluster_access(const std::string& kubeconfig,
                                                      const std::string& context) {
    return kubeconfig.empty() ? in_cluster_access() : kubeconfig_access(kubeconfig, context);
}

Result<ClusterAccess, KubeconfigError> kubeconfig_access(const std::string& paths,
                                                         const std::string& context) {
    std::vector<KubeconfigFile> files;
    std::string missing;
    for (std::size_t begin = 0; begin <= paths.size();) {
        const std::size_t end = std::min(paths.find(':', begin), paths.size());
        const std::string path = paths.substr(begin, end - begin);
        begin = end + 1;
        if (path.empty()) continue;
        auto text = read_credential_file(path);
        if (text) {
            const auto folder = std::filesystem::absolute(path).parent_path();
            files.push_back({path, folder.string(), *text});
        } else if (text.error() == std::errc::no_such_file_or_directory) {
            missing += (missing.empty() ? "" : ", ") + path;  // as kubectl: others may exist
        } else {
            return failure(KubeconfigError{"cannot read the kubeconfig " + path + ": " +
                                           text.error().message() +
                                           "; check the path and its permissions"});
        }
    }
    if (files.empty())
        return failure(KubeconfigError{"there is no kubeconfig at " +
                                       (missing.empty() ? "an empty path" : missing) +
                                       "; name one that exists with clusters[].kubeconfig"});
    return read_kubeconfig(files, context);
}

}  // namespace runnerwatch
