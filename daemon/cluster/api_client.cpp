#include "daemon/cluster/api_client.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace runnerwatch {

namespace {

constexpr std::chrono::seconds token_age_max{60};  // as client-go, transport/token_source.go
constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;
constexpr auto service_account = "/var/run/secrets/kubernetes.io/serviceaccount";

Result<std::string, std::error_code> read_file(const std::string& path) {
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

std::string without_newline(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

// What a path asks for, in the words of a Role.
struct Asked {
    std::string verb, resource, namespace_;

    std::string where() const {
        return namespace_.empty() ? "in all namespaces" : "in namespace " + namespace_;
    }
};

Asked asked(std::string_view path) {
    Asked asked;
    const std::size_t question = path.find('?');
    const std::string_view query =
        question == path.npos ? std::string_view() : path.substr(question + 1);
    path = path.substr(0, question);
    constexpr std::string_view namespaces = "/api/v1/namespaces/", all = "/api/v1/";
    if (path.starts_with(namespaces)) {
        path.remove_prefix(namespaces.size());
        asked.namespace_ = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), asked.namespace_.size() + 1));
    } else if (path.starts_with(all)) {
        path.remove_prefix(all.size());
    }
    const std::size_t name = path.find('/');
    asked.resource = path.substr(0, name);
    const bool watch = query.starts_with("watch=") || query.find("&watch=") != query.npos;
    asked.verb = watch ? "watch" : name == path.npos ? "list" : "get";
    if (name != path.npos && path.ends_with("/log")) asked.resource += "/log";
    return asked;
}

// The service account that a refusal names: "namespace:name".
std::string service_account_in(std::string_view message) {
    constexpr std::string_view prefix = "system:serviceaccount:";
    const std::size_t begin = message.find(prefix);
    if (begin == message.npos) return {};
    message.remove_prefix(begin + prefix.size());
    return std::string(message.substr(0, message.find('"')));
}

std::string how_to_grant(const Asked& asked, std::string_view message) {
    const std::string scope = asked.namespace_.empty() ? "" : " -n " + asked.namespace_;
    const std::string kind = asked.namespace_.empty() ? "clusterrole" : "role";
    std::string account = service_account_in(message);
    account = account.empty() ? "--user=USER" : "--serviceaccount=" + account;
    return "grant it with: kubectl create " + kind +
           " runnerwatch --verb=get,list,watch --resource=pods,pods/log" + scope +
           " && kubectl create " + kind + "binding runnerwatch --" + kind + "=runnerwatch " +
           account + scope;
}

}  // namespace

ApiClient::ApiClient(Loop loop, ClusterAccess access)
    : access_(std::move(access)), client_(std::move(loop)) {}

const std::string& ApiClient::token() {
    if (access_.token_file.empty()) return access_.token;
    const auto now = std::chrono::steady_clock::now();
    if (token_.empty() || now - token_read_ >= token_age_max) {
        // A file that is being replaced may be missing for a moment: the old token still serves.
        if (auto text = read_file(access_.token_file)) token_ = without_newline(*text);
        token_read_ = now;
    }
    return token_;
}

// True when a request that was refused with `status` is to be made once more.
bool ApiClient::may_renew_token(int status) {
    if (status != 401 || access_.token_file.empty()) return false;
    const std::string refused = std::exchange(token_, {});
    return token() != refused;
}

HttpCall ApiClient::call(const std::string& path) {
    HttpCall call;
    call.url = access_.server + path;
    call.headers.emplace_back("Accept", "application/json, */*");
    if (const std::string& bearer = token(); !bearer.empty())
        call.headers.emplace_back("Authorization", "Bearer " + bearer);
    call.tls.ca_file = access_.ca_file;
    call.tls.ca_data = access_.ca_data;
    call.tls.client_certificate_file = access_.client_certificate_file;
    call.tls.client_certificate_data = access_.client_certificate_data;
    call.tls.client_key_file = access_.client_key_file;
    call.tls.client_key_data = access_.client_key_data;
    call.tls.server_name = access_.tls_server_name;
    call.tls.proxy_url = access_.proxy_url;
    call.tls.insecure_skip_verify = access_.insecure_skip_tls_verify;
    return call;
}

asio::awaitable<Result<std::string, ApiError>> ApiClient::get(std::string path) {
    HttpCall first = call(path);
    auto reply = co_await client_.fetch(std::move(first));
    if (reply && may_renew_token(reply->status)) {
        HttpCall second = call(path);
        reply = co_await client_.fetch(std::move(second));
    }
    if (!reply) {
        ApiError error;
        error.what = "cannot reach the API server " + url_for_people(access_.server) + ": " +
                     reply.error().what;
        co_return failure(std::move(error));
    }
    if (reply->status / 100 != 2)
        co_return failure(
            refused(path, reply->status, reply->body, std::string(reply->header("retry-after"))));
    co_return std::move(reply->body);
}

asio::awaitable<StreamEnd> ApiClient::stream(std::string path, std::function<void(int)> on_headers,
                                             std::function<void(std::string_view)> on_bytes) {
    bool again = false;
    std::function<void(int)> first_headers = [&](int status) {
        again = may_renew_token(status);
        if (!again && on_headers) on_headers(status);
    };
    HttpCall first = call(path);
    StreamEnd end = co_await client_.stream(std::move(first), std::move(first_headers), on_bytes);
    if (again) {
        HttpCall second = call(path);
        end = co_await client_.stream(std::move(second), std::move(on_headers), on_bytes);
    }
    co_return end;
}

ApiError ApiClient::explain(std::string_view path, const StreamEnd& end) const {
    if (end.status != 0 && end.status / 100 != 2)
        return refused(path, end.status, end.body, end.retry_after);
    ApiError error;
    error.code = end.status;
    error.what = (end.status == 0 ? "cannot reach the API server " : "lost the API server ") +
                 url_for_people(access_.server) + ": " + end.what;
    return error;
}

ApiError ApiClient::refused(std::string_view path, int status, std::string_view body,
                            std::string retry_after) const {
    const ApiStatus said = parse_api_status(status, body);
    ApiError error{status, said.reason, said.kind, {}, std::move(retry_after), said.next};
    const Asked wanted = asked(path);
    const std::string server = url_for_people(access_.server);
    const std::string message = said.message.empty() ? "no reason given" : said.message;
    const auto mentions = [&](std::string_view word) { return message.find(word) != message.npos; };
    if (status == 401) {
        error.what = "the API server " + server + " does not accept the credentials of context '" +
                     access_.context + "' (401): renew the token or the client certificate";
    } else if (status == 403 && mentions("\"nodes\"") && mentions("\"proxy\"")) {
        error.what = "the API server " + server +
                     " may not read logs from its nodes (403): its own kubelet client lacks verb "
                     "get on nodes/proxy, a matter of the cluster's set-up: " +
                     message;
    } else if (status == 403) {
        error.what = "runnerwatch may not " + wanted.verb + " " + wanted.resource + " " +
                     wanted.where() + ": the credentials lack verb " + wanted.verb + " on " +
                     wanted.resource + "; " + how_to_grant(wanted, message);
    } else {
        error.what = "the API server " + server + " answered " + std::to_string(status) +
                     " when asked to " + wanted.verb + " " + wanted.resource + " " +
                     wanted.where() + ": " + message;
    }
    return error;
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
    if (auto token = read_file(access.token_file); !token)
        return failure(KubeconfigError{
            "cannot use the pod's service account: " + access.token_file + ": " +
            token.error().message() + "; set automountServiceAccountToken: true on the pod"});
    if (auto name = read_file(folder + "/namespace")) access.default_namespace = *name;
    return access;
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
        auto text = read_file(path);
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
